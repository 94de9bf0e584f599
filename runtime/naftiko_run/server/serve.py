"""Serving: listeners become sockets, all or none; signals become an orderly end (requirements R7 and R10).

The one call most code needs::

    code = await serve(listeners, on_start=engine.open, on_ready=print_banner, on_drain=not_ready, on_stop=engine.close)

It binds every port, runs ``on_start``, accepts, calls ``on_ready`` with the running ``Server``, and returns 0 after SIGTERM or
SIGINT once all requests are answered. ``run`` wraps it in an event loop. Code that serves in the midst of other things (a test,
hot reload) uses ``Server`` itself: ``bind``, ``open``, ``accept``, ``replace``, then ``drain`` and ``close``.
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
from naftiko_run.server.listener import Listener
from naftiko_run.server.server import Server

Hook = Callable[[], Awaitable[None]]
RETIRED = 0  # stands where a signal's number would: asked to leave by the supervisor, the port stays served by others

_LINGER_RETIRED = 2.0


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
    retired: asyncio.Event | None = None,
) -> int:
    """Serve until a signal comes; the exit code.

    ``on_drain`` is where readiness ends. ``grace`` is the time between that and no longer accepting, for load balancers that
    watch readiness; by default it is the limit's on SIGTERM where a listener answers probes (``is_exempt``), and nothing on
    SIGINT or where nobody could watch. ``inherited`` and ``retired`` are a worker's, see ``workers``.
    """
    server = Server(listeners, limits=limits)
    server.bind(inherited)
    try:
        await on_start()
        ended = _watch_signals(retired)
        await server.accept()
        on_ready(server)
        reason = await ended
        if reason == RETIRED:
            await server.drain(linger=_LINGER_RETIRED)
        else:
            on_drain()
            await server.drain(grace=_grace(server, reason) if grace is None else grace)
    finally:
        await server.close()
        await on_stop()
    return 0


def _grace(server: Server, reason: int) -> float:
    is_watched = reason == signal.SIGTERM and any(listener.is_exempt for listener in server.listeners)
    return server.state.limits.shutdown_grace if is_watched else 0.0


def _watch_signals(retired: asyncio.Event | None) -> asyncio.Future[int]:
    """The first signal, or being retired, resolves the future; a signal after that ends the process at once."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()

    def received(number: int) -> None:
        if ended.done():
            os._exit(128 + number)
        ended.set_result(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received, number)
    if retired is not None:
        watcher = loop.create_task(_retire(retired, ended))
        ended.add_done_callback(lambda _: watcher.cancel())
    return ended


async def _retire(retired: asyncio.Event, ended: asyncio.Future[int]) -> None:
    await retired.wait()
    if not ended.done():
        ended.set_result(RETIRED)


def run(main: Coroutine[Any, Any, int]) -> int:
    """Run a coroutine on the quickest event loop there is."""
    factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
