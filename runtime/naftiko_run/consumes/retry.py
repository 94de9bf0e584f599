"""When a failed attempt is made again, and after how long (requirements R2 and R3): pure rules, time and chance passed in.

The policy says whether one request may be repeated; the budget keeps all requests of a namespace together from multiplying the
load on an upstream that is already failing.
"""

from __future__ import annotations

from collections.abc import Callable

from naftiko_run.consumes.faults import CONNECT_TIMEOUT, TLS
from naftiko_run.consumes.messages import UpstreamReply, UpstreamRequest
from naftiko_run.consumes.rolling import RollingCounts
from naftiko_run.errors import RequestError, UpstreamTimeout, UpstreamUnreachable
from naftiko_run.records import record

REPEATABLE = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
PASSING = frozenset({502, 503, 504})  # answers that another attempt may better
Outcome = UpstreamReply | RequestError
_DAY = 86_400.0


@record
class RetryPolicy:
    """How often an attempt is made again, and after how long."""

    retries: int = 2
    base: float = 0.1
    cap: float = 2.0
    longest_wait: float = 10.0  # a Retry-After beyond this is the caller's to keep

    def wait(self, outcome: Outcome, attempt: int, *, chance: Callable[[], float], wall_time: float) -> float | None:
        """Seconds until attempt ``attempt + 1``, or ``None`` where this outcome stands. ``chance`` is in [0, 1)."""
        if attempt > self.retries or not passing(outcome):
            return None
        jitter = chance() * min(self.cap, self.base * 2.0 ** (attempt - 1))
        asked = retry_after(outcome, wall_time)
        if asked is None:
            too_many = isinstance(outcome, UpstreamReply) and outcome.status == 429
            return None if too_many else jitter
        return max(asked, jitter) if asked <= self.longest_wait else None


def may_repeat(request: UpstreamRequest) -> bool:
    """Whether sending the request twice does what sending it once does."""
    if request.idempotent or request.method in REPEATABLE:
        return True
    return any(name.lower() == "idempotency-key" for name, _ in request.headers)


def passing(outcome: Outcome) -> bool:
    """Whether the failure is one that may pass: nothing was answered, or the answer says so."""
    if isinstance(outcome, UpstreamReply):
        return outcome.status in PASSING or outcome.status == 429
    if isinstance(outcome, UpstreamTimeout):
        return outcome.code == CONNECT_TIMEOUT
    return isinstance(outcome, UpstreamUnreachable) and outcome.code != TLS


def retry_after(outcome: Outcome, wall_time: float) -> float | None:
    """What an answer's ``Retry-After`` asks for, in seconds from now."""
    return parse_retry_after(outcome.header("retry-after"), wall_time) if isinstance(outcome, UpstreamReply) else None


def parse_retry_after(text: str, wall_time: float) -> float | None:
    """``Retry-After`` (RFC 9110, 10.2.3) as seconds or as a date, at most a day; ``None`` where it is absent or unreadable."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), _DAY)
    from email.utils import parsedate_to_datetime  # here: it takes long to import, and upstreams rarely name a date

    try:
        return min(max(0.0, parsedate_to_datetime(text).timestamp() - wall_time), _DAY)
    except (ValueError, OverflowError):
        return None


class RetryBudget:
    """Retries of one namespace: at most a share of its requests of the last seconds, yet always a few.

    ``request(now)`` counts a request that is not a retry.
    """

    __slots__ = ("_counts", "_least", "_share", "request")

    def __init__(self, *, share: float = 0.2, least: int = 3, seconds: int = 10) -> None:
        self._share, self._least = share, least
        self._counts = RollingCounts(seconds)
        self.request = self._counts.add  # for every request: no call in between

    def take(self, now: float) -> bool:
        """Whether a retry may be made now; it is counted if so."""
        requests, retries = self._counts.totals(now)
        if retries >= max(self._least, int(self._share * requests)):
            return False
        self._counts.add_marked_only(now)
        return True
