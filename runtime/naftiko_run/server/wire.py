"""An ``HttpAnswer`` becomes the bytes of an HTTP/1.1 head, and a chunk of a stream its frame.

The listener alone decides how a body is framed, so fields about framing that a handler set are dropped. A name or value that
could end a header line early is refused here, the last place before the socket.
"""

from __future__ import annotations

import http
import re
from collections.abc import Iterable, Sequence

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
FRAMING = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding", "x-request-id"})
NO_BODY = frozenset({204, 304})

_NAME_ROOM = 512  # distinct header names remembered; past that each is checked anew


_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
_STATUS_LINES = {status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}" for status in range(200, 600)}
_written: dict[str, bool] = {}  # header name -> is it the handler's to write
_HEAD_ROOM = 256
_heads: dict[tuple[int, tuple[str, str]], str] = {}  # heads with one field of the handler's, nearly always its media type


def _is_written(name: str) -> bool:
    if not TOKEN.fullmatch(name):
        raise ValueError("a header name of an answer is not a token")
    written = name.lower() not in FRAMING
    if len(_written) < _NAME_ROOM:
        _written[name] = written
    return written


def encode_head(status: int, headers: Sequence[tuple[str, str]], framing: str) -> bytes:
    """The head of an answer. ``framing`` is the listener's own block of lines, ending in an empty one."""
    if len(headers) != 1:
        return f"{_write_lines(status, headers)}{framing}".encode("latin-1")
    key = (status, headers[0])
    lines = _heads.get(key)
    if lines is None:
        lines = _write_lines(status, headers)
        lines.encode("latin-1")  # what cannot be sent is not to be found the next time
        if len(_heads) < _HEAD_ROOM and headers[0][0].lower() == "content-type":
            _heads[key] = lines
    return f"{lines}{framing}".encode("latin-1")


def _write_lines(status: int, headers: Iterable[tuple[str, str]]) -> str:
    lines = [_STATUS_LINES[status]]
    for name, value in headers:
        written = _written.get(name)
        if written or (written is None and _is_written(name)):
            lines.append(f"{name}: {value}")
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if text.count("\n") != breaks or text.count("\r") != breaks or "\0" in text:
        raise ValueError("a header value of an answer contains a line break")
    return f"{text}\r\n"


def content_lines(media_type: str) -> str:
    """The lines of a 200 with nothing but a media type, where one was written before; else empty."""
    return _heads.get((200, ("Content-Type", media_type)), "")


def encode_chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
