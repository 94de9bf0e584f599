"""The short way to one origin: all that a plain first attempt needs, found once instead of for every request.

An attempt is begun by a plain call, where a place in the bulkhead, a closed breaker and a kept connection are at hand; else
nothing happens, and the general way (``HttpClient.send``) is taken, which waits, opens and refuses.
"""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from naftiko_run.consumes.attempt import Attempt
    from naftiko_run.consumes.breaker import Breaker
    from naftiko_run.consumes.bulkhead import Bulkhead
    from naftiko_run.consumes.messages import Origin
    from naftiko_run.consumes.pool import Pool


class Lane:
    """Of one client and origin. ``count`` is told the time of each request, for the retry budget."""

    __slots__ = ("_attempt_time", "_clock", "_count", "_kept", "breaker", "bulkhead", "pool")

    def __init__(
        self, origin: Origin, pool: Pool, breaker: Breaker, bulkhead: Bulkhead, count: Callable[[float], object],
        clock: Callable[[], float], attempt_time: float,
    ) -> None:  # fmt: skip
        self.pool, self.breaker, self.bulkhead = pool, breaker, bulkhead
        self._kept = pool.kept(origin)
        self._count, self._attempt_time = count, attempt_time
        self._clock = None if clock is monotonic else clock

    def begin(self, attempt: Attempt, method: str, head: bytes, max_body: int | None, seconds: float) -> bool:
        """Whether ``head`` is on its way. Only for requests that may be sent again; ``attempt`` hears of the end."""
        kept, breaker, bulkhead = self._kept, self.breaker, self.bulkhead
        if not kept or breaker.state != "closed" or not bulkhead.try_enter():
            return False
        now = monotonic()
        connection = kept[-1]
        transport = connection.transport
        if transport is None or transport.is_closing() or connection.idle_until < now or not connection.used:
            bulkhead.leave()
            return False
        pool = self.pool
        pool.take_last(kept)
        attempt.start = start = now if self._clock is None else self._clock()
        self._count(start)
        if seconds > self._attempt_time:
            seconds = self._attempt_time
        attempt.lane, attempt.connection, attempt.generation = self, connection, breaker.generation
        attempt.now, attempt.seconds = now, seconds
        if not pool.is_watching:
            pool.watch()
        connection.begin(attempt, method, max_body, now, now + seconds)
        transport.write(head)
        return True

    def succeeded(self, attempt: Attempt) -> None:
        """The attempt's connection, its place and its share in the breaker are given back."""
        connection = attempt.connection
        if connection.reusable:
            self.pool.keep(connection, self._kept)
        else:
            connection.abort()
        self.breaker.leave(attempt.generation, attempt.start, False)
        self.bulkhead.leave()
