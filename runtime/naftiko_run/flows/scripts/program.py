"""What one run of a script is, on its way into a worker and back: JSON both ways.

Shared by the side that asks (``script``) and the interpreters that answer (``python``, ``javascript``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import orjson

from naftiko_run.isolation.jobs import Refused
from naftiko_run.records import record, values_of

RESULT_DEPTH = 64
NOTHING = b"[]"
RESERVED = ("context", "result")

_TOO_DEEP = f"its result is nested deeper than {RESULT_DEPTH} levels"


@record
class Program:
    """``sources`` are the dependencies in order and then the script; ``variables`` are bound beside ``context``."""

    sources: list[str]
    names: list[str]  # what each dependency is called in a message
    context: dict[str, object]
    variables: dict[str, object]
    seconds: float
    memory: int
    result_bytes: int

    def to_bytes(self) -> bytes:
        fields = values_of(self)
        try:
            return orjson.dumps(fields)
        except TypeError:  # an integer beyond 64 bits, or something that is no JSON at all
            return _exact(fields)

    def parts(self) -> Iterator[tuple[str, str]]:
        """Name and source of each part in order; the script itself, the last, goes without a name."""
        yield from zip([*self.names, ""], self.sources, strict=True)

    @classmethod
    def from_bytes(cls, payload: bytes) -> Program:
        return cls(**json.loads(payload))


def _exact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def raised(said: str, name: str, *, limit: bool) -> Refused:
    """The first line of what an interpreter said, and of which dependency; ``""`` is the script itself."""
    line = said.partition("\n")[0][:500]
    return Refused(f"{name!r} raised {line}" if name else f"it raised {line}", kind="limit" if limit else "script")


def answer(text: object, limit: int) -> bytes:
    """A result, written as JSON by the script's own interpreter, as the bytes that go back: checked, because it may lie."""
    if not isinstance(text, str):
        raise Refused("its result is no JSON", kind="result")
    if len(text) > limit or len(text.encode(errors="replace")) > limit:
        raise Refused(f"its result is larger than {limit:,} bytes", kind="limit")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise Refused(_TOO_DEEP, kind="limit") from None
    except ValueError:
        raise Refused("its result is no JSON", kind="result") from None
    if _deeper(value, RESULT_DEPTH):
        raise Refused(_TOO_DEEP, kind="limit")
    return _exact([value])


def _deeper(value: object, depth: int) -> bool:
    """Whether arrays and objects are nested more than ``depth`` levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return inner is not None and (depth == 0 or any(_deeper(item, depth - 1) for item in inner))


def _no_constant(word: str) -> object:
    raise ValueError(word)
