"""The sweeper: a few times a second it advances the coarse clock and closes what is overdue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf

from naftiko_run.server.site import Site
from naftiko_run.server.state import ServerState

_INTERVAL = 0.5


async def sweep_for_ever(state: ServerState, sites: Callable[[], Sequence[Site]]) -> None:
    """Run until cancelled. The interval is half a second, or a quarter of the shortest deadline."""
    limits = state.limits
    interval = min(_INTERVAL, limits.header_time / 4, limits.body_time / 4, limits.keep_alive / 4)
    while True:
        before = state.now
        await asyncio.sleep(interval)
        state.tick()
        state.lag = max(0.0, state.now - before - interval)
        if state.connections:
            sweep(state, sites())


def sweep(state: ServerState, sites: Sequence[Site]) -> None:
    """Look at every connection once."""
    now = state.now
    for site in sites:
        for connection in [c for c in site.connections if c.limit_at < now or c.stalled_at < now]:
            if connection.limit_at < now:
                connection.limit_at = inf
                connection.overdue()
            else:
                connection.check_stalled()
