"""What a person reads when serving starts: what is served where, which variables were read, one call to try."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from naftiko_run.exposes.exposure import McpExposure, RestExposure, RestRoute, SkillExposure
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.server.placement import Served, kind_of

if TYPE_CHECKING:
    from naftiko_run.cli.prepare import Prepared
    from naftiko_run.exposes.mcp.settings import LongNames

MOST_FINDINGS = 20


def announce(prepared: Prepared, ports: Sequence[int], given: argparse.Namespace) -> None:
    """Print findings and the banner to standard error; with ``--log-format json`` every line is an object."""
    findings = [f for f in prepared.findings if f.severity != "note"]
    shown = [str(f) for f in findings[:MOST_FINDINGS]]
    if len(findings) > MOST_FINDINGS:
        shown.append(f"... and {len(findings) - MOST_FINDINGS} more findings; `naftiko-run validate` lists all")
    lines = banner(prepared, ports, given)
    if given.log_format == "json":
        import json

        said = [{"event": "finding", "text": text} for text in shown]
        text = "".join(json.dumps(one) + "\n" for one in [*said, {"event": "serving", "lines": lines}])
    else:
        text = "".join(line + "\n" for line in [*shown, *lines])
    sys.stderr.write(text)
    sys.stderr.flush()


def banner(prepared: Prepared, ports: Sequence[int], given: argparse.Namespace) -> list[str]:
    labels = ", ".join(c.label for c in prepared.capabilities[:3])
    if len(prepared.capabilities) > 3:
        labels += f" and {len(prepared.capabilities) - 3} more"
    lines = [f"naftiko-run serves {labels}" + (" (built-in mock upstream)" if given.mock else "")]
    groups = _groups(prepared, ports)
    lines += [f"  {_line(group, base)}" for base, group in groups]
    if prepared.assembly.stdio:
        lines.append(f"  mcp   standard input and output  ({_count(prepared.assembly.stdio)})")
    variables = _variables(prepared)
    lines.append(
        f"  variables: {variables or 'none needed'}" + (" (--mock needs no values)" if variables and given.mock else "")
    )
    tried = _example(groups, given.long_tool_names)
    if tried:
        lines.append(f"  try: {tried}")
    return lines


Group = tuple[str, list[Served]]


def _groups(prepared: Prepared, ports: Sequence[int]) -> list[Group]:
    """What is served together, with its base URL: one group a listener, in their order."""
    groups: dict[tuple[str, int], list[Served]] = {}
    for index, served in enumerate(prepared.assembly.served):
        groups.setdefault((served.address, served.port or -index - 1), []).append(served)
    bound = list(ports) or [group[0].port for group in groups.values()]
    return [(f"http://{_host(group[0].address)}:{port}", group) for group, port in zip(groups.values(), bound, strict=True)]


def _host(address: str) -> str:
    if address in ("0.0.0.0", "::"):  # noqa: S104  # compared, not bound
        return "localhost"
    return f"[{address}]" if ":" in address else address


def _line(group: Sequence[Served], base: str) -> str:
    kinds = list(dict.fromkeys(kind_of(s.exposure) for s in group))
    paths = {"mcp": "/mcp", "skill": "/skills", "control": "/status"}
    shown = ", ".join(f"{kind:<5} {base}{paths.get(kind, '')}" for kind in kinds)
    more = "  docs at /docs" if "rest" in kinds else ""
    return f"{shown}  ({_count(group)}){more}"


def _count(group: Sequence[Served]) -> str:
    operations = sum(len(s.exposure.routes) for s in group if isinstance(s.exposure, RestExposure))
    tools = sum(len(s.exposure.tools) for s in group if isinstance(s.exposure, McpExposure))
    skills = sum(len(s.exposure.skills) for s in group if isinstance(s.exposure, SkillExposure))
    counted = ((operations, "operation"), (tools, "tool"), (skills, "skill"))
    said = [f"{n} {noun}" + "s" * (n != 1) for n, noun in counted if n] or ["no operations"]
    refused = sum(_refused(served) for served in group)
    return ", ".join([*said, f"{refused} of them refused"] if refused else said)


def _refused(served: Served) -> int:
    """How many calls are answered with their finding, because the document has a mistake there."""
    exposure = served.exposure
    if isinstance(exposure, RestExposure):
        return sum(route.flow.unavailable is not None for route in exposure.routes)
    return sum(tool.flow.unavailable is not None for tool in exposure.tools) if isinstance(exposure, McpExposure) else 0


def _variables(prepared: Prepared) -> str:
    """Names only, never values; nothing where nothing is read."""
    read: dict[str, None] = {}
    missing: dict[str, None] = {}
    for capability in prepared.capabilities:
        bound = prepared.engine.live(capability).bound
        for name in bound.values:
            read.setdefault(name.rpartition(".")[2])
        for one in bound.missing:
            missing.setdefault(one.variable)
    listed = ", ".join(list(read)[:12]) + (f" and {len(read) - 12} more" if len(read) > 12 else "")
    gone = ", ".join(list(missing)[:12]) + (f" and {len(missing) - 12} more" if len(missing) > 12 else "")
    return "; ".join(filter(None, (listed, gone and f"without a value: {gone}")))


def _example(groups: Sequence[Group], long_names: LongNames) -> str:
    everything = [(base, served.exposure) for base, group in groups for served in group]
    for base, exposure in everything:
        if isinstance(exposure, RestExposure) and (route := _simplest(exposure)) is not None:
            import shlex

            return f"curl {shlex.quote(base + sample_path(route))}"
    for base, group in groups:
        sharing = [served.exposure for served in group if isinstance(served.exposure, McpExposure)]
        if any(exposure.tools for exposure in sharing):
            from naftiko_run.exposes.mcp.catalog import compile_catalog

            return f"an MCP client at {base}/mcp, tool {compile_catalog(sharing, long_names).tools[0].name!r}"
    return ""


def _simplest(exposure: RestExposure) -> RestRoute | None:
    routes = [r for r in exposure.routes if r.flow.unavailable is None and r.method == "GET"]
    return min(routes, key=lambda r: sum(one.required for one in r.flow.inputs), default=None)


def sample_path(route: RestRoute) -> str:
    """A path with example values, and the query that is required."""
    from naftiko_run.consumes.paths import folded_variables

    path = route.path
    for name in folded_variables(path).values():
        path = path.replace("{{" + name + "}}", "example").replace("{" + name + "}", "example")
    needed = [one for one in route.flow.inputs if one.required and any(s.place == "query" for s in one.sources)]
    query = "&".join(f"{one.name}={_sample(one)}" for one in needed if not any(s.place == "path" for s in one.sources))
    return f"{path}?{query}" if query else path


def _sample(one: InputParameter) -> str:
    if one.enum:
        return str(one.enum[0])
    return {"integer": "1", "number": "1", "boolean": "true"}.get(one.type, "example")
