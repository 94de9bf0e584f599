"""One HTTP/1.1 connection: request bytes out in one write, one ``UpstreamReply`` or one of our errors back.

An ``asyncio.Protocol`` around httptools; it knows nothing of pools, origins or retries (see ``pool.py``). Time limits are two
numbers that the pool's ticking watch compares with the clock, which is cheaper than a timer for each request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic
from typing import cast

import httptools

from naftiko_run.consumes.attempt import Attempt
from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.response import KnownHead, Response
from naftiko_run.consumes.waiter import Waiter
from naftiko_run.errors import RequestError
from naftiko_run.limits import KIB, Limits

_ONE_WRITE = 64 * KIB  # a larger body is not copied behind its head


class Unanswered(Exception):
    """The connection ended before any byte of a response: a kept one may simply have been too old."""


_HEAD_ROOM, _LONGEST_HEAD = 64, 2048
_heads: dict[bytes, KnownHead] = {}
"""Heads of responses that a parser has read. Bounded: dates change each second."""


def _learn(data: bytes, response: Response) -> None:
    """``data`` was one whole response."""
    length = response.plain_length
    end = data.find(b"\r\n\r\n") + 4
    if any(name == "set-cookie" for name, _ in response.headers):
        return  # it is not to be kept
    if length is None or end > _LONGEST_HEAD or len(data) != end + length:
        return
    if len(_heads) >= _HEAD_ROOM:
        _heads.clear()
    _heads[data[:end]] = KnownHead(response.status, response.headers.copy(), response.idle_hint, length)


class _Collector(Response):
    """A ``Response`` that httptools calls."""

    __slots__ = ("keep_alive", "parser")

    def __init__(self, faults: Faults, limits: Limits) -> None:
        super().__init__(faults, limits)
        self.keep_alive = False
        self.renew()

    def renew(self) -> None:
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        self.keep_alive = self.parser.should_keep_alive()
        self.head_complete(self.parser.get_status_code())


class Connection(asyncio.Protocol):
    """``exchange`` one request at a time; ``reusable`` tells whether another may follow."""

    __slots__ = (
        "_bodiless_bytes", "_body_limit", "_collector", "_faults", "_head_limit", "_loop", "_max_body", "_method", "_on_lost",
        "_on_made", "_read_any", "_room", "_waiter", "expires", "idle_hint", "idle_until", "origin", "reusable", "seen",
        "transport", "used",
    )  # fmt: skip

    def __init__(
        self, origin: Origin, faults: Faults, limits: Limits,
        on_made: Callable[[Connection], None], on_lost: Callable[[Connection], None],
    ) -> None:  # fmt: skip
        self.origin = origin
        self.reusable = self.used = False
        self.expires = self.seen = self.idle_until = 0.0
        self.transport: asyncio.Transport | None = None
        self._faults = faults
        self._collector = _Collector(faults, limits)
        self._head_limit, self._body_limit = limits.response_header_bytes, limits.response_body
        self._bodiless_bytes = 0
        self._read_any = False
        self._method = ""
        self._max_body: int | None = None
        self._room = 0  # the tighter of both limits of a body
        self.idle_hint: float | None = None
        self._waiter: Waiter | Attempt | None = None
        self._loop = asyncio.get_running_loop()
        self._on_made, self._on_lost = on_made, on_lost

    @property
    def busy(self) -> bool:
        return self._waiter is not None

    def exchange(self, request: UpstreamRequest, head: bytes, now: float, expires: float) -> Waiter:
        """Send, and promise the reply. The promise fails with ``Unanswered`` or a ``RequestError``."""
        transport = self.transport
        waiter = Waiter(self._loop)
        if transport is None or transport.is_closing():
            waiter.fail(Unanswered())
            return waiter
        self.begin(waiter, request.method, request.max_body, now, expires)
        body = request.body
        if not body:
            transport.write(head)
        elif len(body) <= _ONE_WRITE:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        return waiter

    def begin(self, waiter: Waiter | Attempt, method: str, max_body: int | None, now: float, expires: float) -> None:
        """Be ready for the response to what is written next."""
        self._waiter = waiter
        self._method, self._max_body = method, max_body
        self._room = self._body_limit if max_body is None or max_body > self._body_limit else max_body
        self._read_any = self.reusable = False
        self.expires, self.seen = expires, now

    def fail(self, error: Exception) -> None:
        """End the exchange with ``error``, and the connection with it."""
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.fail(error)
        self.abort()

    def abort(self) -> None:
        self.reusable = False
        self._waiter = None
        if self.transport is not None:
            self.transport.abort()

    # ---- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are not subclasses
        self._on_made(self)

    def data_received(self, data: bytes) -> None:
        if self._waiter is None:
            self.abort()  # nobody asked for this
            return
        self.seen = monotonic()
        collector = self._collector
        if not self._read_any:
            if self._method == "GET" and self._read_known(data):
                return
            self._read_any = True
            self._bodiless_bytes = 0
            collector.begin(self._method, self._max_body)
            first = data
        else:
            first = b""
        before = collector.received
        try:
            collector.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not collector.complete:
                self.fail(self._reason(error))
                return
            collector.excess = True
        if collector.complete:
            if first and self._method == "GET" and collector.keep_alive and not collector.excess:
                _learn(first, collector)
            self._finish(keep=collector.keep_alive and not collector.excess)
        elif collector.received == before:
            self._count_bodiless(len(data))

    def _read_known(self, data: bytes) -> bool:
        """A whole response in one read, its head the same as one before."""
        end = data.find(b"\r\n\r\n") + 4
        known = _heads.get(data[:end])
        if known is None:
            return False
        length = known.length
        if len(data) - end != length or length > self._room or end > self._head_limit:
            return False
        waiter, self._waiter = self._waiter, None
        assert waiter is not None
        self.reusable = self.used = self._read_any = True
        self.idle_hint = known.idle_hint
        waiter.take(known, data[end:])
        return True

    def _reason(self, error: Exception) -> RequestError:
        reason = self._collector.error or self._faults.broken("is not HTTP")
        reason.__cause__ = error
        return reason

    def _count_bodiless(self, size: int) -> None:
        """Heads, chunk extensions and trailers that go on and on are not stored, but they are not read forever either."""
        self._bodiless_bytes += size
        if self._bodiless_bytes > self._head_limit:
            self.fail(self._faults.broken("has too large a head"))

    def _finish(self, *, keep: bool) -> None:
        waiter, self._waiter = self._waiter, None
        assert waiter is not None
        self.reusable, self.used = keep, True
        self.idle_hint = self._collector.idle_hint
        if self._method == "HEAD":
            self._collector.renew()  # it would wait for the body that the head announces
        try:
            reply = self._collector.reply()
        except RequestError as error:
            self.reusable = False
            waiter.fail(error)
            return
        if not waiter.done():
            waiter.answer(reply)

    def eof_received(self) -> None:
        """The upstream has said all it will: that ends a body that nothing else ends."""
        if self._waiter is not None and self._read_any and self._collector.ends_with_connection:
            self._finish(keep=False)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reusable = False
        waiter, self._waiter = self._waiter, None
        if waiter is not None:
            waiter.fail(self._faults.cut() if self._read_any else Unanswered())
        self.transport = None
        self._on_lost(self)
