"""What a deploy target is given and gives back, and the registry of targets: each one function in one file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from naftiko_run.capability import Capability
from naftiko_run.checks.lock import hashes_of
from naftiko_run.checks.permissions import permissions_of
from naftiko_run.document.file_location import written_path
from naftiko_run.exposes.exposure import ControlExposure, Exposure, McpExposure, RestExposure, SkillExposure
from naftiko_run.records import record
from naftiko_run.registry import Registry

DEFAULT_PORTS: Mapping[type[Exposure], tuple[str, int]] = {
    RestExposure: ("rest", 8080),
    McpExposure: ("mcp", 9090),
    SkillExposure: ("skill", 8088),
    ControlExposure: ("control", 9099),
}


@record
class DeployPlan:
    """``ports`` are names and numbers of what is served, ``variables`` what is supplied as secrets, ``file`` name and text."""

    name: str
    image: str
    file: tuple[str, str]
    ports: tuple[tuple[str, int], ...]
    variables: tuple[str, ...]
    upstreams: tuple[str, ...]
    beside: tuple[tuple[str, str], ...] = ()  # further files of the same folder
    missing: tuple[str, ...] = ()  # files in other folders, which a config map cannot hold
    control: int = 0
    replicas: int = 2


DeployTarget = Callable[[DeployPlan], Mapping[str, str]]
"""File names and their texts."""

DEPLOY_TARGETS: Registry[DeployTarget] = Registry("deploy target")


def plan_of(capability: Capability, *, image: str, name: str = "", replicas: int = 2) -> DeployPlan:
    """What of ``capability`` matters to whoever runs it. Its files travel in a config map; a file of secrets does not."""
    ports: dict[str, int] = {}
    control = 0
    for exposure in capability.exposures:
        if isinstance(exposure, McpExposure) and exposure.transport == "stdio":
            continue
        word, default = DEFAULT_PORTS[type(exposure)]
        number = exposure.port or default
        if isinstance(exposure, ControlExposure):
            control = number
        elif number not in ports.values():
            ports[word if word not in ports else f"{word}-{number}"] = number
    permissions = permissions_of(capability)
    bound = {Path(written_path(binding.location)).name for binding in capability.bindings if binding.location}
    others = [name for name in hashes_of(capability) if name != capability.path.name and Path(name).name not in bound]
    return DeployPlan(
        name=name or dns_name(capability.name), image=image,
        file=_read(capability, capability.path.name),
        beside=tuple(_read(capability, one) for one in others if "/" not in one),
        missing=tuple(one for one in others if "/" in one),
        ports=tuple(ports.items()),
        variables=tuple(sorted(permissions.variables)),
        upstreams=tuple(sorted(permissions.hosts)), control=control, replicas=max(2, replicas),
    )  # fmt: skip


def _read(capability: Capability, name: str) -> tuple[str, str]:
    return name, (capability.path.parent / name).read_text(encoding="utf-8")


def dns_name(text: str) -> str:
    """A name that a cluster takes (RFC 1123)."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].rstrip("-") or "capability"
