"""What the control port shows and changes of scripting: switches, limits and counts, live and shared by every script step.

``management.scripting`` and the environment give the first values. The script directory stands once and for all
(requirement S53): who may change settings at run time must not thereby choose what is run.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime

from naftiko_run.document.nodes import Node
from naftiko_run.errors import InvalidInputs, SpecError
from naftiko_run.flows.scripts.languages import LANGUAGES, language_named
from naftiko_run.records import field, record

SWITCHES = ("NAFTIKO_SCRIPTING", "IKANOS_SCRIPTING")


@record(frozen=False)
class ScriptStatistics:
    executions: int = 0
    errors: int = 0
    total_seconds: float = 0.0
    last: float | None = None  # seconds since the epoch

    def count(self, seconds: float, *, failed: bool) -> None:
        self.executions += 1
        self.errors += failed
        self.total_seconds += seconds
        self.last = time.time()

    def to_json(self) -> dict[str, object]:
        average = self.total_seconds * 1000 / self.executions if self.executions else 0.0
        counts: dict[str, object] = {
            "totalExecutions": self.executions,
            "totalErrors": self.errors,
            "averageDurationMs": round(average, 3),
        }
        if self.last is not None:
            counts["lastExecutionAt"] = datetime.fromtimestamp(self.last, UTC).isoformat().replace("+00:00", "Z")
        return counts


@record(frozen=False)
class ScriptGovernance:
    """``timeout`` is in milliseconds. ``allowed_languages`` empty means all.

    ``statement_limit`` is kept and shown; the interpreters count time and memory, not statements.
    """

    enabled: bool = True
    default_language: str = ""
    default_location: str = ""
    timeout: int = 60_000
    statement_limit: int = 100_000
    allowed_languages: tuple[str, ...] = ()
    statistics: ScriptStatistics = field(default_factory=ScriptStatistics)

    def allows(self, language: str) -> bool:
        return not self.allowed_languages or language in self.allowed_languages

    def to_json(self) -> dict[str, object]:
        """The body of ``GET /scripting``."""
        shown: dict[str, object] = {"enabled": self.enabled}
        if self.default_location:
            shown["defaultLocation"] = self.default_location
        if self.default_language:
            shown["defaultLanguage"] = self.default_language
        shown |= {"timeout": self.timeout, "statementLimit": self.statement_limit}
        if self.allowed_languages:
            shown["allowedLanguages"] = list(self.allowed_languages)
        return {**shown, "stats": self.statistics.to_json()}

    def update(self, changes: Mapping[str, object]) -> None:
        """A partial change, as ``PUT /scripting`` asks for it: all of it or, with ``InvalidInputs``, nothing."""
        errors = [
            {"name": name, "place": "body", "message": message}
            for name in changes
            if (message := _mistake(name, changes[name]))
        ]
        if errors:
            raise InvalidInputs(errors)
        for name, value in changes.items():
            setattr(self, _FIELDS[name], _stored(value))


_FIELDS = {
    "enabled": "enabled",
    "defaultLanguage": "default_language",
    "timeout": "timeout",
    "statementLimit": "statement_limit",
    "allowedLanguages": "allowed_languages",
}


def _stored(value: object) -> object:
    if isinstance(value, list):
        return tuple(language_named(item) for item in value)
    return language_named(value) if isinstance(value, str) else value


def _mistake(name: str, value: object) -> str:
    """What is wrong with one change, ``""`` for nothing."""
    if name == "defaultLocation":
        return "the script directory cannot be changed while running"
    if name not in _FIELDS:
        return "is no setting of scripting"
    if name == "enabled":
        return "" if isinstance(value, bool) else "must be true or false"
    if name in ("timeout", "statementLimit"):
        return (
            "" if isinstance(value, int) and not isinstance(value, bool) and value >= 1 else "must be an integer of at least 1"
        )
    names = value if name == "allowedLanguages" and isinstance(value, list) else [value]
    known = all(isinstance(item, str) and language_named(item) in LANGUAGES for item in names)
    if name == "allowedLanguages" and not isinstance(value, list):
        return "must be an array"
    return "" if known else f"must be of {', '.join(LANGUAGES)}"


def compile_governance(block: Node | None, environment: Mapping[str, str]) -> ScriptGovernance:
    """``management.scripting`` and the environment; what the document says of ``enabled`` wins."""
    governance = ScriptGovernance(enabled=not any(environment.get(name, "").strip().lower() == "false" for name in SWITCHES))
    if block is None:
        return governance
    for name, child in block.items():
        if child.is_null or name not in {*_FIELDS, "defaultLocation"}:
            continue
        if name == "defaultLocation":
            governance.default_location = child.text
            continue
        value: object = list(block.texts(name)) if name == "allowedLanguages" else child.value
        if message := _mistake(name, value):
            raise SpecError(f"{name!r} {message}", at=child, code="E-SCRIPTING")
        setattr(governance, _FIELDS[name], _stored(value))
    return governance
