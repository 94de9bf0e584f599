"""The transport of one connection: flow control both ways, callers that leave or do not read, and the ways to end it.

Which exchange runs is decided in ``answering``, what is read in ``protocol``; here are only the states they share.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from math import inf
from typing import Any

from naftiko_run.exposes.messages import HttpRequest
from naftiko_run.flows.express import ExpressCall
from naftiko_run.records import record
from naftiko_run.server.direct_task import DirectTask
from naftiko_run.server.heads import Block
from naftiko_run.server.refusals import Refusal
from naftiko_run.server.site import Site

LOGGER = logging.getLogger("naftiko_run.server")
_MIN_RATE = 4096  # bytes per second a caller must take of an answer, measured over the body time


@record(frozen=False)
class Exchange(HttpRequest):
    """A complete request, with what its answer needs to know about the connection."""

    keeps_alive: bool
    is_http_1_0: bool


def plain_exchange(method: str, path: str, query: str, block: Block, body: bytes, peer: str, request_id: str) -> Exchange:
    """A request whose header block is known. Keyword arguments of a class cost more than all else here, so its fields are
    set one by one.
    """
    exchange = _new(Exchange)
    exchange.method, exchange.path, exchange.query = method, path, query
    exchange.headers, exchange.noted, exchange.body = block.fields.copy(), block.noted, body
    exchange.peer, exchange.request_id = peer, request_id
    exchange.on_disconnect = None
    exchange.keeps_alive, exchange.is_http_1_0 = True, False
    return exchange


_new = Exchange.__new__


class Connection(asyncio.Protocol):
    """One socket, with the exchange in progress and those that wait."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.state = site.state
        self.loop = asyncio.get_running_loop()
        self.transport: Any = None
        self.peer = ""
        self.limit_at = inf  # when the sweeper has to look at this connection
        self.active: Exchange | None = None
        self.task: DirectTask | ExpressCall | None = None
        self.settled: asyncio.Future[None] | None = None  # done when the exchange in progress is, where somebody asked
        self.queue: deque[Exchange | Refusal] = deque()
        self.is_ended = False  # nothing further is parsed
        self.is_lingering = False
        self.is_streaming = False
        self.is_gone = False
        self.owes_continue = False
        self.read_paused = False
        self.write_paused = False
        self.writable: asyncio.Future[None] | None = None
        self.stalled_at = inf
        self.stalled_size = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        peer = transport.get_extra_info("peername")
        self.peer = peer[0] if isinstance(peer, tuple) else ""
        self.state.connections += 1
        self.limit_at = self.state.now + self.state.limits.header_time

    def connection_lost(self, exc: Exception | None) -> None:
        self.disconnected()
        self.state.connections -= 1
        self.resume_writing()

    def disconnected(self) -> None:
        """The caller is gone: tell whoever works for it, forget what waited."""
        if self.is_gone:
            return
        self.is_gone = self.is_ended = True
        self.queue.clear()
        if self.is_streaming and self.task is not None:
            self.task.cancel()
        if self.active is not None and self.active.on_disconnect is not None:
            try:
                self.active.on_disconnect()
            except Exception:
                LOGGER.exception("request %s: its disconnect callback failed", self.active.request_id)
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)

    def pause_writing(self) -> None:
        self.write_paused = True
        self.stalled_at = self.state.now + self.state.limits.body_time
        self.stalled_size = self.transport.get_write_buffer_size()

    def resume_writing(self) -> None:
        self.write_paused = False
        self.stalled_at = inf
        if self.writable is not None and not self.writable.done():
            self.writable.set_result(None)

    def check_stalled(self) -> None:
        """Called by the sweeper after ``stalled_at``: a caller that takes next to nothing of its answer is dropped."""
        size = self.transport.get_write_buffer_size()
        window = self.state.limits.body_time
        if self.stalled_size - size < _MIN_RATE * window:
            self.abort()
        self.stalled_at, self.stalled_size = self.state.now + window, size

    def pause_reading(self) -> None:
        if not self.read_paused and not self.is_gone:
            self.read_paused = True
            self.transport.pause_reading()

    def resume_reading(self) -> None:
        if self.read_paused and not self.is_gone:
            self.read_paused = False
            self.transport.resume_reading()

    def close(self) -> None:
        """Close after what is written has been sent, but do not wait for ever."""
        self.is_ended = self.is_lingering = True
        self.queue.clear()
        self.limit_at = self.state.now + self.state.limits.body_time
        self.transport.close()

    def pending(self) -> DirectTask | asyncio.Future[None]:
        """What is done when the exchange in progress is answered."""
        if isinstance(self.task, DirectTask):
            return self.task
        if self.settled is None:
            self.settled = self.loop.create_future()
        return self.settled

    def cancel(self) -> None:
        """End the exchange in progress; what is not answered yet is answered 503."""
        self.queue.clear()
        if self.task is not None:
            self.task.cancel()

    def abort(self) -> None:
        self.limit_at = self.stalled_at = inf
        self.transport.abort()
