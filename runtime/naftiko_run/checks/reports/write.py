"""``write_report``: findings and the name of a format in, the text of the report out."""

from __future__ import annotations

from collections.abc import Iterable

from naftiko_run.checks.reports import github, json, junit, sarif, text
from naftiko_run.checks.reports.report import REPORT_FORMATS, Report
from naftiko_run.errors import Finding

FORMAT_MODULES = (github, json, junit, sarif, text)
"""Importing them registers their words."""


def write_report(findings: Iterable[Finding], format: str = "text", *, files: Iterable[str] = (), version: str = "") -> str:
    """The report as ``text``, ``json``, ``github``, ``sarif`` or ``junit``, ending in a line break.

    ``files`` names everything that was looked at; files with findings are added. ``version`` is the runtime's own.
    """
    found = tuple(sorted(findings, key=_place))
    named = dict.fromkeys([*files, *(finding.at.file for finding in found if finding.at)])
    return REPORT_FORMATS.lookup(format)(Report(findings=found, files=tuple(named), version=version))


def _place(finding: Finding) -> tuple[str, int, int]:
    # Findings about no place come first; equal places keep the order of discovery.
    return (finding.at.file, finding.at.line, finding.at.column) if finding.at else ("", 0, 0)
