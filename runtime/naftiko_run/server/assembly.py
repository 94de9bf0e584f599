"""Compiled capabilities and a live engine become listeners: who answers what on which address and port.

Exposures that name the same address and port share one listener. REST routes merge; MCP answers at ``/mcp`` for all of a port's
exposures and at ``/mcp/<namespace>`` for one; skills answer below ``/skills``. Where a port has one kind of adapter only, its
handler is the listener's, without a look at the path.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from naftiko_run.capability import Capability
from naftiko_run.engine import Engine
from naftiko_run.errors import BindingError, Finding, Problems
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.exposure import ControlExposure, Exposure, McpExposure, RestExposure, Run, SkillExposure
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.exposes.guards.guard import Guard
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.exposes.observed import observed_handler
from naftiko_run.exposes.rest import Forward, RestAdapter
from naftiko_run.flows.flow import Flow
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.hosts import is_loopback
from naftiko_run.server.instruments import traced
from naftiko_run.server.listener import Listener, effective_address
from naftiko_run.server.process import Process
from naftiko_run.telemetry.telemetry import UNMATCHED

DEFAULT_PORTS: Mapping[type[Exposure], int] = {
    RestExposure: 8080,
    McpExposure: 9090,
    SkillExposure: 8088,
    ControlExposure: 9099,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssemblySettings:
    """What an operator decides about listening. ``ports`` are by namespace, adapter type or declared port."""

    host: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    port_offset: int = 0
    allow_public: bool = False
    strict: bool = False
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    mcp: McpSettings = field(default_factory=McpSettings)
    limits: Limits = DEFAULT_LIMITS

    def port_of(self, exposure: Exposure) -> int:
        """The port an exposure is served on: chosen by the operator, else declared, else the default of its type."""
        declared = exposure.port or DEFAULT_PORTS.get(type(exposure), 0)
        for key in (exposure.namespace, kind_of(exposure), str(declared)):
            if key in self.ports:
                return self.ports[key]
        return declared + self.port_offset


KINDS: Mapping[type[Exposure], str] = {
    RestExposure: "rest",
    McpExposure: "mcp",
    SkillExposure: "skill",
    ControlExposure: "control",
}


def kind_of(exposure: Exposure) -> str:
    return KINDS[type(exposure)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One exposure as it is served."""

    exposure: Exposure
    capability: Capability
    address: str
    port: int


@dataclass(slots=True, kw_only=True)
class Assembly:
    """The outcome: ``listeners`` to serve, the MCP exposures meant for stdio, what is served where, and findings about it."""

    listeners: list[Listener] = field(default_factory=list)
    served: list[Served] = field(default_factory=list)
    stdio: list[Served] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    run: Run | None = None


def place(capabilities: Sequence[Capability], settings: AssemblySettings, *, stdio: bool = False) -> Assembly:
    """Decide addresses and ports. Pure: nothing is opened. With ``stdio`` only MCP exposures are kept, for standard streams."""
    assembly = Assembly()
    problems = Problems()
    for capability in capabilities:
        for exposure in capability.exposures:
            if isinstance(exposure, McpExposure) and (stdio or exposure.transport == "stdio"):
                assembly.stdio.append(Served(exposure=exposure, capability=capability, address="", port=0))
            elif not stdio:
                served = _placed(exposure, capability, settings, problems)
                assembly.served.append(served)
    assembly.findings = problems.findings
    return assembly


def _placed(exposure: Exposure, capability: Capability, settings: AssemblySettings, problems: Problems) -> Served:
    address, warning = effective_address(
        settings.host or exposure.address,
        is_authenticated=exposure.authentication is not None,
        allow_public=settings.allow_public or bool(settings.host),
        is_strict=settings.strict,
        is_control=isinstance(exposure, ControlExposure),
    )
    if warning:
        problems.warn("W-PUBLIC-ADDRESS", warning, exposure.at)
    elif not settings.allow_public and exposure.authentication is None and not is_loopback(address):
        _chosen_public(address, exposure, settings, problems)
    address = "127.0.0.1" if address == "localhost" else address
    port = settings.port_of(exposure)
    if not 0 <= port <= 65535:
        raise BindingError(
            f"port {port} of {exposure.namespace!r} is not between 0 and 65535", at=exposure.at, code="E-PORT",
            hint="choose another with --port, or a smaller --port-offset",
        )  # fmt: skip
    return Served(exposure=exposure, capability=capability, address=address, port=port)


def _chosen_public(address: str, exposure: Exposure, settings: AssemblySettings, problems: Problems) -> None:
    """``--host`` beyond loopback is the operator's word, though it may not have been meant for callers without credentials."""
    message = f"the {kind_of(exposure)} adapter {exposure.namespace!r} listens on {address} and asks no caller for credentials"
    hint = "declare its authentication, or say that this is meant with --allow-public"
    if settings.strict:
        raise BindingError(message, at=exposure.at, code="E-PUBLIC-ADDRESS", hint=hint)
    problems.warn("W-PUBLIC-ADDRESS", message, exposure.at, hint)


def own_ports(assembly: Assembly) -> frozenset[int]:
    return frozenset(s.port for s in assembly.served if s.port and not isinstance(s.exposure, ControlExposure))


# ---- handlers


def connect(assembly: Assembly, engine: Engine, settings: AssemblySettings, process: Process | None = None) -> None:
    """Build the adapters of every port and give the assembly its listeners. ``process`` is what outlives this plan."""
    process = process or Process(redactor=engine.redactor)
    groups: dict[tuple[str, int], list[Served]] = {}
    for index, served in enumerate(assembly.served):
        groups.setdefault((served.address, served.port or -index - 1), []).append(served)
    problems = Problems()
    assembly.run = traced(_shared_run(engine, assembly), process.telemetry)
    parts = _Parts(assembly, engine, assembly.run, settings, process, problems)
    for group in groups.values():
        _note_shared_port(group, problems)
        handler = _handler(group, parts)
        exempt = all(isinstance(s.exposure, ControlExposure) for s in group)
        assembly.listeners.append(
            Listener(
                address=group[0].address,
                port=group[0].port,
                handler=handler,
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


@dataclass(frozen=True, slots=True)
class _Parts:
    """What every handler is built from."""

    assembly: Assembly
    engine: Engine
    run: Run
    settings: AssemblySettings
    process: Process
    problems: Problems


def _shared_run(engine: Engine, assembly: Assembly) -> Run:
    """One ``Run`` for adapters that several capabilities share: a flow knows whose it is."""
    owners = {id(flow): engine.run(capability) for capability in engine.capabilities for flow in capability.flows}
    if len(engine.capabilities) == 1:
        return engine.run(engine.capabilities[0])

    async def run(flow: Flow, inputs: Mapping[str, object], seconds: float) -> object:
        return await owners[id(flow)](flow, inputs, seconds)

    return run  # type: ignore[return-value]  # the owners' own results


def _handler(group: Sequence[Served], parts: _Parts) -> Handler:
    rest = [s for s in group if isinstance(s.exposure, RestExposure)]
    mcp = [s for s in group if isinstance(s.exposure, McpExposure)]
    skill = [s for s in group if isinstance(s.exposure, SkillExposure)]
    control = [s for s in group if isinstance(s.exposure, ControlExposure)]
    found: list[tuple[str, Handler]] = []
    if mcp:
        found.append(("mcp", _mcp_handler(mcp, parts)))
    if skill:
        found.append(("skill", _skill_handler(skill, parts)))
    if control:
        found.append(("control", _control_handler(control, parts)))
    if rest:
        found.append(("rest", _rest_handler(rest, parts)))
    return found[0][1] if len(found) == 1 else _by_path(dict(found))


def _by_path(handlers: Mapping[str, Handler]) -> Handler:
    otherwise = handlers.get("rest") or next(iter(handlers.values()))

    async def handle(request: HttpRequest) -> HttpAnswer:
        path = request.path
        first = path[1:].partition("/")[0]
        if first == "mcp" and "mcp" in handlers:
            return await handlers["mcp"](request)
        if first == "skills" and "skill" in handlers:
            return await handlers["skill"](request)
        if first in ("health", "status", "metrics", "traces", "logs", "config", "scripting") and "control" in handlers:
            return await handlers["control"](request)
        if first == ".well-known" and "mcp" in handlers:
            return await handlers["mcp"](request)
        return await otherwise(request)

    return handle


def _rest_handler(group: Sequence[Served], parts: _Parts) -> Handler:
    from naftiko_run.server.faces import rest_pages

    exposures = [s.exposure for s in group if isinstance(s.exposure, RestExposure)]
    guards = guards_of(group, parts.engine, parts.process.failures)
    adapter = RestAdapter(
        (), parts.run, limits=parts.settings.limits, guards=guards, pages=rest_pages(group, guards),
        forward=_forwarder(group, parts.engine), telemetry=parts.process.telemetry,
    )  # fmt: skip
    for exposure in exposures:
        adapter.add(exposure, parts.problems)
    return adapter.handle


def _mcp_handler(group: Sequence[Served], parts: _Parts) -> Handler:
    from naftiko_run.exposes.mcp.adapter import McpAdapter
    from naftiko_run.exposes.mcp.names import check_shared

    exposures = [s.exposure for s in group if isinstance(s.exposure, McpExposure)]
    check_shared(exposures, parts.problems)
    settings = mcp_settings(parts.settings, parts.process)
    adapter = McpAdapter(exposures, parts.run, limits=parts.settings.limits, settings=settings)
    return _guarded(adapter.handle, group, parts)


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
    from naftiko_run.server.faces import guarded

    guards = guards_of(group, parts.engine, parts.process.failures)
    if not guards:
        return handler
    # Of MCP one namespace can be asked for by its path; several exposures may have the same one.
    by_path: dict[str, list[Guard]] = {}
    for served in group:
        if isinstance(served.exposure, McpExposure):
            found = by_path.setdefault(f"/mcp/{served.exposure.namespace}", [])
            found += [guards[id(served.exposure)]] if id(served.exposure) in guards else []
    return guarded(handler, list(guards.values()), by_path, refusal if by_path else problem)


def guards_of(group: Sequence[Served], engine: Engine, failures: FailureLimit) -> dict[int, Guard]:
    """The guards of exposures that have one, by id of the exposure."""
    from naftiko_run.server.faces import build_guard

    found = {id(s.exposure): build_guard(s.exposure, engine.live(s.capability), failures) for s in group}
    return {key: guard for key, guard in found.items() if guard is not None}


def _forwarder(group: Sequence[Served], engine: Engine) -> Forward | None:
    from naftiko_run.server.faces import forwarder

    owners = {
        id(route): engine.live(s.capability)
        for s in group
        if isinstance(s.exposure, RestExposure)
        for route in s.exposure.forwards
    }
    return forwarder(owners) if owners else None
