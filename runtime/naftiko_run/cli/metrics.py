"""``metrics``: the numbers of a running process, in the Prometheus text format."""

from __future__ import annotations

import sys

from naftiko_run.cli.control import ask, control_parser
from naftiko_run.errors import BindingError


def run(arguments: list[str]) -> int:
    parser = control_parser("metrics", "Show the metrics of a running process.")
    parser.add_argument("--filter", default="", metavar="REGEX", help="only lines in which this is found")
    given = parser.parse_args(arguments)
    import re

    try:
        wanted = re.compile(given.filter)
    except re.error as error:
        raise BindingError(f"--filter is no regular expression: {error}", code="E-USAGE") from None
    answer = ask(given, "GET", "/metrics")
    if answer.status != 200:
        print(answer.error, file=sys.stderr)
        return 1
    for line in answer.text.splitlines():
        if wanted.search(line):
            print(line)
    return 0
