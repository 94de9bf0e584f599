"""Placed exposures and a live engine become listeners: who answers what on which port.

Exposures that name the same address and port share one listener. REST routes merge; MCP answers at ``/mcp`` for all of a port's
exposures and at ``/mcp/<namespace>`` for one; skills answer below ``/skills``. Where a port has one kind of adapter only, its
handler is the listener's, without a look at the path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from naftiko_run.engine import Engine
from naftiko_run.errors import Problems
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.exposure import ControlExposure, McpExposure, RestExposure, Run, SkillExposure
from naftiko_run.exposes.guards.guard import Guard
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.exposes.observed import observed_handler
from naftiko_run.exposes.rest import Forward, RestAdapter
from naftiko_run.flows.express import Caller, ExpressCall, ExpressFlow
from naftiko_run.flows.flow import Flow
from naftiko_run.records import record, replace
from naftiko_run.server.faces import build_guard, described, forwarder, guarded, rest_pages
from naftiko_run.server.instruments import traced
from naftiko_run.server.listener import Express, Listener
from naftiko_run.server.placement import Assembly, AssemblySettings, Served
from naftiko_run.server.process import Process
from naftiko_run.telemetry.telemetry import UNMATCHED


def connect(assembly: Assembly, engine: Engine, settings: AssemblySettings, process: Process | None = None) -> None:
    """Build the adapters of every port and give the assembly its listeners. ``process`` is what outlives this plan."""
    process = process or Process(redactor=engine.redactor)
    groups: dict[tuple[str, int], list[Served]] = {}
    for index, served in enumerate(assembly.served):
        groups.setdefault((served.address, served.port or -index - 1), []).append(served)
    problems = Problems()
    assembly.run = traced(_shared_run(engine), process.telemetry)
    parts = _Parts(assembly, engine, assembly.run, settings, process, problems, _guards(assembly, engine, process))
    for group in groups.values():
        _note_shared_port(group, problems)
        handler, express = _handler(group, parts)
        exempt = all(isinstance(s.exposure, ControlExposure) for s in group)
        assembly.listeners.append(
            Listener(
                address=group[0].address,
                port=group[0].port,
                handler=handler,
                express=express,
                hosts=settings.hosts,
                origins=settings.origins,
                cors=settings.cors,
                is_exempt=exempt,
            )
        )
    assembly.findings += problems.findings


def _note_shared_port(group: Sequence[Served], problems: Problems) -> None:
    """Published files all want the same two ports: those of one process share a listener."""
    files = list(dict.fromkeys(served.capability.path.name for served in group))
    if len(files) > 1 and group[0].port:
        others = f"{files[1]!r}" if len(files) == 2 else f"{len(files) - 1} more files"
        message = f"port {group[0].port} of {files[0]!r} is wanted by {others} as well; they share one listener"
        second = next(served for served in group if served.capability.path.name != files[0])
        problems.note("W-PORT-IN-USE", message, second.exposure.at, "give them ports of their own with --port NAMESPACE=PORT")


@record(kw_only=False)
class _Parts:
    """What every handler is built from. ``guards`` are those of exposures that have one, by id of the exposure."""

    assembly: Assembly
    engine: Engine
    run: Run
    settings: AssemblySettings
    process: Process
    problems: Problems
    guards: Mapping[int, Guard]


def _shared_run(engine: Engine) -> Run:
    """One ``Run`` for adapters that several capabilities share: a flow knows whose it is."""
    owners = {id(flow): engine.run(capability) for capability in engine.capabilities for flow in capability.flows}
    if len(engine.capabilities) == 1:
        return engine.run(engine.capabilities[0])

    async def run(flow: Flow, inputs: Mapping[str, object], seconds: float) -> object:
        return await owners[id(flow)](flow, inputs, seconds)

    return run  # type: ignore[return-value]  # the owners' own results


def _handler(group: Sequence[Served], parts: _Parts) -> tuple[Handler, Express | None]:
    rest = [s for s in group if isinstance(s.exposure, RestExposure)]
    mcp = [s for s in group if isinstance(s.exposure, McpExposure)]
    skill = [s for s in group if isinstance(s.exposure, SkillExposure)]
    control = [s for s in group if isinstance(s.exposure, ControlExposure)]
    found: list[tuple[str, Handler]] = []
    express: Express | None = None
    if mcp:
        handler, express = _mcp_handler(mcp, parts)
        found.append(("mcp", handler))
    if skill:
        found.append(("skill", _skill_handler(skill, parts)))
    if control:
        found.append(("control", _control_handler(control, parts)))
    if rest:
        adapter = _rest_adapter(rest, parts, _reserved([kind for kind, _ in found]))
        found.append(("rest", adapter.handle))
        express = _either(adapter.express if adapter.is_express else None, express)
    handler = found[0][1] if len(found) == 1 else _by_path(dict(found))
    return described(handler, [parts.guards[id(s.exposure)] for s in group if id(s.exposure) in parts.guards]), express


_SEGMENTS = {
    "mcp": ("mcp",),
    "skill": ("skills",),
    "control": ("health", "status", "metrics", "traces", "logs", "config", "scripting"),
}


def _reserved(kinds: Sequence[str]) -> frozenset[str]:
    """First segments of paths that are not the routes' where these kinds are served beside them."""
    return frozenset({".well-known", *(segment for kind in kinds for segment in _SEGMENTS[kind])})


def _by_path(handlers: Mapping[str, Handler]) -> Handler:
    otherwise = handlers.get("rest") or next(iter(handlers.values()))
    owners = {segment: handlers[kind] for kind, segments in _SEGMENTS.items() if kind in handlers for segment in segments}

    async def handle(request: HttpRequest) -> HttpAnswer:
        return await owners.get(request.path[1:].partition("/")[0], otherwise)(request)

    return handle


def _express_finder(group: Sequence[Served], parts: _Parts) -> Callable[[Flow], ExpressFlow | None]:
    lives = {id(flow): parts.engine.live(s.capability) for s in group for flow in s.capability.flows}
    return lambda flow: lives[id(flow)].express(flow)


def _rest_adapter(group: Sequence[Served], parts: _Parts, reserved: frozenset[str]) -> RestAdapter:
    exposures = [s.exposure for s in group if isinstance(s.exposure, RestExposure)]
    adapter = RestAdapter(
        (), parts.run, limits=parts.settings.limits, guards=parts.guards, pages=rest_pages(group, parts.guards),
        forward=_forwarder(group, parts.engine), telemetry=parts.process.telemetry,
        express=_express_finder(group, parts), reserved=reserved,
    )  # fmt: skip
    for exposure in exposures:
        adapter.add(exposure, parts.problems)
    return adapter


def _either(rest: Express | None, mcp: Express | None) -> Express | None:
    """REST needs no task for what it reads, MCP for what is posted to it; the root is REST's where both are served."""
    if rest is None or mcp is None:
        return rest or mcp

    def express(request: HttpRequest, caller: Caller) -> ExpressCall | None:
        if request.method != "POST":
            return rest(request, caller)
        return mcp(request, caller) if request.path != "/" else None

    return express


def _mcp_handler(group: Sequence[Served], parts: _Parts) -> tuple[Handler, Express | None]:
    from naftiko_run.exposes.mcp.adapter import McpAdapter
    from naftiko_run.exposes.mcp.names import check_shared

    exposures = [s.exposure for s in group if isinstance(s.exposure, McpExposure)]
    check_shared(exposures, parts.problems)
    settings = mcp_settings(parts.settings, parts.process)
    adapter = McpAdapter(
        exposures, parts.run, limits=parts.settings.limits, settings=settings, express=_express_finder(group, parts)
    )
    is_open = adapter.is_express and not any(id(s.exposure) in parts.guards for s in group)
    return _guarded(adapter.handle, group, parts), adapter.express if is_open else None


def mcp_settings(settings: AssemblySettings, process: Process) -> McpSettings:
    return replace(settings.mcp, telemetry=process.telemetry)


def _skill_handler(group: Sequence[Served], parts: _Parts) -> Handler:
    from naftiko_run.exposes.skill import SkillAdapter

    exposures = [s.exposure for s in group if isinstance(s.exposure, SkillExposure)]
    adapter = _guarded(SkillAdapter(exposures, limits=parts.settings.limits).handle, group, parts)
    return observed_handler(parts.process.telemetry, "skill", adapter, _skill_operation)


def _skill_operation(request: HttpRequest) -> str:
    """The shape of a skill request's path: names of skills and files would be labels without end."""
    segments = request.path.strip("/").split("/")
    shown = [word if place != 1 else "{skill}" for place, word in enumerate(segments[:3])]
    known = shown[0] == "skills" and (len(shown) < 3 or shown[2] in ("download", "contents"))
    return f"/{'/'.join(shown)}{'/{file}' if len(segments) > 3 else ''} {request.method}" if known else UNMATCHED


def _control_handler(group: Sequence[Served], parts: _Parts) -> Handler:
    """Of several on one port the first is served. Its callers are checked before anything, health included."""
    from naftiko_run.server.control import control_handler

    return _guarded(control_handler(group[0], parts.assembly, parts.engine, parts.process), group[:1], parts)


def _guarded(handler: Handler, group: Sequence[Served], parts: _Parts) -> Handler:
    from naftiko_run.exposes.mcp.refusal import refusal

    guards = {id(s.exposure): parts.guards[id(s.exposure)] for s in group if id(s.exposure) in parts.guards}
    if not guards:
        return handler
    # Of MCP one namespace can be asked for by its path; several exposures may have the same one.
    by_path: dict[str, list[Guard]] = {}
    for served in group:
        if isinstance(served.exposure, McpExposure):
            found = by_path.setdefault(f"/mcp/{served.exposure.namespace}", [])
            found += [guards[id(served.exposure)]] if id(served.exposure) in guards else []
    return guarded(handler, list(guards.values()), by_path, refusal if by_path else problem)


def _guards(assembly: Assembly, engine: Engine, process: Process) -> dict[int, Guard]:
    found = {id(s.exposure): build_guard(s.exposure, engine.live(s.capability), process.failures) for s in assembly.served}
    return {key: guard for key, guard in found.items() if guard is not None}


def _forwarder(group: Sequence[Served], engine: Engine) -> Forward | None:
    owners = {
        id(route): engine.live(s.capability)
        for s in group
        if isinstance(s.exposure, RestExposure)
        for route in s.exposure.forwards
    }
    return forwarder(owners) if owners else None
