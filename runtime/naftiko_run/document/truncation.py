"""Files that were cut when they were published: finding the mark they carry, and leaving the damaged last element out.

A cut file may still parse; what its last lines say is then half of what their author wrote, so the unit they belong to (an
operation, a tool) is not served rather than served wrongly. One that has its `call` and was cut later, while its inputs or
outputs were described, only loses that description: what it calls knows its inputs, too.
"""

from __future__ import annotations

import re

from naftiko_run.document.nodes import Document, Node
from naftiko_run.errors import DocumentError, Finding, Location
from naftiko_run.records import record

_MARK = re.compile(r"^[ \t]*# --- truncated at (?P<size>[^\n]*?) ---[ \t\r]*$", re.MULTILINE)
_SOURCE = re.compile(r"^[ \t]*# Full source:[ \t]*(?P<url>\S+)", re.MULTILINE)
_WORDS = "# --- truncated at "  # of the mark, looked for first: most files have none
_TAIL = 4096  # the mark ends the file, so only its end is searched
_DESCRIPTIONS = frozenset({"inputParameters", "outputParameters"})
_UNITS = frozenset({"operations", "tools", "prompts", "skills", "functions", "flows"})


@record
class TruncationMark:
    """``line`` is where the mark stands, ``size`` what it says, ``source`` where the whole file was published."""

    line: int
    size: str
    source: str

    @property
    def message(self) -> str:
        return f"the file was cut at {self.size or 'some size'} when it was published (marker at line {self.line})"

    @property
    def hint(self) -> str:
        return f"get the full file from {self.source}" if self.source else "get the full file from its author"


def find_marker(text: str) -> TruncationMark | None:
    """The mark a publisher leaves at the end of a file it cut."""
    offset = max(0, len(text) - _TAIL)
    if text.find(_WORDS, offset) < 0:
        return None
    marks = list(_MARK.finditer(text, offset))
    if not marks:
        return None
    found = marks[-1]
    source = _SOURCE.search(text, found.end())
    line = text.count("\n", 0, found.start()) + 1
    size = found["size"].partition("(")[0].strip()
    return TruncationMark(line=line, size=size, source=source["url"] if source else "")


def refuse_truncated(mark: TruncationMark, file: str) -> DocumentError:
    """The error for a cut file that cannot be parsed any more."""
    return DocumentError(mark.message, code="E-TRUNCATED", at=Location(file=file, line=mark.line, column=1), hint=mark.hint)


def drop_damaged_tail(root: Document, mark: TruncationMark) -> None:
    """Take the unit that the last value belongs to out of the tree, and say so."""
    last = _damaged(root)
    at = Location(file=root.file, line=mark.line, column=1)
    dropped = ""
    if last is not None and last.parent is not None:
        dropped = f", {last.path} is incomplete and ignored"
        _remove(last)
    root.findings.append(
        Finding(code="W-TRUNCATED", severity="warning", message=f"{mark.message}{dropped}", at=at, hint=mark.hint)
    )


def _damaged(root: Node) -> Node | None:
    """The innermost operation, tool or such that the last value is in; else the innermost list element; else that value."""
    node, chain = root, list[Node]()
    while (below := _last_child(node)) is not None:
        node = below
        chain.append(node)
    units = [n for n in chain if n.parent is not None and n.parent.key in _UNITS]
    elements = [n for n in chain if isinstance(n.key, int)]
    if units and units[-1].get("call") is not None and any(n.key in _DESCRIPTIONS and n.parent is units[-1] for n in chain):
        return elements[-1] if elements[-1] is not units[-1] else next(n for n in chain if n.parent is units[-1])
    return units[-1] if units else elements[-1] if elements else chain[-1] if chain else None


def _last_child(node: Node) -> Node | None:
    children = list(node.value.values()) if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else []
    return children[-1] if children else None


def _remove(node: Node) -> None:
    parent = node.parent
    if parent is not None and isinstance(parent.value, dict):
        del parent.value[node.key]
    elif parent is not None and isinstance(parent.value, list):
        parent.value.pop()
