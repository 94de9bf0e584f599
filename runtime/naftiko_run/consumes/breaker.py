"""A circuit breaker as a state machine (requirement R4): the times and outcomes of calls in, "go" or "leave it alone" out.

Closed: calls pass and are counted. Open: none passes until a time. Probing: a few pass; if all succeed it closes, if one fails
it opens for longer. Every change of state starts a new *generation*, and an outcome counts only in the generation it was let
in by, so a slow call from before cannot close or open anything now.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from naftiko_run.consumes.rolling import RollingCounts
from naftiko_run.records import record

State = Literal["closed", "open", "probing"]


@record
class BreakerRules:
    """When a breaker opens, and for how long."""

    consecutive: int = 5
    share: float = 0.5
    least_calls: int = 20
    window: int = 10
    pause: float = 10.0
    longest_pause: float = 60.0
    spread: float = 0.2
    probes: int = 3


DEFAULT_RULES = BreakerRules()


class Breaker:
    """The breaker of one upstream. ``chance`` is in [0, 1)."""

    __slots__ = (
        "_chance",
        "_counts",
        "_failures",
        "_pause",
        "_probing",
        "_reopens",
        "_rules",
        "_succeeded",
        "generation",
        "state",
    )

    def __init__(self, chance: Callable[[], float], rules: BreakerRules = DEFAULT_RULES) -> None:
        self._chance, self._rules = chance, rules
        self._counts = RollingCounts(rules.window)
        self.generation = 0
        self._pause = rules.pause
        self._reopens = 0.0
        self.state: State = "closed"
        self._close()

    def enter(self, now: float) -> int | None:
        """The generation a call belongs to, to be handed to ``leave``; ``None`` where it must not be made."""
        if self.state == "closed":
            return self.generation
        if self.state == "open":
            if now < self._reopens:
                return None
            self.state = "probing"
            self.generation += 1
            self._probing = self._succeeded = 0
        if self._probing >= self._rules.probes:
            return None
        self._probing += 1
        return self.generation

    def leave(self, generation: int, now: float, failed: bool | None) -> None:
        """Report a call that ``enter`` let in: failed, succeeded, or neither (cancelled, refused by us)."""
        if generation != self.generation:
            return
        if self.state == "closed":
            if failed is False:
                self._counts.add(now)
                self._failures = 0
            elif failed:
                self._failed(now)
        elif failed is None:
            self._probing -= 1
        elif failed:
            self._open(now, min(self._rules.longest_pause, self._pause * 2))
        else:
            self._succeeded += 1
            if self._succeeded >= self._rules.probes:
                self._pause = self._rules.pause
                self._close()

    def seconds_left(self, now: float) -> float:
        """How long to stay away, at least one second where calls are refused."""
        if self.state == "closed":
            return 0.0
        return max(1.0, self._reopens - now)

    def _failed(self, now: float) -> None:
        counts, rules = self._counts, self._rules
        counts.add(now, True)
        self._failures += 1
        crowd = counts.all >= rules.least_calls and counts.marked >= rules.share * counts.all
        if crowd or self._failures >= rules.consecutive:
            self._open(now, rules.pause)

    def _open(self, now: float, pause: float) -> None:
        self.state = "open"
        self.generation += 1
        self._pause = pause
        self._reopens = now + pause * (1 + self._rules.spread * (2 * self._chance() - 1))

    def _close(self) -> None:
        self.state = "closed"
        self.generation += 1
        self._failures = self._probing = self._succeeded = 0
        self._counts.clear()
