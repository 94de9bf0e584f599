"""For people: each finding as errors are printed everywhere, and one line that counts them."""

from __future__ import annotations

from naftiko_run.checks.reports.report import REPORT_FORMATS, Report


@REPORT_FORMATS.register("text")
def text(report: Report) -> str:
    return "\n".join([*map(str, report.findings), summary(report)]) + "\n"


def summary(report: Report) -> str:
    """``2 errors, 1 warning in 3 files``."""
    said = [_counted(number, severity) for severity, number in report.counts.items() if number]
    where = f" in {_counted(len(report.files), 'file')}" if report.files else ""
    return (", ".join(said) or "no findings") + where


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
