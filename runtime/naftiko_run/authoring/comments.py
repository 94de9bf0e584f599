"""The comments of a YAML text in, by line, out: those that stand alone before a line, and those at the end of one.

A comment is what lies between two tokens and starts with ``#``; so a ``#`` inside a text is never taken for one.
"""

from __future__ import annotations

import yaml

from naftiko_run.records import field, record


@record(frozen=False, kw_only=False)
class Comments:
    """``above``: whole-line comments (and ``""`` for blank lines) before a 0-based line; ``beside``: at the end of it."""

    above: dict[int, list[str]] = field(default_factory=dict)
    beside: dict[int, str] = field(default_factory=dict)
    tail: list[str] = field(default_factory=list)


def read_comments(text: str) -> Comments:
    """All comments of a text that parses."""
    found = Comments()
    lines = text.split("\n")
    end = 0
    pending: list[str] = []
    for token in yaml.scan(text):
        _gap(text[end : token.start_mark.index], token.start_mark.line, bool(end), found, pending)
        if isinstance(token, (yaml.StreamEndToken, yaml.DocumentEndToken)):
            continue
        end = max(end, token.end_mark.index)
    found.tail = [*pending, *_alone(text[end:].split("\n")[1:] if end else lines)]
    while found.tail and not found.tail[-1]:
        found.tail.pop()
    return found


def _gap(gap: str, line: int, started: bool, found: Comments, pending: list[str]) -> None:
    """What lies between two tokens: a comment beside the first, comments and blank lines above the second."""
    if "\n" not in gap and "#" not in gap:
        return
    pieces = gap.split("\n")
    first = pieces[0].strip()
    if first.startswith("#"):
        if started:
            found.beside.setdefault(line - len(pieces) + 1, first)
        else:
            pending.append(first)
    pending += _alone(pieces[1:-1])
    if pending and "\n" in gap:
        found.above.setdefault(line, []).extend(pending)
        pending.clear()


def _alone(lines: list[str]) -> list[str]:
    return [line.strip() for line in lines if not line.strip() or line.strip().startswith("#")]
