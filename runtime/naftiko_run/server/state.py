"""The state all connections of one process share: a coarse clock, counters, admission, and whether it is draining.

The clock is advanced by one sweeper for all connections (``sweeper``) instead of a timer per request: a deadline is a number
compared a few times a second.
"""

from __future__ import annotations

import itertools
import os
import time

from naftiko_run.limits import Limits
from naftiko_run.server.admission import Admission

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def http_date(seconds: float) -> str:
    """``Sun, 06 Nov 1994 08:49:37 GMT``: seconds since the epoch as HTTP writes them (RFC 9110, 5.6.7)."""
    year, month, day, hour, minute, second, weekday, *_ = time.gmtime(seconds)
    return f"{_DAYS[weekday]}, {day:02} {_MONTHS[month - 1]} {year:04} {hour:02}:{minute:02}:{second:02} GMT"


class ServerState:
    """Counters and clock of one process."""

    __slots__ = ("_next_id", "_prefix", "admission", "connections", "date_field", "draining", "lag", "limits", "now", "streams")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.admission = Admission(limits.in_flight, limits.admission_wait)
        self.connections = 0
        self.streams = 0
        self.draining = False
        self.lag = 0.0  # how late the last sweep was: what a request waits for the event loop (requirement R9)
        self.now = 0.0
        self.date_field = ""  # ends every head
        self._prefix = os.urandom(6).hex()
        self._next_id = itertools.count(1).__next__
        self.tick()

    def tick(self) -> None:
        """Read the clocks; the resolution of every deadline is the interval between two ticks."""
        self.now = time.monotonic()
        self.date_field = f"\r\ndate: {http_date(time.time())}\r\n\r\n"

    def request_id(self) -> str:
        """A new id: unique in this process, and in all others by its random prefix."""
        return f"{self._prefix}-{self._next_id():x}"
