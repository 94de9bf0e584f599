"""``traces``: the latest requests of a running process, or one of them span by span."""

from __future__ import annotations

import sys
from urllib.parse import quote, urlencode

from naftiko_run.cli.control import ask, control_parser


def run(arguments: list[str]) -> int:
    parser = control_parser("traces", "Show the latest requests of a running process, or one of them in detail.")
    parser.add_argument("trace", nargs="?", default="", metavar="TRACE_ID", help="show the spans of this trace")
    parser.add_argument("--operation", default="", metavar="TEXT", help="only those whose operation contains this")
    parser.add_argument("--status", default="", metavar="OK|ERROR", help="only those that went well, or failed")
    given = parser.parse_args(arguments)
    asked = {name: value for name, value in (("operation", given.operation), ("status", given.status)) if value}
    path = f"/traces/{quote(given.trace, safe='')}" if given.trace else "/traces" + (f"?{urlencode(asked)}" if asked else "")
    answer = ask(given, "GET", path)
    if answer.status != 200:
        print(answer.error, file=sys.stderr)
        return 1
    found = answer.json
    print("\n".join(_tree(found) if given.trace else _list(found)))
    return 0


def _list(found: dict[str, object]) -> list[str]:
    traces = found.get("traces")
    lines = [_line(one) for one in traces] if isinstance(traces, list) else []
    return lines or ["no traces"]


def _line(trace: dict[str, object]) -> str:
    return "  ".join(str(trace.get(name, "")) for name in ("timestamp", "traceId", "status", "durationMs", "operation"))


def _tree(trace: dict[str, object]) -> list[str]:
    """The spans below the one that caused them."""
    listed = trace.get("spans")
    spans: list[dict[str, object]] = listed if isinstance(listed, list) else []
    known = {one["spanId"] for one in spans}
    lines = [_line(trace)]

    def show(parent: object, depth: int) -> None:
        for one in spans:
            above = one.get("parentSpanId") if one.get("parentSpanId") in known else None
            if above == parent:
                lines.append(f"{'  ' * depth}{one['name']}  {one['durationMs']} ms  {one['status']}")
                show(one["spanId"], depth + 1)

    show(None, 1)
    return lines
