"""For GitHub Actions: workflow commands that mark the lines of a change.

A command is one line, so what would end it or its properties is escaped; a message cannot start a command of its own.
"""

from __future__ import annotations

from naftiko_run.checks.reports.report import REPORT_FORMATS, Report, described
from naftiko_run.checks.reports.text import summary
from naftiko_run.errors import Finding, Severity

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "note": "notice"}


@REPORT_FORMATS.register("github")
def github(report: Report) -> str:
    return "\n".join([*map(_command, report.findings), summary(report)]) + "\n"


def _command(finding: Finding) -> str:
    properties = {"title": finding.code}
    if finding.at:
        properties = {"file": finding.at.file, "line": str(finding.at.line), "col": str(finding.at.column), **properties}
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(described(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
