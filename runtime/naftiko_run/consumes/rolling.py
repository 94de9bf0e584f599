"""How many calls there were in the last seconds, and how many of them were marked: constant memory, constant time."""

from __future__ import annotations


class RollingCounts:
    """Two counters per second in a ring. The oldest second is dropped whole, so the window is up to one second short."""

    __slots__ = ("_all", "_edge", "_marked", "_place", "_second", "_seconds", "all", "marked")

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self.clear()

    def clear(self) -> None:
        self._all = [0] * self._seconds
        self._marked = [0] * self._seconds
        self._second = self._place = 0
        self._edge = 0.0  # when the second that is counted now ends
        self.all = self.marked = 0

    def add(self, now: float, marked: bool = False) -> None:
        if now >= self._edge:
            self._move(int(now))
        self._all[self._place] += 1
        self.all += 1
        if marked:
            self._marked[self._place] += 1
            self.marked += 1

    def add_marked_only(self, now: float) -> None:
        """Mark without counting a call."""
        self._move(int(now))
        self._marked[self._place] += 1
        self.marked += 1

    def totals(self, now: float) -> tuple[int, int]:
        """(calls, marked ones) of the window that ends now."""
        self._move(int(now))
        return self.all, self.marked

    def _move(self, second: int) -> None:
        gone = second - self._second
        if gone <= 0:
            return
        for step in range(1, min(gone, self._seconds) + 1):
            place = (self._second + step) % self._seconds
            self.all -= self._all[place]
            self.marked -= self._marked[place]
            self._all[place] = self._marked[place] = 0
        self._second, self._place = second, second % self._seconds
        self._edge = second + 1.0
