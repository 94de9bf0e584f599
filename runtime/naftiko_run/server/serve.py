"""Serving: listeners become sockets, all or none; signals become an orderly end (requirements R7 and R10).

The one call most code needs::

    code = await serve(listeners, on_start=engine.open, on_ready=print_banner, on_drain=not_ready, on_stop=engine.close)

It binds every port, runs ``on_start``, accepts, calls ``on_ready`` with the running ``Server``, and returns 0 after SIGTERM or
SIGINT once all requests are answered. ``run`` wraps it in an event loop. Code that serves in the midst of other things (a test,
hot reload) uses ``Server`` itself: ``bind``, ``open``, ``accept``, then ``drain`` and ``close``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any

from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.cors import CorsRules
from naftiko_run.server.hosts import HostRules
from naftiko_run.server.listener import Listener, merge, routed
from naftiko_run.server.protocol import HttpConnection
from naftiko_run.server.site import Site
from naftiko_run.server.sockets import open_socket
from naftiko_run.server.state import ServerState
from naftiko_run.server.sweeper import sweep_for_ever

Hook = Callable[[], Awaitable[None]]
_POLL = 0.02
SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server:
    """The running listeners of one process."""

    def __init__(self, listeners: Iterable[Listener], *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.listeners = merge(listeners)
        self.state = ServerState(limits)
        self.sites: list[Site] = []
        self.sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    def bind(self, inherited: Sequence[socket.socket] = ()) -> None:
        """Own every port, or raise ``BindingError`` and own none. ``inherited`` sockets are used in the order of listeners."""
        try:
            for index, listener in enumerate(self.listeners):
                given = inherited[index] if index < len(inherited) else None
                self.sockets.append(given or open_socket(listener.address, listener.port))
        except BaseException:
            self.release()
            raise

    def release(self) -> None:
        while self.sockets:
            self.sockets.pop().close()

    @property
    def ports(self) -> list[int]:
        """The ports really bound, in the order of the listeners."""
        return [bound.getsockname()[1] for bound in self.sockets]

    async def open(self) -> None:
        """Start what is mounted."""
        for listener in self.listeners:
            for _, mount in listener.mounts:
                await mount.start()

    async def accept(self) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        self._sweeper = loop.create_task(sweep_for_ever(self.state, self.sites))
        for listener, bound in zip(self.listeners, self.sockets, strict=True):
            site = Site(
                self.state,
                routed(listener.handler, listener.mounts),
                HostRules(address=listener.address, names=listener.hosts, origins=listener.origins),
                cors=CorsRules(listener.cors) if listener.cors else None,
                is_exempt=listener.is_exempt,
            )
            self.sites.append(site)
            self._servers.append(await loop.create_server(_factory(site), sock=bound))

    async def drain(self, *, grace: float = 0.0, linger: float = 0.0, patience: float | None = None) -> None:
        """Stop accepting after ``grace``, answer what is in flight, then cancel what is left after ``patience``.

        Every answer from now on closes its connection. ``linger`` is how long an idle connection may still bring a request:
        closing it at once could cross with one that is under way.
        """
        self.state.draining = True
        await asyncio.sleep(grace)
        for server in self._servers:
            server.close()
        await self._wait_for_end(linger, only_idle=True)
        for connection in self._connections():
            if connection.is_idle:
                connection.close()
        patience = self.state.limits.drain_time if patience is None else patience
        await self._wait_for_end(patience)
        for connection in self._connections():
            if connection.task is not None:
                connection.task.cancel()
        await self._wait_for_end(0.5)
        for connection in self._connections():
            connection.abort()

    async def close(self) -> None:
        """Stop what is mounted, and give the ports back."""
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in self._connections():
            connection.abort()
        for listener in self.listeners:
            for _, mount in listener.mounts:
                await mount.stop()
        self.release()

    def _connections(self) -> list[HttpConnection]:
        return [connection for site in self.sites for connection in site.connections]

    async def _wait_for_end(self, seconds: float, *, only_idle: bool = False) -> None:
        # Polled, and only while draining: connections need not know that somebody waits for them.
        for _ in range(round(seconds / _POLL)):
            if not any(connection.is_idle or not only_idle for connection in self._connections()):
                return
            await asyncio.sleep(_POLL)


def _factory(site: Site) -> Callable[[], asyncio.BaseProtocol]:
    return lambda: HttpConnection(site)


async def _nothing() -> None:
    return None


async def serve(
    listeners: Iterable[Listener],
    *,
    limits: Limits = DEFAULT_LIMITS,
    inherited: Sequence[socket.socket] = (),
    on_start: Hook = _nothing,
    on_ready: Callable[[Server], object] = bool,
    on_drain: Callable[[], object] = bool,
    on_stop: Hook = _nothing,
    grace: float | None = None,
    linger: float = 0.0,
) -> int:
    """Serve until a signal comes; the exit code.

    ``grace`` is the time between "not ready" and no longer accepting, for load balancers that watch readiness; by default
    it is the limit's where a listener answers probes (``is_exempt``), and nothing on SIGINT or where nobody could watch.
    """
    server = Server(listeners, limits=limits)
    server.bind(inherited)
    try:
        await on_start()
        await server.open()
        stopped = _watch_signals()
        await server.accept()
        on_ready(server)
        received = await stopped
        on_drain()
        if grace is None:
            is_watched = received == signal.SIGTERM and any(listener.is_exempt for listener in server.listeners)
            grace = limits.shutdown_grace if is_watched else 0.0
        await server.drain(grace=grace, linger=linger)
    finally:
        await server.close()
        await on_stop()
    return 0


def _watch_signals() -> asyncio.Future[int]:
    """The first signal resolves the future, the second ends the process at once."""
    loop = asyncio.get_running_loop()
    stopped: asyncio.Future[int] = loop.create_future()

    def received(number: int) -> None:
        if stopped.done():
            os._exit(128 + number)
        stopped.set_result(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, received, number)
    return stopped


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on the quickest event loop there is."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
