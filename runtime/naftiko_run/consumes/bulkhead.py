"""One namespace's share of the process (requirement R5): so many requests in flight, so many waiting, in order."""

from __future__ import annotations

import asyncio
from collections import deque


class Bulkhead:
    """``try_enter`` or ``await wait``, then ``leave`` exactly once."""

    __slots__ = ("_limit", "_queue", "_waiting", "in_flight")

    def __init__(self, limit: int, queue: int) -> None:
        self._limit, self._queue = limit, queue
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.in_flight = 0

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def try_enter(self) -> bool:
        if self.in_flight >= self._limit or self._waiting:
            return False
        self.in_flight += 1
        return True

    async def wait(self, seconds: float) -> bool:
        """Queue for a place; ``False`` where the queue is full or no place came free in time."""
        if len(self._waiting) >= self._queue:
            return False
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(seconds):
                await place
        except BaseException as error:
            self._give_up(place)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def leave(self) -> None:
        """Hand the place to the first in the queue, or free it."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)  # in_flight stays: the place changes hands
                return
        self.in_flight -= 1

    def _give_up(self, place: asyncio.Future[None]) -> None:
        if place.done() and not place.cancelled():
            self.leave()  # it was handed over in the same moment
        elif place in self._waiting:
            self._waiting.remove(place)
