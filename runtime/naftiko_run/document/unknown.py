"""Keys that nothing reads, gathered while a document is normalised and reported once each.

A generated file repeats its mistake a thousand times, so one warning stands for all places where an object of the same kind has
the same unknown key. Keys starting with ``x-`` are an author's own.
"""

from __future__ import annotations

from naftiko_run.document.language import LANGUAGE
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest

_MOST = 50  # looking for near spellings is slow, and nobody reads further

_SPOKEN = {
    "document": "the document",
    "consumer": "a consumes entry",
    "operation": "a consumed operation",
    "resource": "a consumed resource",
    "restResource": "a REST resource",
    "restOperation": "a REST operation",
    "mcpResource": "an MCP resource",
    "skillItem": "a skill",
    "skillTool": "a tool of a skill",
    "skillSource": "the source of a skill's tool",
    "rest": "a REST exposure",
    "mcp": "an MCP exposure",
    "skill": "a skill exposure",
    "control": "a control exposure",
}


class UnknownKeys:
    """The unknown keys of one document, by kind of object and name: the first place of each, and how often."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, str], Node] = {}
        self._count: dict[tuple[str, str], int] = {}

    def add(self, kind: str, name: str, child: Node) -> None:
        if name[:2] != "x-":
            self._first.setdefault((kind, name), child)
            self._count[kind, name] = self._count.get((kind, name), 0) + 1

    def report(self, problems: Problems) -> None:
        """One warning per kind and key, in order of discovery."""
        for kind, name in list(self._first)[:_MOST]:
            place = self._first[kind, name]
            times = self._count[kind, name]
            again = f" ({times} times)" if times > 1 else ""
            problems.warn(
                "W-UNKNOWN-KEY",
                f"unknown key {name[:80]!r} in {_SPOKEN.get(kind, kind)}, ignored{again}",
                place.key_location,
                suggest(name[:80], (key.name for key in LANGUAGE[kind].values())),
            )
        if len(self._first) > _MOST:
            problems.warn("W-UNKNOWN-KEY", f"{len(self._first) - _MOST} more unknown keys are ignored")
