"""An ``HttpAnswer`` becomes the bytes of an HTTP/1.1 head, and a chunk of a stream its frame.

The listener alone decides how a body is framed, so fields about framing that a handler set are dropped. A name or value that
could end a header line early is refused here, the last place before the socket.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterable

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
FRAMING = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding", "x-request-id"})
NO_BODY = frozenset({204, 304})

_NAME_ROOM = 512  # distinct header names remembered; past that each is checked anew


def _status_line(status: int) -> str:
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    return f"HTTP/1.1 {status} {phrase}"


_STATUS_LINES = {status: _status_line(status) for status in range(200, 600)}
_written: dict[str, bool] = {}  # header name -> is it the handler's to write


def _is_written(name: str) -> bool:
    if not TOKEN.fullmatch(name):
        raise ValueError("a header name of an answer is not a token")
    written = name.lower() not in FRAMING
    if len(_written) < _NAME_ROOM:
        _written[name] = written
    return written


def encode_head(status: int, headers: Iterable[tuple[str, str]], framing: str) -> bytes:
    """The head of an answer. ``framing`` is the listener's own block of lines, ending in an empty one."""
    lines = [_STATUS_LINES[status]]
    for name, value in headers:
        written = _written.get(name)
        if written or (written is None and _is_written(name)):
            lines.append(f"{name}: {value}")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise ValueError("a header value of an answer contains a line break")
    return f"{text}\r\n{framing}".encode("latin-1")


def encode_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
