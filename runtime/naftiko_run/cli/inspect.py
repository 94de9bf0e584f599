"""``inspect``: the compiled plan of files, for a person before running a stranger's file, or as JSON (requirement S4)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from naftiko_run.capability import Capability, LoadOptions
from naftiko_run.checks.plan import describe
from naftiko_run.cli import options as shared
from naftiko_run.cli.columns import two_columns
from naftiko_run.errors import Finding
from naftiko_run.server.placement import AssemblySettings, place


def parser() -> argparse.ArgumentParser:
    found = shared.Parser(prog="naftiko-run inspect", description="Show what files serve, read, call and need.")
    found.add_argument("files", nargs="+", metavar="FILE", help="a capability file, a folder of them, or a glob")
    shared.add_load_options(found)
    found.add_argument("--json", action="store_true", help="the plan as JSON")
    return found


def run(arguments: list[str]) -> int:
    from naftiko_run.cli.prepare import compile_all

    given = parser().parse_args(arguments)
    files, gathered = shared.find_files(given.files)
    options = LoadOptions(
        base_uris=shared.base_uris(given.base_uri), expose_all=given.expose_all, strict=given.strict,
        credentials=shared.credentials(given.bearer, given.api_key),
    )  # fmt: skip
    capabilities, findings = compile_all(files, options, gathered=gathered)
    return show(capabilities, findings, as_json=given.json, settings=AssemblySettings())


def show(capabilities: Sequence[Capability], findings: Sequence[Finding], *, as_json: bool, settings: AssemblySettings) -> int:
    """Print the plan; findings go to standard error unless they are part of the JSON."""
    assembly = place(capabilities, settings)
    where = {id(s.exposure): (s.address, s.port) for s in assembly.served}
    plans = [describe(capability, where) for capability in capabilities]
    if as_json:
        print(json.dumps({"capabilities": plans}, indent=2, ensure_ascii=False, default=str))
        return 0
    for finding in [*findings, *assembly.findings]:
        print(finding, file=sys.stderr)
    for plan in plans:
        print("\n".join(_lines(plan)))
    if len(plans) > 1:
        print(_total(plans))
    return 0


def _total(plans: Sequence[dict[str, object]]) -> str:
    """What all files together serve and cost a model that lists their tools."""
    sums = [sum(plan["tools"][key] for plan in plans) for key in ("count", "bytes", "estimatedTokens")]  # type: ignore[index]  # as `describe` made it
    return f"{len(plans)} files: {sums[0]} tools, {sums[1]} bytes, about {sums[2]} tokens"


def _lines(plan: dict[str, object]) -> list[str]:
    lines = [f"{plan['label']}  ({plan['file']})"]
    for listener in plan["listeners"]:  # type: ignore[attr-defined]  # as `describe` made it
        auth = f", callers: {listener['authentication']}" if listener["authentication"] else ""
        lines.append(f"  {listener['type']:<7} {listener['address']}:{listener['port']}{auth}")
        lines += two_columns([(unit["name"], _feeds(unit)) for unit in listener["units"]], "    ")
    for key in ("hosts", "variables", "files", "scripts"):
        entries = plan[key]
        if entries:
            lines.append(f"  {key}: {', '.join(map(str, entries))}")  # type: ignore[call-overload]  # a list
    tools = plan["tools"]
    lines.append(f"  tools as listed to a model: {tools['count']}, {_size(tools)}")  # type: ignore[arg-type, index]  # as `describe` made it
    return lines + two_columns([(one["name"], _size(one)) for one in tools["each"]], "    ")  # type: ignore[index]  # as `describe` made it


def _size(tools: dict[str, object]) -> str:
    return f"{tools['bytes']} bytes, about {tools['estimatedTokens']} tokens"


def _feeds(unit: dict[str, object]) -> str:
    calls = ", ".join(unit["calls"])  # type: ignore[arg-type]  # a list of text
    inputs = ", ".join(unit["inputs"])  # type: ignore[arg-type]  # as `describe` made it
    state = f"  [refused: {unit['unavailable']}]" if unit["unavailable"] else ""
    return f"{calls or 'constant'}({inputs}){state}"
