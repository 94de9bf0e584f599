"""``diff``: what changed between two files, for those who call what they serve. Exit 0 same or compatible, 1 breaking."""

from __future__ import annotations

import json
from dataclasses import asdict

from naftiko_run.authoring.difference import compare
from naftiko_run.capability import load
from naftiko_run.cli import options as shared
from naftiko_run.cli import session


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run diff", description="Compare what two capability files serve.")
    found.add_argument("old", metavar="OLD", help="a capability file")
    found.add_argument("new", metavar="NEW", help="the file that replaces it")
    found.add_argument("--format", choices=("text", "json"), default="text", help="how changes are written")
    shared.add_load_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    options = session.load_options(given)
    old, new = (load(session.one_file(word), options) for word in (given.old, given.new))
    changes = compare(old, new)
    breaking = sum(change.breaking for change in changes)
    if given.format == "json":
        summary = {"breaking": breaking, "compatible": len(changes) - breaking}
        print(json.dumps({"version": 1, "summary": summary, "changes": [asdict(one) for one in changes]}, indent=2))
    else:
        print("\n".join(map(str, changes)) if changes else "no difference")
        if changes:
            print(f"{breaking} breaking, {len(changes) - breaking} compatible")
    return 1 if breaking else 0
