"""A control exposure becomes a handler: the adapter's sources are the process, the engine and the assembly it is part of."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Sequence

from naftiko_run import __version__
from naftiko_run.checks.judge import judge_text
from naftiko_run.checks.plan import describe
from naftiko_run.engine import Engine
from naftiko_run.errors import Finding
from naftiko_run.exposes.control.adapter import ControlAdapter
from naftiko_run.exposes.control.settings import compile_control
from naftiko_run.exposes.control.sources import ControlSources, Reloaded
from naftiko_run.exposes.exposure import ControlExposure
from naftiko_run.exposes.messages import Handler
from naftiko_run.records import replace
from naftiko_run.server.placement import Assembly, Served, kind_of
from naftiko_run.server.process import Process


def control_handler(served: Served, assembly: Assembly, engine: Engine, process: Process) -> Handler:
    """The handler of one control exposure; it speaks of the whole process, and of scripting for its own capability."""
    exposure, capability = served.exposure, served.capability
    assert isinstance(exposure, ControlExposure)
    options = replace(process.options, schema="tolerant")

    def status() -> dict[str, object]:
        key = "display" if capability.dialect == "ikanos" else "label"
        return {
            "capability": {key: capability.label, "specVersion": capability.spec_version},
            "engine": {
                "name": "naftiko-run", "version": __version__, "java": None, "native": False,
                "python": platform.python_version(),
            },
            "uptime": iso_duration(time.monotonic() - process.started),
            "otel": {"status": "active" if process.telemetry is not None else "inactive"},
            "adapters": _adapters(assembly, process),
            "upstreams": {name: client.status() for name, client in engine.live(capability).clients.items() if name},
            **({"lastReload": process.last_reload} if process.last_reload else {}),
        }  # fmt: skip

    def config() -> dict[str, object]:
        where = {id(s.exposure): (s.address, s.port) for s in assembly.served}
        return {"capabilities": [describe(one, where) for one in engine.capabilities]}

    one_at_a_time = asyncio.Semaphore(1)  # compiling is work that nobody may ask for without end

    async def validate(text: str) -> tuple[Sequence[Finding], bool]:
        async with one_at_a_time:
            return await asyncio.to_thread(judge_text, text, capability.path.parent / "document.yaml", options)

    async def reload() -> Reloaded:
        return (
            await process.reload()
            if process.reload is not None
            else Reloaded(ok=False, error="this process cannot reload; start it again")
        )

    sources = ControlSources(
        lag=lambda: process.lag, is_draining=lambda: process.is_draining, adapters=lambda: _adapters(assembly, process),
        status=status, config=config, validate=validate, reload=reload, scripting=engine.live(capability).scripting,
        logs=process.logs, telemetry=process.telemetry, clean=engine.redactor.clean,
    )  # fmt: skip
    return ControlAdapter(compile_control(exposure), sources).handle


def _adapters(assembly: Assembly, process: Process) -> list[dict[str, object]]:
    """Every adapter of the process. One over standard streams has no port, and runs as long as the process."""
    shown: list[dict[str, object]] = []
    for served in assembly.served:
        port = process.port_of(served.address, served.port)
        started = port is not None and not process.is_draining
        shown.append(_adapter(served, port or served.port, started))
    return shown + [_adapter(served, 0, True) for served in assembly.stdio]


def _adapter(served: Served, port: int, started: bool) -> dict[str, object]:
    shown: dict[str, object] = {"type": kind_of(served.exposure)}
    if served.exposure.namespace:
        shown["namespace"] = served.exposure.namespace
    if port:
        shown["port"] = port
    return {**shown, "state": "started" if started else "stopped"}


def iso_duration(seconds: float) -> str:
    """``PT1H2M3.4S``, as ISO 8601 writes it."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    text = f"{hours}H" if hours else ""
    text += f"{minutes}M" if minutes else ""
    return f"PT{text}{rest:.3f}S"
