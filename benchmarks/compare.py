"""Contenders are loaded in turns, A B A B, and what they did comes out as medians with their spread.

A round in which other processes used more than 15 % of a core is set aside, as long as enough others are left.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.load import Call, load, verify
from benchmarks.machine import busy_seconds
from benchmarks.processes import Server

_NOISE = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One server with the request that it is asked. ``helpers`` work for it and count as no noise."""

    name: str
    server: Server
    call: Call
    helpers: tuple[Server, ...] = ()


@dataclass(slots=True, kw_only=True)
class Round:
    rate: float
    cpu_us: float
    p99_ms: float
    noise: float


@dataclass(slots=True, kw_only=True)
class Measured:
    """The rounds of one contender."""

    name: str
    rounds: list[Round] = field(default_factory=list)

    @property
    def kept(self) -> list[Round]:
        quiet = [one for one in self.rounds if one.noise <= _NOISE]
        return quiet if len(quiet) >= 2 or len(quiet) == len(self.rounds) else self.rounds

    @property
    def is_noisy(self) -> bool:
        return any(one.noise > _NOISE for one in self.kept)

    @property
    def rate(self) -> float:
        return statistics.median(one.rate for one in self.kept)

    @property
    def cpu_us(self) -> float:
        return statistics.median(one.cpu_us for one in self.kept)

    @property
    def p99_ms(self) -> float:
        return statistics.median(one.p99_ms for one in self.kept)

    @property
    def spread(self) -> float:
        """Half of the way from the slowest to the fastest round, as a share of the median."""
        rates = [one.rate for one in self.kept]
        return (max(rates) - min(rates)) / 2 / self.rate

    def __str__(self) -> str:
        noisy = ", noisy" if self.is_noisy else ""
        return f"{self.rate:,.0f}/s ±{self.spread:.0%}, {self.cpu_us:,.0f} µs CPU, p99 {self.p99_ms:,.1f} ms{noisy}"


def compare(contenders: Sequence[Contender], *, rounds: int, seconds: float, connections: int = 32) -> dict[str, Measured]:
    """Every contender by its name. Answers are verified before anything is timed."""
    found = {one.name: Measured(name=one.name) for one in contenders}
    for one in contenders:
        verify(one.server.port, one.call)
        load(one.server.port, one.call, 1, connections)
    for _ in range(rounds):
        for one in contenders:
            found[one.name].rounds.append(_round(one, seconds, connections))
    return found


def _round(one: Contender, seconds: float, connections: int) -> Round:
    helping = (one.server, *one.helpers)
    ours, all_of_us, loaded, busy = one.server.cpu, sum(s.cpu for s in helping), _loading(), busy_seconds()
    start = time.monotonic()
    result = load(one.server.port, one.call, seconds, connections)
    elapsed = time.monotonic() - start
    used = sum(s.cpu for s in helping) - all_of_us + _loading() - loaded
    return Round(
        rate=result.rate,
        cpu_us=(one.server.cpu - ours) / result.requests * 1e6,
        p99_ms=result.p99_ms,
        noise=max(0.0, busy_seconds() - busy - used) / elapsed,
    )


def _loading() -> float:
    """What finished children used: the load generator, while all servers run on."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
