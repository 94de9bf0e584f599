"""One caller's connection: bytes become ``HttpRequest``s, each goes to the handler, answers go back in order.

Requests are read completely before a handler sees them, so limits and deadlines (requirements S13, L1-L4) hold before any
application code. A deadline is a number the sweeper compares with the state's coarse clock, never a timer. Pipelined
requests wait in a short queue; when it is full, reading stops and what was read is held unparsed.

Answering is in ``answering``; the rules about single values are in ``target``, ``hosts`` and ``wire``.
"""

from __future__ import annotations

import asyncio
import re
import sys
from math import inf

import httptools

from naftiko_run.server import refusals
from naftiko_run.server.answering import Answering
from naftiko_run.server.connection import Exchange, plain_exchange
from naftiko_run.server.site import Site
from naftiko_run.server.target import Refused, split_target

_SLICE = 16 * 1024  # parsed at once, so that a burst of tiny requests cannot fill the queue far beyond its bound
_QUEUE = 16
_STARTS = frozenset({b"GET ", b"POST"})
_ODDMENTS = 64 * 1024  # chunk extensions and trailers of one body
_PER_CHUNK = 24  # framing bytes of one chunk: size and two line ends
_SAFE_ID = re.compile(r"[A-Za-z0-9._\-]{1,64}")
_JUDGED = frozenset({"content-length", "expect", "host", "origin", "transfer-encoding", "x-request-id"})
_NAME_ROOM = 512

_names: dict[bytes, str] = {}  # header name as sent -> lower case; bounded


def _lower(name: bytes) -> str:
    text = name.decode("latin-1").lower()
    if len(_names) < _NAME_ROOM:
        _names[name] = text = sys.intern(text)
    return text


class HttpConnection(Answering):
    """One connection, read side."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.parser = httptools.HttpRequestParser(self)
        self.first = b""  # being parsed, where it begins with a request
        self.held = b""  # read, but not parsed until the queue is shorter
        # the request being read
        self.is_reading = False
        self.is_fresh = False  # the request, or its body, began in the data being parsed
        self.raw = 0
        self.target = b""
        self.headers: list[tuple[str, str]] = []
        self.head_bytes = 0
        self.body = b""
        self.pieces: list[bytes] = []
        self.body_bytes = 0
        self.chunks = 0
        self.in_body = False
        self.upgrade = False
        self.method, self.path, self.query, self.request_id = "", "", "", ""
        self.is_http_1_0 = False

    # ---- the transport

    def data_received(self, data: bytes) -> None:
        if self.is_ended:
            return
        is_whole = not self.is_reading and self.active is None and not self.held and data[:4] in _STARTS
        if is_whole and not self.queue and not self.write_paused and self._read_known(data):
            return
        self.first = b""
        if len(data) > _SLICE:
            self._feed_slices(data)
        else:
            self.first = data if is_whole else b""
            self._feed(data)
            if len(self.queue) >= _QUEUE:
                self.pause_reading()

    def _read_known(self, data: bytes) -> bool:
        """Take a request whose head, but for the target, was read before."""
        found = self.site.hosts.heads.find(data, self.state.limits.request_line)
        if found is None:
            return False
        self.limit_at = inf
        method, path, query, block, body = found
        self.active = exchange = plain_exchange(method, path, query, block, body, self.peer, self.state.request_id())
        if not self.hurry(exchange):
            self.begin(hurried=True)
        return True

    def _feed_slices(self, data: bytes) -> None:
        view = memoryview(data)
        for start in range(0, len(data), _SLICE):
            if self.is_ended:
                return
            if len(self.queue) >= _QUEUE:
                self.held = data[start:]
                self.pause_reading()
                return
            self._feed(view[start : start + _SLICE])

    def _feed(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as exc:
            self._read_without_upgrade(bytes(data[exc.args[0] :]))
            self.begin()
            return
        except httptools.HttpParserError as exc:
            if not self.is_ended:
                cause = exc.__context__
                self.refuse(cause.refusal if isinstance(cause, Refused) else refusals.NOT_HTTP)
            self.begin()  # what came before it
            return
        if self.active is not None and self.task is None:
            self.begin()
        if self.is_reading:
            self._count(len(data))

    def _count(self, size: int) -> None:
        # Header fields are delivered when complete, so bytes of an unfinished one are counted here.
        if self.is_fresh:
            self.is_fresh = False
            return
        self.raw += size
        limits = self.state.limits
        allowed = limits.request_line + limits.header_bytes
        if self.in_body:
            allowed = self.body_bytes + _ODDMENTS + _PER_CHUNK * self.chunks
        if self.raw > allowed:
            self.refuse(refusals.HEADERS_TOO_LARGE)

    def _read_without_upgrade(self, rest: bytes) -> None:
        """Serve a request to change protocols as if it had not asked: its body was skipped by the parser, so read it anew."""
        if self.is_ended:
            return
        lines = [f"{self.method} {self.target.decode('ascii')} HTTP/{'1.0' if self.is_http_1_0 else '1.1'}"]
        for name, value in self.headers:
            if name == "connection":
                lines.append("connection: close" if "close" in value.lower() else "connection: keep-alive")
            elif name not in ("upgrade", "http2-settings"):
                lines.append(f"{name}: {value}")
        self.upgrade = False
        self.first = b""
        self.parser = httptools.HttpRequestParser(self)
        self._feed("\r\n".join([*lines, "\r\n"]).encode("latin-1"))
        if rest and not self.is_ended:
            self._feed(rest)

    def eof_received(self) -> None:
        self.disconnected()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.site.connections.add(self)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.site.connections.discard(self)
        super().connection_lost(exc)
        del self.parser  # it holds our bound methods: a cycle

    # ---- the parser

    def on_message_begin(self) -> None:
        self.is_reading = self.is_fresh = True
        self.limit_at = self.state.now + self.state.limits.header_time
        self.target = b""
        self.headers = []
        self.head_bytes = self.body_bytes = self.raw = self.chunks = 0
        self.body = b""
        self.in_body = False

    def on_url(self, url: bytes) -> None:
        self.target += url
        if len(self.target) > self.state.limits.request_line:
            raise Refused(refusals.TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        limits = self.state.limits
        self.head_bytes += len(name) + len(value) + 4
        if self.head_bytes > limits.header_bytes or len(self.headers) >= limits.header_fields:
            raise Refused(refusals.HEADERS_TOO_LARGE)
        if not self.in_body:  # trailers are counted and dropped: nothing may add to a head that was already judged
            self.headers.append((_names.get(name) or _lower(name), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        parser = self.parser
        self.method = parser.get_method().decode("ascii")
        if len(self.target) + len(self.method) + 10 > self.state.limits.request_line:
            raise Refused(refusals.TARGET_TOO_LONG)
        if self.method == "CONNECT":
            raise Refused(refusals.NO_TUNNELS)
        version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            raise Refused(refusals.VERSION_UNKNOWN)
        self.is_http_1_0 = version == "1.0"
        if self.method == "OPTIONS" and self.target == b"*":
            self.path, self.query, authority = "*", "", ""
        else:
            self.path, self.query, authority = split_target(self.target)
        self.upgrade = parser.should_upgrade()
        self._judge_fields(authority)

    def _judge_fields(self, authority: str) -> None:
        length, coding, expected, supplied = -1, "", "", ""
        hosts = []
        for name, value in self.headers:
            if name not in _JUDGED:
                continue
            if name == "host":
                hosts.append(value)
            elif name == "content-length":
                length = int(value)
            elif name == "transfer-encoding":
                coding = value
            elif name == "expect":
                expected = value
            elif name == "x-request-id":
                supplied = value
            elif not self.site.hosts.accepts_origin(value):
                raise Refused(refusals.NOT_ORIGIN_ALLOWED)
        self.request_id = supplied if supplied and _SAFE_ID.fullmatch(supplied) else self.state.request_id()
        self._judge_host(hosts, authority)
        if coding and (self.is_http_1_0 or coding.lower() != "chunked" or length >= 0):
            raise Refused(refusals.BAD_FRAMING)
        if length > self.state.limits.request_body:
            raise Refused(refusals.BODY_TOO_LARGE)
        if expected and expected.lower() != "100-continue":
            raise Refused(refusals.EXPECTATION_UNKNOWN)
        if (length > 0 or coding) and not self.upgrade:
            self.in_body = self.is_fresh = True
            self.raw = 0
            self.limit_at = self.state.now + self.state.limits.body_time
            if expected and not self.is_http_1_0:
                self.send_continue()

    def _judge_host(self, hosts: list[str], authority: str) -> None:
        if len(hosts) != 1:
            # Only browsers can be lured to us by another name, and they speak HTTP/1.1; plain probes speak 1.0 without a host.
            if hosts or not self.is_http_1_0:
                raise Refused(refusals.BAD_HOST_FIELD)
            return
        host = authority or hosts[0]  # a target that names its authority overrules the field
        if not self.site.hosts.accepts_host(host):
            raise Refused(refusals.HOST_UNKNOWN)
        if authority:
            self.headers = [(name, host if name == "host" else value) for name, value in self.headers]

    def on_chunk_header(self) -> None:
        self.chunks += 1

    def on_body(self, data: bytes) -> None:
        self.body_bytes += len(data)
        if self.body_bytes > self.state.limits.request_body:
            raise Refused(refusals.BODY_TOO_LARGE)
        self.pieces.append(data)

    def on_message_complete(self) -> None:
        if self.upgrade or self.is_ended:
            return
        self.is_reading = False
        self.limit_at = inf
        if self.pieces:
            self.body = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
            self.pieces = []
        keeps_alive = self.parser.should_keep_alive()
        self.is_ended = not keeps_alive
        if self.first:
            if keeps_alive and not self.is_http_1_0:
                self.site.hosts.heads.learn(self.first, self.headers, len(self.body))
            self.first = b""
        self.accept(
            Exchange(
                method=self.method,
                path=self.path,
                query=self.query,
                headers=self.headers,
                body=self.body,
                peer=self.peer,
                request_id=self.request_id,
                keeps_alive=keeps_alive,
                is_http_1_0=self.is_http_1_0,
            )
        )

    # ---- what the answering side and the sweeper ask for

    @property
    def is_idle(self) -> bool:
        """Between two requests."""
        return self.active is None and not self.is_reading and not self.queue and not self.is_lingering

    def read_on(self) -> None:
        """Parse what was held back, then let the socket be read again."""
        held, self.held = self.held, b""
        if held:
            self._feed_slices(held)
        if not self.held and len(self.queue) < _QUEUE:
            self.resume_reading()

    def overdue(self) -> None:
        """The sweeper found ``limit_at`` in the past."""
        if self.write_paused and not self.is_reading:
            self.limit_at = self.state.now + self.state.limits.body_time  # still taking its answer; see ``check_stalled``
        elif self.is_lingering:
            self.abort()
        elif self.is_reading:
            self.refuse(refusals.BODY_TOO_SLOW if self.in_body else refusals.HEADERS_TOO_SLOW)
        else:
            self.close()
