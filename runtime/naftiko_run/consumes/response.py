"""Parser events in, one ``UpstreamReply`` out, or the error that the response deserves.

Both transports feed this one collector, so they cannot disagree about limits, framing or compression. Method names are those
that httptools calls. Fields that describe the connection or the coding that was undone are not part of the reply.
"""

from __future__ import annotations

from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.formats.registry import charset_of
from naftiko_run.consumes.inflate import Inflater, Unusable
from naftiko_run.consumes.messages import UpstreamReply
from naftiko_run.errors import RequestError
from naftiko_run.limits import Limits

_COMMON = (
    "Content-Type", "Date", "Server", "Cache-Control", "Vary", "ETag", "Last-Modified", "Expires", "Location", "Link", "Age",
    "Retry-After", "Set-Cookie", "X-Request-Id", "Accept-Ranges", "Strict-Transport-Security", "X-Content-Type-Options",
)  # fmt: skip
_NAMES = {form.encode(): name.lower() for name in _COMMON for form in (name, name.lower())}
_CONNECTION = frozenset({"connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"})
_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding", *_CONNECTION})
_IGNORED = frozenset({b"Connection", b"connection"})  # what a parser already acts on, as it is usually spelled
_BODILESS = (204, 304)
_FLAWS = {
    "corrupt": "is not the compressed data that it claims to be",
    "too-large": "is larger than the limit",
    "ratio": "is compressed beyond the allowed ratio",
}


class KnownHead:
    """The head of a response with a body as it was sent, remembered by its bytes: whatever it says was read and judged once."""

    __slots__ = ("charset", "content_type", "headers", "idle_hint", "length", "media_type", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], idle_hint: float | None, length: int) -> None:
        self.status, self.headers, self.idle_hint, self.length = status, headers, idle_hint, length
        reply = self.reply(b"")
        self.content_type, self.media_type = reply.header("content-type"), reply.media_type
        self.charset = charset_of(self.content_type)

    def reply(self, body: bytes) -> UpstreamReply:
        return UpstreamReply(status=self.status, headers=self.headers.copy(), body=body)


class Response:
    """Collects one response at a time; ``begin`` before each."""

    __slots__ = (
        "_chunked", "_coding", "_fields", "_inflater", "_length", "_limit", "_method", "_parts", "complete", "error", "excess",
        "faults", "headers", "idle_hint", "limits", "received", "started", "status",
    )  # fmt: skip

    def __init__(self, faults: Faults, limits: Limits) -> None:
        self.faults, self.limits = faults, limits
        self.begin("", None)

    def begin(self, method: str, max_body: int | None) -> None:
        limit = self.limits.response_body
        self._method = method
        self._limit = limit if max_body is None else min(limit, max_body)
        self.status = 0
        self.started = self.complete = self.excess = False
        self.received = 0
        self.error: RequestError | None = None
        self._parts: list[bytes] = []
        self._forget()

    def _forget(self) -> None:
        self._fields: list[tuple[bytes, bytes]] = []
        self.headers: list[tuple[str, str]] = []
        self._length: int | None = None
        self._chunked = False
        self._coding = ""
        self._inflater: Inflater | None = None
        self.idle_hint: float | None = None

    # ---- events

    def on_message_begin(self) -> None:
        if self.complete:
            self.excess = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.status < 200:  # else it is a trailer
            self._fields.append((name, value))

    def _read_fields(self) -> None:
        """All fields of the head, which is complete."""
        headers, size = self.headers, 0
        for name, value in self._fields:
            size += len(name) + len(value) + 4
            lowered = _NAMES.get(name)
            if lowered is None:
                if name in _IGNORED:
                    continue
                lowered = name.lower().decode("latin-1")
                if lowered in _FRAMING:
                    self._frame(lowered, value.decode("latin-1"))
                    continue
            headers.append((lowered, value.decode("latin-1")))
        if size > self.limits.response_header_bytes:
            raise self.refuse("has too large a head")

    def _frame(self, name: str, text: str) -> None:
        if name == "content-length":
            if self._length is not None:
                raise self.refuse("has two lengths")
            if not (text.isascii() and text.isdigit()) or len(text) > 18:
                raise self.refuse("has an unreadable length")
            self._length = int(text)
        elif name == "transfer-encoding":
            if self._chunked or text.strip().lower() != "chunked":
                raise self.refuse("has an unknown transfer encoding")
            self._chunked = True
        elif name == "content-encoding":
            self._add_coding(text)
        elif name == "keep-alive":
            self.idle_hint = _keep_alive_seconds(text)

    def _add_coding(self, text: str) -> None:
        coding = text.strip().lower()
        if coding in ("", "identity"):
            return
        if self._coding:
            raise self.refuse("has more than one content encoding")
        if coding not in ("gzip", "x-gzip", "deflate"):
            raise self.refuse("has more than one content encoding" if "," in coding else "has an unknown content encoding")
        self._coding = coding.removeprefix("x-")

    def head_complete(self, status: int) -> None:
        """The head has ended. A 1xx is forgotten; a response that has no body is complete."""
        if self.complete:
            return  # of another message, unasked for
        if status < 200:
            if status == 101 or self.received > 8:
                raise self.refuse("is not a final answer")
            self.received += 1
            self._forget()
            return
        self._read_fields()
        if self._chunked and self._length is not None:
            raise self.refuse("has two lengths")
        self.received = 0
        self.status = status
        if self._method == "HEAD" or status in _BODILESS:
            if self._length is not None:
                self.headers.append(("content-length", str(self._length)))
            if self._coding:
                self.headers.append(("content-encoding", self._coding))
            self.complete = self._method == "HEAD"  # the parser itself ends the others
            return
        if self._length is not None and self._length > self._limit:
            raise self.refuse(_FLAWS["too-large"])
        if self._coding:
            self._inflater = Inflater(self._coding, self._limit, self.limits.inflate_ratio)
        elif self._length is not None:
            self.headers.append(("content-length", str(self._length)))

    def on_body(self, data: bytes) -> None:
        if self.complete:
            self.excess = True
            return
        self.received += len(data)
        if self.received > self._limit:
            raise self.refuse(_FLAWS["too-large"])
        if self._inflater is None:
            self._parts.append(data)
            return
        try:
            self._inflater.feed(data)
        except Unusable as flaw:
            raise self.refuse(_FLAWS[flaw.flaw]) from flaw

    def on_message_complete(self) -> None:
        if self.status:
            self.complete = True

    # ---- results

    @property
    def plain_length(self) -> int | None:
        """The announced length of a body that is as it was sent; ``None`` where anything about its framing is special."""
        is_plain = self.status == 200 and not self._chunked and not self._coding
        return self._length if is_plain else None

    @property
    def ends_with_connection(self) -> bool:
        """Whether only the end of the connection can end this body."""
        return self.status >= 200 and self._length is None and not self._chunked

    def reply(self) -> UpstreamReply:
        if self._inflater is not None:
            try:
                body = self._inflater.finish()
            except Unusable as flaw:
                raise self.faults.cut() from flaw
        else:
            body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        return UpstreamReply(status=self.status, headers=self.headers, body=body)

    def refuse(self, what: str) -> RequestError:
        """Remember the error, for a parser wraps what a callback raises."""
        self.error = self.faults.broken(what)
        return self.error


def _keep_alive_seconds(text: str) -> float | None:
    """The idle time that a ``Keep-Alive`` field promises, less one second for the way."""
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name.strip().lower() == "timeout" and value.strip().isdigit() and len(value) < 9:
            return max(0.0, int(value) - 1.0)
    return None
