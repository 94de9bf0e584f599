"""``upgrade``: files in an older spelling become files in the newest. Exit 0 done, 1 with --check: there is something to do."""

from __future__ import annotations

import sys
from pathlib import Path

from naftiko_run.authoring.upgrade import VERSIONS, Upgraded, upgrade_text
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError


def parser() -> shared.Parser:
    found = shared.Parser(
        prog="naftiko-run upgrade", description="Rewrite capability files in the newest spelling of the language."
    )
    found.add_argument("files", nargs="+", metavar="FILE", help="a capability file, a folder of them, or a glob")
    found.add_argument(
        "--to", choices=sorted(VERSIONS), default="ikanos-beta5", help="the language to write (default ikanos-beta5)"
    )
    found.add_argument("--check", action="store_true", help="write nothing; exit 1 if there is something to do")
    found.add_argument("--diff", action="store_true", help="write nothing; print the changes")
    found.add_argument("-o", "--output", default="", metavar="FILE", help="write here instead (- for standard output)")
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    files, _ = shared.find_files(given.files)
    if given.output and len(files) != 1:
        raise BindingError("--output takes one file", code="E-USAGE")
    pending = 0
    for file in files:
        done = upgrade_text(file.read_text(encoding="utf-8"), file=str(file), version=given.to)
        pending += done.is_changed
        if given.diff:
            sys.stdout.write(done.diff(str(file)))
        elif not given.check:
            _write(done, file, given.output)
        if given.check or (done.is_changed and not given.diff):
            said = "; ".join(done.changes) if done.is_changed else "nothing to do"
            print(f"{file}: {said}", file=sys.stderr)
    return 1 if given.check and pending else 0


def _write(done: Upgraded, file: Path, output: str) -> None:
    if output == "-":
        sys.stdout.write(done.text)
    elif output or done.is_changed:
        Path(output or file).write_text(done.text, encoding="utf-8")
