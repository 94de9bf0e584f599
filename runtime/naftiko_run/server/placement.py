"""Compiled exposures and an operator's choices in, addresses and ports out: what is served where, before anything is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from naftiko_run.capability import Capability
from naftiko_run.errors import BindingError, Finding, Problems
from naftiko_run.exposes.exposure import ControlExposure, Exposure, McpExposure, RestExposure, Run, SkillExposure
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record
from naftiko_run.server.hosts import is_loopback
from naftiko_run.server.listener import Listener, effective_address

DEFAULT_PORTS: Mapping[type[Exposure], int] = {
    RestExposure: 8080,
    McpExposure: 9090,
    SkillExposure: 8088,
    ControlExposure: 9099,
}


@record
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


@record
class Served:
    """One exposure as it is served."""

    exposure: Exposure
    capability: Capability
    address: str
    port: int


@record(frozen=False)
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
