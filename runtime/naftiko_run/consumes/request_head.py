"""An ``UpstreamRequest`` becomes the bytes of an HTTP/1.1 head, or is refused: no value can add a line or a field.

The whole head is checked at once: after deleting every printable character and tab, exactly the line ends we wrote must be
left. That holds whatever was let through before, and costs less than looking at each value.
"""

from __future__ import annotations

import re

from naftiko_run.consumes.messages import UpstreamRequest
from naftiko_run.errors import MalformedRequest

_PRINTABLE = bytes([9, *range(0x20, 0x7F)])
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({
    "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade",
    "expect", "proxy-authorization", "proxy-authenticate",
})  # fmt: skip
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_KNOWN_NAMES = 1024  # names come from documents, and from callers where a resource forwards


class RequestHead:
    """Writes heads for one client; remembers the field names it has already checked."""

    def __init__(self, user_agent: str) -> None:
        self._user_agent = user_agent
        self._names: dict[str, str] = {}

    def fields(self, request: UpstreamRequest) -> list[tuple[str, str]]:
        """All fields to send, ours included, ``Host`` first. Values are only checked by ``encode``."""
        fields = [("Host", request.origin.authority)]
        names = self._names
        agent = encoding = False
        for field in request.headers:
            lowered = names.get(field[0]) or self._check(field[0])
            if lowered == "user-agent":
                agent = True
            elif lowered == "accept-encoding":
                encoding = True
            fields.append(field)
        if not agent:
            fields.append(("User-Agent", self._user_agent))
        if not encoding:
            fields.append(("Accept-Encoding", "gzip, deflate"))
        if request.body is not None:
            fields.append(("Content-Length", str(len(request.body))))
        elif request.method in _WITH_BODY:
            fields.append(("Content-Length", "0"))
        return fields

    def block(self, request: UpstreamRequest) -> bytes:
        """All that follows the request line, the empty line included."""
        return self.encode(request, self.fields(request)).partition(b"\r\n")[2]

    def line(self, request: UpstreamRequest) -> bytes:
        return request_line(request.method, request.target)

    def encode(self, request: UpstreamRequest, fields: list[tuple[str, str]]) -> bytes:
        method, target = request.method, request.target
        if method not in self._names and not _TOKEN.fullmatch(method):
            raise MalformedRequest("the request method is not a token")
        if not target.startswith("/") or " " in target or "\t" in target:
            raise _no_path()
        lines = "\r\n".join([f"{name}: {value}" for name, value in fields])
        text = f"{method} {target} HTTP/1.1\r\n{lines}\r\n\r\n"
        try:
            head = text.encode("ascii")
        except UnicodeEncodeError as error:
            raise _unprintable() from error
        if head.translate(None, _PRINTABLE) != b"\r\n" * (len(fields) + 2):
            raise _unprintable()
        return head

    def _check(self, name: str) -> str:
        if not _TOKEN.fullmatch(name):
            raise MalformedRequest("a header name is not a token")
        lowered = name.lower()
        if lowered in _FRAMING:
            raise MalformedRequest(f"header {name!r} cannot be set", hint="it belongs to the connection, not to the request")
        if len(self._names) < _KNOWN_NAMES:
            self._names[name] = lowered
        return lowered


def request_line(method: str, target: str) -> bytes:
    """The first line of a request whose method and header block were checked before."""
    if not target.startswith("/") or " " in target or "\t" in target:
        raise _no_path()
    if not (target.isascii() and target.isprintable()):
        raise _unprintable()
    return f"{method} {target} HTTP/1.1\r\n".encode()


def _no_path() -> MalformedRequest:
    return MalformedRequest("the request target is not a path")


def _unprintable() -> MalformedRequest:
    hint = "percent-encode the value"
    return MalformedRequest("the request holds a character that a request line or header cannot carry", hint=hint)
