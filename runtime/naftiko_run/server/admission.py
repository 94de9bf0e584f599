"""Admission: how many requests this process works on at once; one too many waits briefly, then is turned away (requirement R6).

``enter`` is a plain call, because below the limit nothing has to wait. Whoever leaves hands its place to the one who waited
longest, so a place is never free while somebody waits.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Admission:
    """A counter with a short queue."""

    __slots__ = ("_waiting", "in_flight", "limit", "patience")

    def __init__(self, limit: int, patience: float) -> None:
        self.limit = limit
        self.patience = patience
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[bool]] = deque()

    def enter(self) -> bool:
        """Take a place if one is free."""
        if self.in_flight < self.limit:
            self.in_flight += 1
            return True
        return False

    async def wait(self) -> bool:
        """Wait for a place; ``False`` when none came free in time."""
        loop = asyncio.get_running_loop()
        place: asyncio.Future[bool] = loop.create_future()
        self._waiting.append(place)
        timer = loop.call_later(self.patience, self._expire, place)
        try:
            return await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._forget(place)
            elif place.result():  # handed over in the very moment the request was cancelled
                self.leave()
            raise
        finally:
            timer.cancel()

    def _expire(self, place: asyncio.Future[bool]) -> None:
        if not place.done():
            place.set_result(False)
            self._forget(place)

    def _forget(self, place: asyncio.Future[bool]) -> None:
        if place in self._waiting:
            self._waiting.remove(place)

    def leave(self) -> None:
        """Give the place back, or on to the next."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(True)
                return
        self.in_flight -= 1
