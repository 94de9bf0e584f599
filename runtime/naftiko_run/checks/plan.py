"""A capability as a report of what it does: listeners, units and what feeds them, variables, files, hosts, scripts, tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naftiko_run.capability import Capability
from naftiko_run.errors import Finding
from naftiko_run.exposes.exposure import Exposure, McpExposure, RestExposure, SkillExposure
from naftiko_run.exposes.mcp.catalog import compile_catalog
from naftiko_run.exposes.mcp.search import estimated_tokens
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.scripts.script import Script
from naftiko_run.flows.steps import CallStep, ScriptStep
from naftiko_run.values import load_json

Places = Mapping[int, tuple[str, int]]


def describe(capability: Capability, places: Places) -> dict[str, object]:
    """The plan as JSON-like data; ``places`` are address and port by exposure."""
    return {
        "file": str(capability.path),
        "label": capability.label,
        "dialect": capability.dialect,
        "specVersion": capability.spec_version,
        "listeners": [_listener(exposure, places) for exposure in capability.exposures],
        "variables": sorted(_variables(capability)),
        "files": sorted(files_of(capability)),
        "hosts": sorted(hosts_of(capability)),
        "scripts": [f"{s.language} {s.source.name} sha256:{s.source.sha256}" for s in scripts_of(capability)],
        "tools": _tools(capability),
        "findings": [_finding(f) for f in capability.findings],
    }


def _finding(finding: Finding) -> dict[str, object]:
    at = finding.at
    return {
        "code": finding.code, "severity": finding.severity, "message": finding.message, "hint": finding.hint,
        "file": at.file if at else None, "line": at.line if at else None, "column": at.column if at else None,
        "path": at.path if at else None,
    }  # fmt: skip


def _listener(exposure: Exposure, places: Places) -> dict[str, object]:
    address, port = places.get(id(exposure), ("standard streams", 0))
    kind = type(exposure).__name__.removesuffix("Exposure").lower()
    auth = exposure.authentication
    return {
        "type": kind, "namespace": exposure.namespace, "address": address, "port": port,
        "authentication": auth.kind if auth is not None else "", "units": list(_units(exposure)),
    }  # fmt: skip


def _units(exposure: Exposure) -> Iterator[dict[str, object]]:
    if isinstance(exposure, RestExposure):
        for route in exposure.routes:
            yield _unit(f"{route.method} {route.path}", route.flow)
        for forward in exposure.forwards:
            yield {"name": f"* {forward.path}", "calls": [f"{forward.namespace} (forward)"], "inputs": [], "unavailable": ""}
    elif isinstance(exposure, McpExposure):
        for tool in exposure.tools:
            yield _unit(tool.name, tool.flow)
        for resource in exposure.resources:
            if resource.flow is not None:
                yield _unit(resource.uri, resource.flow)
            else:
                yield {"name": resource.uri, "calls": [resource.directory], "inputs": [], "unavailable": ""}
        for prompt in exposure.prompts:
            yield {"name": prompt.name, "calls": ["prompt"], "inputs": [a.name for a in prompt.arguments], "unavailable": ""}
    elif isinstance(exposure, SkillExposure):
        for skill in exposure.skills:
            yield {"name": skill.name, "calls": [skill.directory or "metadata"], "inputs": [], "unavailable": ""}


def _unit(name: str, flow: Flow) -> dict[str, object]:
    calls = [f"{s.operation.method} {s.operation.ref}" if isinstance(s, CallStep) else s.name for s in flow.steps]
    inputs = [one.published + ("" if one.required else "?") for one in flow.inputs]
    return {"name": name, "calls": calls, "inputs": inputs, "unavailable": flow.unavailable.code if flow.unavailable else ""}


def _variables(capability: Capability) -> set[str]:
    found = {name.rpartition(".")[2] for name in capability.uses}
    declared = {name for binding in capability.bindings for name in binding.keys}
    for consumer in capability.consumers:
        found |= {part for part in consumer.base_uri.variables if part.rpartition(".")[2] in declared}
    return found


def files_of(capability: Capability) -> set[str]:
    """Locations of file binds, served directories and scripts."""
    found = {str(binding.location) for binding in capability.bindings if binding.location.startswith("file:")}
    for exposure in capability.exposures:
        if isinstance(exposure, McpExposure):
            found |= {r.directory for r in exposure.resources if r.directory}
        elif isinstance(exposure, SkillExposure):
            found |= {s.directory for s in exposure.skills if s.directory}
    found |= {str(s.source.path) for s in scripts_of(capability) if s.source.path is not None}
    return found


def scripts_of(capability: Capability) -> list[Script]:
    return [step.script for flow in capability.flows for step in flow.steps if isinstance(step, ScriptStep)]


def hosts_of(capability: Capability) -> set[str]:
    """Where requests go: upstreams, and the collector of traces and metrics."""
    found = {c.base_uri.source or "(no base URI)" for c in capability.consumers}
    collector = capability.control.collector if capability.control is not None else None
    return found | ({collector.source} if collector is not None else set())


def _tools(capability: Capability) -> dict[str, object]:
    exposures = [e for e in capability.exposures if isinstance(e, McpExposure)]
    if not exposures:
        return {"count": 0, "bytes": 0, "estimatedTokens": 0, "each": []}
    listed = compile_catalog(exposures).tool_list()
    each = [{"name": _name(one), "bytes": len(one), "estimatedTokens": estimated_tokens([one])} for one in listed]
    return {"count": len(listed), "bytes": sum(map(len, listed)), "estimatedTokens": estimated_tokens(listed), "each": each}


def _name(tool: bytes) -> str:
    entry = load_json(tool)
    return str(entry.get("name", "")) if isinstance(entry, dict) else ""
