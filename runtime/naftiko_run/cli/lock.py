"""``lock``: pin capability files and what they may do in ``naftiko.lock`` beside them. Exit 1 with --check: it differs."""

from __future__ import annotations

import sys
from pathlib import Path

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.checks.lock import Grants, lock_path, read_lock, refusals, write_lock
from naftiko_run.checks.permissions import permissions_of
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run lock", description="Pin capability files and what they read, run, call and open.")
    found.add_argument("files", nargs="+", metavar="FILE", help="capability files of one folder, or the folder")
    found.add_argument("--check", action="store_true", help="write nothing; exit 1 and show the difference if there is one")
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    files, _ = shared.find_files(given.files)
    capabilities = [load(file, LoadOptions()) for file in files]
    if not capabilities or len({one.path.parent.resolve() for one in capabilities}) != 1:
        raise BindingError("a lock is for the files of one folder", code="E-USAGE", hint="run it once for each folder")
    target = lock_path(capabilities[0].path)
    if given.check:
        return _check(capabilities, target)
    target.write_text(write_lock(capabilities), encoding="utf-8")
    print(f"wrote {target}", file=sys.stderr)
    for capability in capabilities:
        for kind, names in permissions_of(capability).plain().items():
            if names:
                print(f"  {capability.path.name}: {kind}: {', '.join(names)}", file=sys.stderr)
    return 0


def _check(capabilities: list[Capability], target: Path) -> int:
    if not target.is_file():
        raise BindingError(f"there is no {target}", code="E-NO-FILE", hint="write it with `naftiko-run lock FILE`")
    pinned = read_lock(target)
    found = [one for capability in capabilities for one in refusals(capability, Grants(), pinned.get(capability.path.name))]
    for finding in found:
        print(finding)
    return 1 if found else 0
