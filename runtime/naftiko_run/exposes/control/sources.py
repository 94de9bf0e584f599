"""Where a control adapter's answers come from: functions that whoever serves hands in, because an adapter knows no server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from naftiko_run.errors import Finding
from naftiko_run.exposes.control.logs import LogHub
from naftiko_run.flows.scripts.governance import ScriptGovernance
from naftiko_run.records import record
from naftiko_run.telemetry.telemetry import Telemetry

Json = Mapping[str, object]


@record
class Reloaded:
    """What became of a reload. ``accepted`` is all a worker can say: its supervisor replaces the workers one by one."""

    ok: bool
    accepted: bool = False
    error: str = ""
    findings: Sequence[Finding] = ()


@record
class ControlSources:
    """``clean`` takes every registered secret out of a text; it is the last thing any answer passes through."""

    lag: Callable[[], float]
    is_draining: Callable[[], bool]
    adapters: Callable[[], Sequence[Json]]
    status: Callable[[], Json]
    config: Callable[[], Json]
    validate: Callable[[str], Awaitable[tuple[Sequence[Finding], bool]]]
    reload: Callable[[], Awaitable[Reloaded]]
    scripting: ScriptGovernance
    logs: LogHub
    telemetry: Telemetry | None
    clean: Callable[[str], str]
