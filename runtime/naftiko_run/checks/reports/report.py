"""What a report is about, and the registry of its formats: each is one function from a ``Report`` to text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final

from naftiko_run.errors import Finding, Severity
from naftiko_run.records import record
from naftiko_run.registry import Registry

TOOL: Final = "naftiko-run"
SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "note")


@record
class Report:
    """``findings`` are in the order of their places; ``files`` are all that were looked at, those without findings too."""

    findings: tuple[Finding, ...]
    files: tuple[str, ...]
    version: str = ""

    @property
    def counts(self) -> dict[Severity, int]:
        found = Counter(finding.severity for finding in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}


ReportFormat = Callable[[Report], str]

REPORT_FORMATS: Registry[ReportFormat] = Registry("report format")


def described(finding: Finding) -> str:
    """The message with its hint on a line of its own."""
    return f"{finding.message}\nhint: {finding.hint}" if finding.hint else finding.message
