"""``reload``: make a running process read its files again. What cannot be served is reported, and nothing changes."""

from __future__ import annotations

import sys

from naftiko_run.cli.control import ask, control_parser


def run(arguments: list[str]) -> int:
    given = control_parser("reload", "Make a running process read its files again.").parse_args(arguments)
    answer = ask(given, "POST", "/config/reload")
    found = answer.json
    findings = found.get("findings")
    for one in findings if isinstance(findings, list) else []:
        place = f"{one['file']}:{one['line']}:{one['column']}: " if one.get("file") else ""
        print(f"{place}{one.get('severity')} {one.get('code')}: {one.get('message')}", file=sys.stderr)
    if answer.status not in (200, 202):
        print(f"{answer.error}; what was served before still is", file=sys.stderr)
        return 1
    print(found.get("status", "reloaded"))
    return 0
