"""Named values in, the bytes of a form out: url-encoded, or multipart as RFC 7578 has it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple
from urllib.parse import quote_plus, urlencode

from naftiko_run.errors import MalformedRequest
from naftiko_run.expressions.escape import has_control
from naftiko_run.expressions.text import to_text

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"

Encoded = tuple[bytes | None, str]
"""A body and its media type; ``(None, "")`` for no body."""


class Part(NamedTuple):
    """One part of a multipart form; with a ``filename`` it is a file."""

    name: str
    value: object
    filename: str = ""
    media_type: str = ""


def encode_form(fields: Iterable[tuple[str, object]]) -> Encoded:
    """``a=1&a=2&b=x%26y``; a list repeats its name."""
    pairs = [(n, to_text(v)) for n, value in fields for v in (value if isinstance(value, list) else [value])]
    return urlencode(pairs, quote_via=quote_plus, errors="replace").encode(), URL_ENCODED


def encode_multipart(parts: Iterable[Part]) -> Encoded:
    """The parts under a boundary of our own; names and filenames cannot break out of their quotes."""
    boundary = os.urandom(16).hex()
    out = bytearray()
    for part in parts:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(part.name)}"'.encode()
        if part.filename:
            out += f'; filename="{_quoted(part.filename)}"'.encode()
        kind = part.media_type or ("application/octet-stream" if part.filename else "")
        if has_control(kind):
            raise MalformedRequest(f"content type of the part {part.name!r} is not a header value")
        if kind:
            out += f"\r\nContent-Type: {kind}".encode()
        content = part.value if isinstance(part.value, bytes) else to_text(part.value).encode("utf-8", "replace")
        out += b"\r\n\r\n" + content + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return bytes(out), f"{MULTIPART}; boundary={boundary}"


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
