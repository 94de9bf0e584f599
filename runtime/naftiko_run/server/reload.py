"""Another plan without another process: prepare it aside, swap one reference, let the old one finish (requirement R8).

What can fail happens before anything changes: reading, compiling, resolving secrets, binding new ports. Requests in flight end
on the plan they began with; then it is closed. One reload at a time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from naftiko_run.errors import DocumentErrors, Finding, NaftikoError
from naftiko_run.exposes.control.sources import Reloaded
from naftiko_run.limits import Limits
from naftiko_run.server.direct_task import DirectTask
from naftiko_run.server.listener import Listener
from naftiko_run.server.process import Process

LOGGER = logging.getLogger("naftiko_run.server")


class Plan(Protocol):
    """Everything of one version: what listens, and what was said about it."""

    @property
    def listeners(self) -> Sequence[Listener]: ...

    @property
    def findings(self) -> Sequence[Finding]: ...

    async def close(self) -> None: ...


P = TypeVar("P", bound=Plan)


class Reloader(Generic[P]):
    """``prepare`` makes another plan, in a thread; it raises where that fails. ``adopt`` is told of the one now served."""

    def __init__(
        self, current: P, prepare: Callable[[], P], process: Process, limits: Limits, adopt: Callable[[P], object] = bool
    ) -> None:
        self.current, self._prepare, self._process, self._limits, self._adopt = current, prepare, process, limits, adopt
        self._lock = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()

    async def reload(self) -> Reloaded:
        async with self._lock:
            outcome = await self._reload()
        self._process.last_reload = {
            "at": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"), "ok": outcome.ok,
            **({"error": outcome.error} if outcome.error else {}),
        }  # fmt: skip
        if not outcome.ok:
            LOGGER.error("reload failed, what was served before still is: %s", outcome.error)
        return outcome

    async def _reload(self) -> Reloaded:
        server = self._process.server
        if server is None or server.state.draining:
            return Reloaded(ok=False, error="this process is not serving")
        try:
            plan = await asyncio.to_thread(self._prepare)
        except NaftikoError as error:
            findings = error.findings if isinstance(error, DocumentErrors) else [error.finding]
            return Reloaded(ok=False, error=error.message, findings=findings)
        try:
            await server.replace(plan.listeners)
            busy = server.tasks()
        except NaftikoError as error:
            await plan.close()
            return Reloaded(ok=False, error=error.message, findings=[error.finding])
        except BaseException:
            await plan.close()
            raise
        old, self.current = self.current, plan
        self._adopt(plan)
        task = asyncio.get_running_loop().create_task(self._retire(old, busy))
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)
        return Reloaded(ok=True, findings=plan.findings)

    async def _retire(self, old: P, busy: set[DirectTask | asyncio.Future[None]]) -> None:
        """Close the old plan when the last request that began with it is answered, or its deadline is long past."""
        if busy:
            limits = self._limits
            longest = max(limits.rest_deadline, limits.mcp_deadline) + limits.drain_time
            await asyncio.wait(busy, timeout=longest)  # type: ignore[type-var]  # tasks in all but their class
        await old.close()

    async def close(self) -> None:
        """At the end of the process: what still retires, and what is served now."""
        for task in list(self._retiring):
            task.cancel()
        await asyncio.gather(*self._retiring, return_exceptions=True)
        await self.current.close()


def reload_on_hangup(reload: Callable[[], Awaitable[Reloaded]]) -> None:
    """SIGHUP in a single process; a supervisor has its own way (see ``workers``)."""
    loop = asyncio.get_running_loop()
    running: set[asyncio.Future[Reloaded]] = set()

    def received() -> None:
        task = asyncio.ensure_future(reload())
        running.add(task)
        task.add_done_callback(running.discard)

    loop.add_signal_handler(signal.SIGHUP, received)


def roll_workers(check: Callable[[], object]) -> Callable[[], Awaitable[Reloaded]]:
    """A worker's reload: what ``check`` raises refuses it, else the supervisor is asked to replace all workers."""

    async def reload() -> Reloaded:
        try:
            await asyncio.to_thread(check)
        except NaftikoError as error:
            findings = error.findings if isinstance(error, DocumentErrors) else [error.finding]
            return Reloaded(ok=False, error=error.message, findings=findings)
        os.kill(os.getppid(), signal.SIGHUP)
        return Reloaded(ok=True, accepted=True)

    return reload
