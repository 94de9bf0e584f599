"""For programs: a JSON document whose shape is kept.

    {"version": 1, "tool": {"name", "version"},
     "summary": {"files", "errors", "warnings", "notes"},
     "findings": [{"code", "severity", "message", "hint", "file", "line", "column", "path"}]}

``hint`` and ``path`` are empty texts where there is none; ``file``, ``line`` and ``column`` are null for a finding about no
place. ``version`` changes when a key changes its meaning or goes; new keys may come.
"""

from __future__ import annotations

import orjson

from naftiko_run.checks.reports.report import REPORT_FORMATS, TOOL, Report
from naftiko_run.errors import Finding

SHAPE_VERSION = 1


@REPORT_FORMATS.register("json")
def json(report: Report) -> str:
    counts = report.counts
    document = {
        "version": SHAPE_VERSION,
        "tool": {"name": TOOL, "version": report.version},
        "summary": {
            "files": len(report.files),
            "errors": counts["error"],
            "warnings": counts["warning"],
            "notes": counts["note"],
        },
        "findings": [_finding(finding) for finding in report.findings],
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    at = finding.at
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "hint": finding.hint,
        "file": at.file if at else None,
        "line": at.line if at else None,
        "column": at.column if at else None,
        "path": at.path if at else "",
    }
