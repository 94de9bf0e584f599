"""The fast transport: kept HTTP/1.1 connections of one namespace, checked, bounded and watched.

``send`` takes a kept connection or opens one, exchanges, and gives the connection back. A kept connection that the upstream had
already closed is replaced once, unseen by anybody, where the request may be sent again. The time limits of all exchanges are
watched by one coarse timer; it runs only while there are any.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
from collections import deque
from time import monotonic

from naftiko_run.consumes.dial import dial
from naftiko_run.consumes.egress import EgressPolicy
from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.request_head import RequestHead
from naftiko_run.consumes.retry import may_repeat
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.consumes.tls import TlsContext
from naftiko_run.consumes.wire import Connection, Unanswered

TICK = 0.05  # how late a limit may strike
SWEEP = 0.5  # how long a burst may leave more idle connections behind than are allowed
KEEP = 30.0  # how long an idle connection is kept, where the upstream does not promise less


class Pool:
    """The connections of one namespace to all its origins."""

    def __init__(self, settings: ClientSettings, faults: Faults, egress: EgressPolicy) -> None:
        self._limits, self._faults, self._egress = settings.limits, faults, egress
        self._head = RequestHead(settings.user_agent)
        self._connections: set[Connection] = set()
        self._idle: dict[Origin, list[Connection]] = {}
        self._lasting: set[Origin] = set()  # whose lists of idle connections are known elsewhere
        self._idle_count = self._opening = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watch: asyncio.TimerHandle | None = None
        self._sweep: asyncio.TimerHandle | None = None
        self._empty: asyncio.Event | None = None
        self._closed = False
        self._tls = TlsContext(settings, ("http/1.1",))

    @property
    def open_connections(self) -> int:
        return len(self._connections) + self._opening

    async def send(self, request: UpstreamRequest, seconds: float, until: float = 0.0) -> UpstreamReply:
        """``until`` is the end of an exchange that a kept connection left unanswered: another one is opened for it."""
        writer = self._head
        head = writer.line(request) + request.block if request.block else writer.encode(request, writer.fields(request))
        now = monotonic()
        expires = until or now + seconds
        is_first = not until
        if is_first:
            connection = self._take(request, now) or await self._acquire(request, expires, fresh=False)
        else:
            connection = await self._acquire(request, expires, fresh=True)
            now = monotonic()
        while True:
            if self._watch is None:
                self.watch()
            try:
                return await connection.exchange(request, head, now, expires)
            except Unanswered as error:
                if not (is_first and connection.used and may_repeat(request)):
                    raise self._faults.reset() from error
            finally:
                self.release(connection)
            connection = await self._acquire(request, expires, fresh=True)
            now, is_first = monotonic(), False

    def release(self, connection: Connection) -> None:
        """After an exchange, however it ended."""
        if connection.reusable:
            self.keep(connection, self._idle.setdefault(connection.origin, []))
        else:
            connection.abort()

    def block(self, request: UpstreamRequest) -> bytes:
        return self._head.block(request)

    async def close(self) -> None:
        """Close every connection and wait until each is gone."""
        self._closed = True
        for timer in (self._watch, self._sweep):
            if timer is not None:
                timer.cancel()
        self._watch = self._sweep = None
        for place in self._waiting:
            if not place.done():
                place.set_result(None)
        if self._connections:
            self._empty = asyncio.Event()
            for connection in list(self._connections):
                connection.fail(self._faults.closed())
            async with asyncio.timeout(1.0):
                await self._empty.wait()

    @property
    def is_watching(self) -> bool:
        return self._watch is not None

    def watch(self) -> None:
        """See to it that the limits of the exchanges in progress strike."""
        self._watch = asyncio.get_running_loop().call_later(TICK, self._look_at_clock)

    def _look_at_clock(self) -> None:
        self._watch = None
        now, idle = monotonic(), self._limits.idle_time
        busy = [connection for connection in self._connections if connection.busy]
        for connection in busy:
            if now >= connection.expires or now - connection.seen >= idle:
                connection.fail(self._faults.timeout())
        if busy and not self._closed:
            self._watch = asyncio.get_running_loop().call_later(TICK, self._look_at_clock)

    # ---- kept connections

    def kept(self, origin: Origin) -> list[Connection]:
        """The list of idle connections to an origin, for good; the one that was used last is the last."""
        self._lasting.add(origin)
        return self._idle.setdefault(origin, [])

    def take_last(self, kept: list[Connection]) -> None:
        del kept[-1]
        self._idle_count -= 1

    def _take(self, request: UpstreamRequest, now: float) -> Connection | None:
        """A kept connection that is still good, the most recently used first."""
        kept = self._idle.get(request.origin)
        while kept:
            connection = kept.pop()
            self._idle_count -= 1
            transport = connection.transport
            if transport is None or transport.is_closing():
                continue
            if connection.idle_until < now or (not may_repeat(request) and _has_news(transport)):
                connection.abort()
                continue
            return connection
        return None

    def keep(self, connection: Connection, kept: list[Connection]) -> None:
        """Add a connection that can be used again to its origin's idle ones."""
        if self._closed:
            connection.abort()
            return
        hint = connection.idle_hint
        connection.idle_until = connection.seen + (KEEP if hint is None or hint > KEEP else hint)
        kept.append(connection)
        self._idle_count += 1
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP, self._sweep_idle)
        if self._waiting:
            self._wake_one()

    def _sweep_idle(self) -> None:
        """Close what has been idle for too long, and what is idle beyond the number allowed."""
        self._sweep = None
        now = monotonic()
        for origin, kept in list(self._idle.items()):
            for connection in [one for one in kept if one.idle_until < now]:
                self._drop_idle(connection)
            while kept and self._idle_count > self._limits.namespace_idle and kept[0].seen < now - SWEEP:
                self._drop_idle(kept[0])
            if not kept and origin not in self._lasting:
                del self._idle[origin]
        if self._idle_count:
            self._sweep = asyncio.get_running_loop().call_later(SWEEP, self._sweep_idle)

    def _drop_idle(self, connection: Connection) -> None:
        kept = self._idle.get(connection.origin)
        if kept is not None and connection in kept:
            kept.remove(connection)
            self._idle_count -= 1
        connection.abort()

    # ---- new connections

    async def _acquire(self, request: UpstreamRequest, expires: float, *, fresh: bool) -> Connection:
        """A connection as soon as there is room for one, kept or new."""
        until = min(expires, monotonic() + self._limits.pool_wait)
        while not self._closed:
            kept = None if fresh else self._take(request, monotonic())
            if kept is not None:
                return kept
            if self.open_connections < self._limits.namespace_connections or self._make_room():
                return await self._open(request.origin, expires)
            await self._wait(until)
        raise self._faults.closed()

    async def _open(self, origin: Origin, expires: float) -> Connection:
        self._opening += 1
        try:
            tls = await self._tls.get() if origin.scheme == "https" else None
            async with asyncio.timeout(min(self._limits.connect_time, expires - monotonic())):
                connection = await self._connect(origin, tls)
        except TimeoutError as error:
            raise self._faults.connect_timeout() from error
        except ssl.SSLCertVerificationError as error:
            raise self._faults.untrusted() from error
        except ssl.SSLError as error:
            raise self._faults.tls() from error
        except (socket.gaierror, ValueError) as error:  # ValueError: not even the form of a host
            raise self._faults.unresolved() from error
        except OSError as error:
            raise self._faults.refused() from error
        finally:
            self._opening -= 1
            self._wake_one()
        if self._closed:
            connection.abort()
            raise self._faults.closed()
        return connection

    async def _connect(self, origin: Origin, tls: ssl.SSLContext | None) -> Connection:
        addresses = await self._egress.addresses(origin)
        sock = await dial(addresses, origin.port, self._limits.connect_time)
        connection = Connection(origin, self._faults, self._limits, self._connections.add, self._lost)
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: connection, sock=sock, ssl=tls, server_hostname=origin.host if tls else None)
        except BaseException:
            self._lost(connection)  # uvloop does not say so where it was made in the very moment of a cancellation
            raise
        return connection

    async def _wait(self, until: float) -> None:
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(until - monotonic()):
                await place
        except TimeoutError as error:
            raise self._faults.no_connection() from error
        finally:
            if place in self._waiting:
                self._waiting.remove(place)

    def _make_room(self) -> bool:
        """Give up an idle connection, most likely one to another origin."""
        for kept in self._idle.values():
            if kept:
                self._drop_idle(kept[0])
                return True
        return False

    def _lost(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self._drop_idle(connection)
        self._wake_one()
        if self._empty is not None and not self._connections:
            self._empty.set()

    def _wake_one(self) -> None:
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return


def _has_news(transport: asyncio.Transport) -> bool:
    """Whether something waits to be read, which on an idle connection is its end: one cheap question before a POST."""
    sock = transport.get_extra_info("socket")
    if sock is None or sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock.fileno(), select.POLLIN)
    return bool(poll.poll(0))
