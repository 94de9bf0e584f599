"""``scripting``: the settings of script steps in a running process, shown or changed."""

from __future__ import annotations

import json
import sys

from naftiko_run.cli import options as shared
from naftiko_run.cli.control import ask, control_parser


def run(arguments: list[str]) -> int:
    parser = control_parser("scripting", "Show or change how a running process runs scripts.")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="change enabled, timeout, statementLimit, defaultLanguage or allowedLanguages (repeatable)",
    )  # fmt: skip
    given = parser.parse_args(arguments)
    changes = {name: _value(name, text) for name, text in shared.pairs(given.set, "--set", "KEY=VALUE").items()}
    answer = ask(given, "PUT", "/scripting", changes) if changes else ask(given, "GET", "/scripting")
    if answer.status != 200:
        print(answer.error, file=sys.stderr)
        return 1
    print(json.dumps(answer.json, indent=2, ensure_ascii=False))
    return 0


def _value(name: str, text: str) -> object:
    """A word as the setting wants it: a number, true or false, a list of languages, else text."""
    if name == "allowedLanguages" and not text.startswith("["):
        return [word.strip() for word in text.split(",") if word.strip()]
    try:
        return json.loads(text)
    except ValueError:
        return text
