"""``explain``: what calling a unit would send, or what a diagnostic code means. Nothing is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from naftiko_run.authoring.explanation import Account, RequestAccount, explain_unit, plain
from naftiko_run.authoring.inputs import read_inputs
from naftiko_run.authoring.units import find_unit, units_of
from naftiko_run.capability import load
from naftiko_run.cli import options as shared
from naftiko_run.cli import session
from naftiko_run.cli.columns import two_columns

_CODE = re.compile(r"[EWNL]-[A-Z0-9-]+", re.IGNORECASE)


def parser() -> shared.Parser:
    found = shared.Parser(
        prog="naftiko-run explain", description="Show what a call would send, or what a diagnostic code means."
    )
    found.add_argument("subject", metavar="FILE|CODE", help="a capability file, or a code such as E-CALL-UNRESOLVED")
    found.add_argument("unit", metavar="UNIT", nargs="?", help="a name, 'rest:NAME', 'tool:NAME' or 'METHOD /path'")
    found.add_argument(
        "--input", "-i", action="append", default=[], metavar="NAME=VALUE", help="one input; =@FILE reads a file"
    )
    found.add_argument("--json-input", default="", metavar="JSON", help="all inputs as one JSON object")
    found.add_argument("--json", action="store_true", help="write JSON")
    shared.add_load_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    if given.unit is None and _CODE.fullmatch(given.subject):
        return _explain_code(given.subject.upper())
    capability = load(session.one_file(given.subject), session.load_options(given))
    if given.unit is None:
        print("\n".join(two_columns([(unit.title, unit.description.partition("\n")[0]) for unit in units_of(capability)])))
        return 0
    unit = find_unit(capability, given.unit)
    account = explain_unit(capability, unit, read_inputs(given.input, given.json_input, unit.flow.inputs))
    print(json.dumps(plain(account), indent=2, ensure_ascii=False) if given.json else "\n".join(_lines(account)))
    return 0


def _explain_code(code: str) -> int:
    from naftiko_run.checks.diagnostics import explain_code

    found = explain_code(code)
    print(f"{found.code} ({found.severity}): {found.meaning}\n\n{found.remedy}")
    return 0


def _lines(account: Account) -> Iterator[str]:
    yield account.unit + (f": {account.description.strip().partition(chr(10))[0]}" if account.description else "")
    if account.unavailable:
        yield f"  cannot be called: {account.unavailable}"
    if account.inputs:
        yield "inputs"
    for one in account.inputs:
        places = ", ".join(f"{source.place} {source.key}".strip() for source in one.sources)
        needed = "required" if one.required else "optional"
        yield f"  {one.published:<24} {one.type}, {needed}{f', from {places}' if places else ''}"
    if account.assumed:
        yield f"  assumed for this account: {', '.join(account.assumed)}"
    for step in account.steps:
        yield from _step_lines(step, many=len(account.steps) > 1)
    yield f"answer\n  {account.answer}"
    if account.schema:
        yield f"  {json.dumps(account.schema, ensure_ascii=False)}"


def _step_lines(step: RequestAccount, *, many: bool) -> Iterator[str]:
    yield f"step {step.step}: {step.operation}" if many else f"calls {step.operation}"
    for name, place, source in step.feeds:
        yield f"  {name:<24} {place:<12} <- {source}"
    if step.url:
        yield f"  {step.method} {step.url}"
        yield from (f"  {name}: {value}" for name, value in step.headers)
        if step.body:
            yield ""
            yield from (f"  {line}" for line in step.body.splitlines())
    if step.note:
        yield f"  note: {step.note}"
