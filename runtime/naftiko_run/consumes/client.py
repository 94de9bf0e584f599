"""The one seam that sends: an ``UpstreamRequest`` in, an ``UpstreamReply`` of whatever status or one of our errors out.

One ``HttpClient`` per consumed namespace, so that one namespace's trouble stays its own: it holds the namespace's place count,
its breakers (one per origin), its retry budget and its transport. The transports translate library errors; nobody else does.
What a status means is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from naftiko_run.consumes.attempt import Attempt
from naftiko_run.consumes.breaker import Breaker
from naftiko_run.consumes.bulkhead import Bulkhead
from naftiko_run.consumes.egress import EgressPolicy
from naftiko_run.consumes.faults import CUT, Faults
from naftiko_run.consumes.lane import Lane
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.pool import Pool
from naftiko_run.consumes.retry import Outcome, RetryBudget, RetryPolicy, may_repeat
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.consumes.wire import Unanswered
from naftiko_run.errors import CircuitOpen, RequestError, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable

OnExchange = Callable[[UpstreamRequest, Outcome, float, int], object]
"""Called after each attempt: request, reply or error, seconds it took, attempt from 1."""

OnSend = Callable[[UpstreamRequest, int], object]
"""Called before each attempt, which it may give more headers: request, attempt from 1."""

_FAIR_CHANCE = 0.25  # an attempt that was given less time says nothing about the upstream
_BREAKERS = 1024


class Transport(Protocol):
    """What carries one attempt: ``pool.Pool`` or ``general.General``."""

    @property
    def open_connections(self) -> int: ...

    async def send(self, request: UpstreamRequest, seconds: float) -> UpstreamReply: ...

    async def close(self) -> None: ...


class HttpClient:
    """Sends for one namespace, within its limits, with retries and a breaker. Open until ``close``."""

    def __init__(
        self, namespace: str, settings: ClientSettings | None = None, *,
        on_exchange: OnExchange | None = None, on_send: OnSend | None = None,
    ) -> None:  # fmt: skip
        self.namespace = namespace
        self.settings = settings = settings or ClientSettings()
        self.on_exchange, self.on_send = on_exchange, on_send
        self._faults = Faults(namespace)
        self._transport = build_transport(settings, self._faults)
        self._clock = settings.clock
        limits = settings.limits
        self._attempt_time = limits.attempt_time
        self._bulkhead = Bulkhead(limits.namespace_in_flight, limits.namespace_queue)
        self._budget = RetryBudget()
        self._policy = RetryPolicy()
        self._breakers: dict[Origin, Breaker] = {}
        self._lanes: dict[Origin, Lane] = {}
        is_watched = on_exchange is not None or on_send is not None
        self._express = self._transport if isinstance(self._transport, Pool) and not is_watched else None

    async def send(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
        bulkhead = self._bulkhead
        if not bulkhead.try_enter():
            seconds = min(self.settings.limits.pool_wait, deadline.remaining())
            if not await bulkhead.wait(seconds):
                raise self._faults.too_many()
        try:
            return await self._attempts(request, deadline)
        finally:
            bulkhead.leave()

    def lane(self, origin: Origin) -> Lane | None:
        """The short way to an origin that a document names; ``None`` where every request is watched, or sent in general."""
        found = self._lanes.get(origin)
        if found is None and self._express is not None:
            breaker = self._breakers.get(origin) or self._new_breaker(origin)
            found = self._lanes[origin] = Lane(
                origin, self._express, breaker, self._bulkhead, self._budget.request, self._clock, self._attempt_time
            )
        return found

    async def proceed(self, request: UpstreamRequest, deadline: Deadline, begun: Attempt) -> UpstreamReply:
        """Go on from an attempt that was begun for ``request`` and was no success."""
        try:
            return await self._attempts(request, deadline, begun)
        finally:
            begun.lane.bulkhead.leave()

    def block(self, request: UpstreamRequest) -> bytes:
        """The header block of requests like this one, to be set on them; empty where it may differ from one to the next."""
        if self.on_send is not None or not isinstance(self._transport, Pool):
            return b""
        return self._transport.block(request)

    async def close(self) -> None:
        """Close all connections; requests in flight fail."""
        await self._transport.close()

    def status(self) -> dict[str, object]:
        """What an operator may see: counts, and the upstreams that are being left alone."""
        return {
            "inFlight": self._bulkhead.in_flight,
            "queued": self._bulkhead.waiting,
            "connections": self._transport.open_connections,
            "breakers": {str(origin): breaker.state for origin, breaker in self._breakers.items()},
        }

    # ---- attempts

    async def _attempts(self, request: UpstreamRequest, deadline: Deadline, begun: Attempt | None = None) -> UpstreamReply:
        breaker = begun.lane.breaker if begun else self._breakers.get(request.origin) or self._new_breaker(request.origin)
        attempt = 1
        last: Outcome | None = None
        while True:
            generation: int | None
            if begun is not None:
                start, generation, seconds = begun.start, begun.generation, begun.seconds
            else:
                start = self._clock()
                generation = breaker.enter(start)
                if generation is None:
                    return _settle(last or self._left_alone(breaker))
                if attempt == 1:
                    self._budget.request(start)
                if self.on_send is not None:
                    self.on_send(request, attempt)
                seconds = min(self._attempt_time, deadline.remaining())
            failed: bool | None = None
            try:
                if begun is not None:
                    last = await _end_of(begun, request)
                else:
                    last = await self._transport.send(request, seconds) if seconds > 0 else self._faults.timeout()
                failed = _failed(last, seconds)
            except RequestError as error:
                last = error
                failed = _failed(error, seconds)
            finally:
                breaker.leave(generation, start if failed is False else self._clock(), failed)
                begun = None
            if self.on_exchange is not None:
                self.on_exchange(request, last, self._clock() - start, attempt)
            if type(last) is UpstreamReply and last.status < 429:
                return last
            pause = self._pause(request, last, attempt, deadline)
            if pause is None:
                return _settle(last)
            await self.settings.sleep(pause)
            attempt += 1

    def _pause(self, request: UpstreamRequest, outcome: Outcome, attempt: int, deadline: Deadline) -> float | None:
        """Seconds before the next attempt, or ``None`` where there is none."""
        settings = self.settings
        if not may_repeat(request):
            return None
        pause = self._policy.wait(outcome, attempt, chance=settings.random, wall_time=settings.wall_clock())
        if pause is None or pause >= deadline.remaining() or not self._budget.take(self._clock()):
            return None
        return pause

    def _new_breaker(self, origin: Origin) -> Breaker:
        if len(self._breakers) >= _BREAKERS:  # origins may come from arguments
            kept = [pair for pair in self._breakers.items() if pair[1].state != "closed"][-_BREAKERS // 2 :]
            self._breakers = {**dict(kept), **{origin: lane.breaker for origin, lane in self._lanes.items()}}
        breaker = self._breakers[origin] = Breaker(self.settings.random)
        return breaker

    def _left_alone(self, breaker: Breaker) -> CircuitOpen:
        seconds = breaker.seconds_left(self._clock())
        return CircuitOpen(f"upstream {self.namespace!r} failed repeatedly and is left alone for now", retry_after=seconds)


def build_transport(settings: ClientSettings, faults: Faults) -> Transport:
    """The fast transport, or the general one where settings ask for what only it can do."""
    egress = EgressPolicy(settings, faults)
    if not settings.general:
        return Pool(settings, faults, egress)
    from naftiko_run.consumes.general import General  # seventy milliseconds of imports that few need

    return General(settings, faults, egress)


async def _end_of(begun: Attempt, request: UpstreamRequest) -> UpstreamReply:
    """How an attempt ended that was begun before; one that met a stale connection is made on another first."""
    outcome = begun.outcome
    if isinstance(outcome, UpstreamReply):
        return outcome
    if isinstance(outcome, Unanswered):
        return await begun.lane.pool.send(request, begun.seconds, begun.now + begun.seconds)
    raise outcome


def _settle(outcome: Outcome) -> UpstreamReply:
    if isinstance(outcome, RequestError):
        raise outcome
    return outcome


def _failed(outcome: Outcome, seconds: float) -> bool | None:
    """What an outcome tells a breaker (requirement R4): connection errors, timeouts and 5xx except 501 are failures."""
    if isinstance(outcome, UpstreamReply):
        return outcome.status >= 500 and outcome.status != 501
    if isinstance(outcome, UpstreamTimeout):
        return True if seconds >= _FAIR_CHANCE else None
    if isinstance(outcome, UpstreamUnreachable):
        return True
    if isinstance(outcome, UpstreamBroken):
        return outcome.code == CUT
    return None
