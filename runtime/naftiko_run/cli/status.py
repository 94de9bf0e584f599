"""``status``: what a running process serves, since when, and how its upstreams are."""

from __future__ import annotations

import json
import sys

from naftiko_run.cli.control import ask, control_parser


def run(arguments: list[str]) -> int:
    given = control_parser("status", "Show what a running process serves.").parse_args(arguments)
    answer = ask(given, "GET", "/status")
    if answer.status != 200:
        print(answer.error, file=sys.stderr)
        return 1
    print(json.dumps(answer.json, indent=2, ensure_ascii=False))
    return 0
