"""``json``: the body as it is, integers exact at any size, nesting bounded; the last of a repeated key wins.

orjson reads nearly everything. It turns integers beyond 64 bits into floats, so a body with a long run of digits goes to the
standard library. Both refuse ``NaN`` and ``Infinity``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import orjson

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings
from naftiko_run.consumes.formats.text import codec_for, read_text
from naftiko_run.errors import UpstreamBroken

CONTAINERS = 1_000_000
"""Objects and arrays in one body: an empty one costs thirty times its two bytes (requirement S3)."""

# Every digit as 0 and every opening bracket as [, so that one pass serves both questions.
_KINDS = bytes(48 if 48 <= byte <= 57 else 91 if byte in b"[{" else 120 for byte in range(256))
_LONG_INTEGER = b"0" * 19
_ASCII = b"\x7f"  # no byte order mark is less
_NOT_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def decode_json(body: bytes, charset: str = "", *, depth: int) -> object:
    """A JSON value; ``ValueError`` where the body is not JSON, ``UpstreamBroken`` where it is over a limit."""
    if charset or body > _ASCII:
        if (charset and codec_for(charset) not in ("", "utf-8", "ascii")) or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
            body = read_text(body, charset).encode()
        body = body.removeprefix(b"\xef\xbb\xbf")
    kinds = body.translate(_KINDS)
    containers = kinds.count(b"[")
    if containers > depth:
        _check_containers(body, containers, depth)
    if _LONG_INTEGER in kinds:
        return json.loads(body, parse_float=_finite, parse_constant=_no_constant)
    return orjson.loads(body)


ROUNDED = b"e+"
"""In JSON that we wrote: it may hold a float that such a reading made of an integer. Nothing without it does."""


def compile_read_copied(depth: int) -> Callable[[bytes], object]:
    """The same for UTF-8 whose values will only be copied into an answer, without looking for integers beyond 64 bits first.

    They come as floats, and floats of their size are written with ``ROUNDED``; who finds it decodes the body once more.
    """
    loads = orjson.loads

    def read(body: bytes) -> object:
        containers = body.count(b"[") + body.count(b"{")
        if containers > depth:
            _check_containers(body, containers, depth)
        return loads(body)

    return read


def _check_containers(body: bytes, containers: int, depth: int) -> None:
    if containers > CONTAINERS:
        raise UpstreamBroken(f"the upstream's JSON holds more than {CONTAINERS:,} objects and arrays")
    if _nested_deeper(body, depth):
        raise UpstreamBroken(f"the upstream's JSON is nested deeper than {depth} levels")


def _nested_deeper(body: bytes, depth: int) -> bool:
    """Whether brackets nest deeper than ``depth``, told without parsing: each round takes the innermost pairs away."""
    brackets = body.translate(None, _NOT_BRACKETS)
    for _ in range(depth):
        shorter = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if len(shorter) == len(brackets):
            break
        brackets = shorter
    # What is left is too deep, or holds brackets that are text inside a string: only counting tells them apart.
    return bool(brackets) and _depth_outside_strings(body) > depth


def _depth_outside_strings(body: bytes) -> int:
    deepest = level = 0
    pieces = body.replace(b"\\\\", b"").replace(b'\\"', b"").split(b'"')
    for piece in pieces[::2]:
        for byte in piece.translate(None, _NOT_BRACKETS):
            level += 1 if byte in b"[{" else -1
            deepest = max(deepest, level)
    return deepest


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("number out of range")
    return number


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is no JSON")


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    depth = settings.limits.response_json_depth

    def convert(body: bytes, charset: str = "", /) -> object:
        return decode_json(body, charset, depth=depth)

    return Decoder(name=name, convert=convert, limits=settings.limits, read_copied=compile_read_copied(depth))
