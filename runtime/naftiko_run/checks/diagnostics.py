"""A diagnostic code in, what it means and what to do out: for ``naftiko-run explain CODE`` and ``docs/diagnostics.md``.

One line of the table for each code the source uses; a test compares the two. Lint rules explain themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from naftiko_run.checks.lint import RULE_MODULES
from naftiko_run.checks.lint_rule import RULES
from naftiko_run.errors import UnresolvedReference
from naftiko_run.records import record

_SEVERITIES = {"E": "error", "W": "warning", "N": "note", "L": "lint"}


@record
class Diagnostic:
    code: str
    severity: str
    meaning: str
    remedy: str


_TABLE = Path(__file__).with_name("diagnostics.txt")
"""``CODE | meaning | remedy``, one a line."""


def _read() -> Mapping[str, Diagnostic]:
    assert RULE_MODULES  # their rules are registered
    found: dict[str, Diagnostic] = {}
    for line in _TABLE.read_text(encoding="utf-8").splitlines():
        code, meaning, remedy = (part.strip() for part in line.split(" | "))
        found[code] = Diagnostic(code=code, severity=_SEVERITIES[code[0]], meaning=meaning, remedy=remedy)
    for name in RULES:
        rule = RULES.lookup(name)
        remedy = f"{rule.hint[:1].upper()}{rule.hint[1:]}." if rule.hint else "Change it where it matters to you."
        found[rule.code] = Diagnostic(code=rule.code, severity=rule.severity, meaning=rule.meaning, remedy=remedy)
    return MappingProxyType(found)


DIAGNOSTICS = _read()


def explain_code(code: str) -> Diagnostic:
    found = DIAGNOSTICS.get(code)
    if found is None:
        raise UnresolvedReference("diagnostic code", code, known=DIAGNOSTICS, code="E-USAGE")
    return found


def page() -> str:
    """``docs/diagnostics.md``."""
    lines = ["# Diagnostics", "", "Every code that is printed, and what to do. `naftiko-run explain CODE` says the same.", ""]
    lines += ["| Code | Severity | Meaning | What to do |", "| --- | --- | --- | --- |"]
    lines += [f"| `{d.code}` | {d.severity} | {d.meaning} | {d.remedy} |" for _, d in sorted(DIAGNOSTICS.items())]
    return "\n".join([*lines, ""])
