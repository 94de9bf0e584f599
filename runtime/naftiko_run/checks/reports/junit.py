"""For build servers: JUnit XML with one suite per file. An error is a failed case; warnings and notes pass and are told."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from naftiko_run.checks.reports.report import REPORT_FORMATS, TOOL, Report, described
from naftiko_run.errors import Finding

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@REPORT_FORMATS.register("junit")
def junit(report: Report) -> str:
    root = Element("testsuites", _totals(report.findings, f"{TOOL} validate"))
    for file, findings in _by_file(report):
        suite = SubElement(root, "testsuite", _totals(findings, file or "(no file)"))
        for finding in findings:
            _case(suite, file, finding)
        if not findings:
            SubElement(suite, "testcase", {"classname": _clean(file), "name": "valid"})
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _by_file(report: Report) -> Iterator[tuple[str, list[Finding]]]:
    nowhere = [finding for finding in report.findings if finding.at is None]
    if nowhere:
        yield "", nowhere
    for file in report.files:
        yield file, [finding for finding in report.findings if finding.at and finding.at.file == file]


def _totals(findings: list[Finding] | tuple[Finding, ...], name: str) -> dict[str, str]:
    failures = sum(finding.severity == "error" for finding in findings)
    return {"name": _clean(name), "tests": str(len(findings) or 1), "failures": str(failures), "errors": "0"}


def _case(suite: Element, file: str, finding: Finding) -> None:
    place = f"{finding.at.line}:{finding.at.column} " if finding.at else ""
    case = SubElement(suite, "testcase", {"classname": _clean(file), "name": _clean(f"{place}{finding.code}")})
    if finding.severity == "error":
        failure = SubElement(case, "failure", {"type": finding.code, "message": _clean(finding.message)})
        failure.text = _clean(str(finding))
    else:
        SubElement(case, "system-out").text = _clean(f"{finding.severity}: {described(finding)}")


def _clean(text: str) -> str:
    """Without the characters that XML cannot hold at all."""
    return _NOT_XML.sub("\ufffd", text)
