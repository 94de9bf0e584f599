"""A first attempt without a task: begun on a kept connection by a plain call, and its end told by another.

Most requests need no more than that. Where one does (an answer that may be bettered, a connection that had gone stale, a
cancellation), ``HttpClient.proceed`` goes on from here as if the attempt had been its own.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from naftiko_run.consumes.messages import UpstreamReply

if TYPE_CHECKING:
    from naftiko_run.consumes.breaker import Breaker
    from naftiko_run.consumes.bulkhead import Bulkhead
    from naftiko_run.consumes.pool import Pool
    from naftiko_run.consumes.wire import Connection


class Attempt:
    """What a connection promises for a request, as ``Waiter`` is. Whoever begins one says in a subclass what its end does."""

    __slots__ = (
        "_is_done", "breaker", "bulkhead", "connection", "expires", "generation", "outcome", "pool", "seconds",
        "start",
    )  # fmt: skip

    breaker: Breaker
    bulkhead: Bulkhead
    connection: Connection
    pool: Pool
    generation: int
    start: float
    seconds: float
    expires: float
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
        self.pool.release(self.connection)
        status = reply.status
        if 200 <= status < 300 or status == 304:
            self.breaker.leave(self.generation, self.start, False)
            self.bulkhead.leave()
            self.landed(reply)
        else:
            self.outcome = reply
            self.proceed()

    def fail(self, error: BaseException) -> None:
        if not self._is_done:
            self._is_done = True
            self.outcome = error
            asyncio.get_running_loop().call_soon(self._failed)

    def _failed(self) -> None:
        self.pool.release(self.connection)
        self.proceed()

    # ---- the caller's side

    def cancel(self) -> bool:
        if self._is_done:
            return False
        self.fail(asyncio.CancelledError())
        return True
