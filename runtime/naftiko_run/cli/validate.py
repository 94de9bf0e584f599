"""``validate``: files, folders and globs in, findings on standard output. Exit 0 clean, 1 findings, 2 could not run.

Errors are findings that count; with ``--strict`` warnings count too, and the document is held against the official language.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from naftiko_run import __version__
from naftiko_run.capability import LoadOptions
from naftiko_run.checks.judge import judge
from naftiko_run.checks.reports.report import REPORT_FORMATS
from naftiko_run.checks.reports.write import write_report
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError

_GARBAGE = 100_000  # objects: some thirty files of usual size, and twenty megabytes


def parser() -> argparse.ArgumentParser:
    found = shared.Parser(prog="naftiko-run validate", description="Check capability files as serving would, for CI.")
    found.add_argument("paths", nargs="+", metavar="PATH", help="a capability file, a folder (searched below), or a glob")
    found.add_argument("--format", choices=sorted(REPORT_FORMATS), default="text", help="how findings are written")
    shared.add_load_options(found)
    found.add_argument("--lint", action="store_true", help="look at the house rules too (see docs/validate.md)")
    found.add_argument("--quiet", action="store_true", help="leave notes and warnings out")
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    files, _ = shared.find_files(given.paths)
    if not files:
        raise BindingError("no capability file matches", code="E-NO-FILE", hint="files end in .yaml or .yml")
    options = LoadOptions(
        base_uris=shared.base_uris(given.base_uri),
        expose_all=given.expose_all,
        credentials=shared.credentials(given.bearer, given.api_key),
    )
    with _collecting_seldom():
        findings = judge(_in_turn(files), options, official=given.strict, lint=given.lint)
    counted = [f for f in findings if f.severity == "error" or (given.strict and f.severity == "warning")]
    shown = counted if given.quiet else findings
    sys.stdout.write(write_report(shown, given.format, files=map(str, files), version=__version__))
    return 1 if counted else 0


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Without the collector's own rhythm: it would look through each document several times while all of it is needed."""
    collecting = gc.isenabled()
    gc.freeze()  # what was imported stays
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if collecting:
            gc.enable()


def _in_turn(files: list[Path]) -> Iterator[Path]:
    """``files`` one by one; what is left of those before is dropped when it has become much, while nothing of it is in use."""
    for file in files:
        if gc.get_count()[0] > _GARBAGE:
            gc.collect()
        yield file
