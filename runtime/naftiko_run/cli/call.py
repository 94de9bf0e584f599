"""``call``: one unit of a capability, run once. Its answer goes to standard output; exit 0 for a success, 1 for a failure."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping

from naftiko_run.authoring.inputs import read_inputs
from naftiko_run.authoring.units import Unit, find_unit
from naftiko_run.cli import options as shared
from naftiko_run.cli import session
from naftiko_run.engine import Engine
from naftiko_run.errors import RequestError
from naftiko_run.flows.binding import bind_arguments
from naftiko_run.flows.result import Result
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.values import load_json

_MOST_CONTROL = 1024


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run call", description="Run one REST operation, tool or resource once.")
    found.add_argument("file", metavar="FILE", help="a capability file")
    found.add_argument("unit", metavar="UNIT", help="a name, 'rest:NAME', 'tool:NAME' or 'METHOD /path'")
    found.add_argument(
        "--input", "-i", action="append", default=[], metavar="NAME=VALUE", help="one input; =@FILE reads a file"
    )
    found.add_argument("--json-input", default="", metavar="JSON", help="all inputs as one JSON object; @FILE reads a file")
    found.add_argument("--raw", action="store_true", help="write the answer's bytes as they are")
    found.add_argument(
        "--timeout", type=float, default=DEFAULT_LIMITS.rest_deadline, metavar="SECONDS",
        help=f"time for the call and all it causes (default {DEFAULT_LIMITS.rest_deadline:g})",
    )  # fmt: skip
    session.add_run_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    with session.open_session(given, session.one_file(given.file)) as opened:
        unit = find_unit(opened.capability, given.unit)
        inputs = read_inputs(given.input, given.json_input, unit.flow.inputs)
        engine = Engine(opened.capability, opened.settings)
        engine.resolve()
        try:
            result = asyncio.run(_call(engine, unit, inputs, given.timeout))
        except RequestError as error:
            return _failed(error, engine)
        write_result(result, raw=given.raw)
        return 0 if result.status < 400 else 1


async def _call(engine: Engine, unit: Unit, inputs: Mapping[str, object], seconds: float) -> Result:
    async with engine:
        bound = bind_arguments(unit.flow.inputs, inputs)
        return await engine.run(engine.capabilities[0])(unit.flow, bound, seconds)


def _failed(error: RequestError, engine: Engine) -> int:
    print(engine.redactor.clean(str(error)), file=sys.stderr)
    excerpt = getattr(error, "excerpt", "")
    if excerpt:
        print(f"  the upstream said: {engine.redactor.clean(excerpt)}", file=sys.stderr)
    return 1


def write_result(result: Result, *, raw: bool) -> None:
    """JSON is laid out for reading; anything else is written as it came."""
    content = result.content
    if not raw and "json" in result.media_type:
        with contextlib.suppress(ValueError):
            content = json.dumps(load_json(content), indent=2, ensure_ascii=False).encode() + b"\n"
    if not raw and sys.stdout.isatty() and b"\x00" in content[:_MOST_CONTROL]:
        print(f"({len(content)} bytes of {result.media_type}; --raw writes them)")
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(content if raw or content.endswith(b"\n") or not content else content + b"\n")
    sys.stdout.buffer.flush()
