"""Rows of a name and what is said of it in, aligned lines out."""

from __future__ import annotations

from collections.abc import Sequence

_WIDEST = 60


def two_columns(rows: Sequence[tuple[str, str]], indent: str = "") -> list[str]:
    """As wide as the longest name; a name that is much longer than most does not push the others aside."""
    width = min(max((len(name) for name, _ in rows), default=0), _WIDEST)
    return [f"{indent}{name:<{width}}  {text}".rstrip() for name, text in rows]
