"""A first attempt without a task: begun on a kept connection by a plain call, and its end told by another.

Most requests need no more than that. Where one does (an answer that may be bettered, a connection that had gone stale, a
cancellation), ``HttpClient.proceed`` goes on from here as if the attempt had been its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from naftiko_run.consumes.messages import UpstreamReply

if TYPE_CHECKING:
    from naftiko_run.consumes.lane import Lane
    from naftiko_run.consumes.response import KnownHead
    from naftiko_run.consumes.wire import Connection


class Attempt:
    """What a connection promises for a request, as ``Waiter`` is. Whoever begins one says in a subclass what its end does."""

    __slots__ = ("_is_done", "connection", "generation", "lane", "now", "outcome", "seconds", "start")

    lane: Lane
    connection: Connection
    generation: int
    start: float  # by the clock of the breaker
    now: float  # the same, by the clock of the pool
    seconds: float
    outcome: UpstreamReply | BaseException

    def __init__(self) -> None:
        self._is_done = False

    def landed(self, reply: UpstreamReply) -> None:
        """A success, everything about it settled."""
        raise NotImplementedError

    def proceed(self) -> None:
        """Any other end, in ``outcome``; the place in the bulkhead and the breaker are still to be left."""
        raise NotImplementedError

    # ---- the connection's side

    def done(self) -> bool:
        return self._is_done

    def answer(self, reply: UpstreamReply) -> None:
        """Only for callbacks of the event loop."""
        self._is_done = True
        status = reply.status
        if 200 <= status < 300 or status == 304:
            self.lane.succeeded(self)
            self.landed(reply)
        else:
            self.lane.pool.release(self.connection)
            self.outcome = reply
            self.proceed()

    def take(self, head: KnownHead, body: bytes) -> None:
        """The same, where the head of the answer was read before."""
        if not self._is_done:
            self.answer(head.reply(body))

    def fail(self, error: BaseException) -> None:
        if not self._is_done:
            self._is_done = True
            self.outcome = error
            asyncio.get_running_loop().call_soon(self._failed)

    def _failed(self) -> None:
        self.lane.pool.release(self.connection)
        self.proceed()

    # ---- the caller's side

    def cancel(self) -> bool:
        if self._is_done:
            return False
        self.fail(asyncio.CancelledError())
        return True
