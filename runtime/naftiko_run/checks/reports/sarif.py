"""For code scanning: SARIF 2.1.0, one run with one result per finding."""

from __future__ import annotations

from pathlib import PurePath
from urllib.parse import quote

import orjson

from naftiko_run.checks.reports.report import REPORT_FORMATS, TOOL, Report, described
from naftiko_run.errors import Finding, Location

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


@REPORT_FORMATS.register("sarif")
def sarif(report: Report) -> str:
    codes = list(dict.fromkeys(finding.code for finding in report.findings))
    driver: dict[str, object] = {"name": TOOL, "rules": [{"id": code} for code in codes]}
    if report.version:
        driver["version"] = report.version
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "artifacts": [{"location": {"uri": _uri(file)}} for file in report.files],
        "results": [_result(finding, codes.index(finding.code)) for finding in report.findings],
    }
    return orjson.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, option=orjson.OPT_INDENT_2).decode() + "\n"


def _result(finding: Finding, rule: int) -> dict[str, object]:
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity,
        "message": {"text": described(finding)},
    }
    if finding.at:
        result["locations"] = [_location(finding.at)]
    return result


def _location(at: Location) -> dict[str, object]:
    region = {"startLine": at.line, "startColumn": at.column}
    location: dict[str, object] = {"physicalLocation": {"artifactLocation": {"uri": _uri(at.file)}, "region": region}}
    if at.path:
        location["logicalLocations"] = [{"fullyQualifiedName": at.path}]
    return location


def _uri(file: str) -> str:
    """A file's name as a URI reference; what is a URL already stays one."""
    if "://" in file:
        return file
    return PurePath(file).as_uri() if PurePath(file).is_absolute() else quote(PurePath(file).as_posix())
