"""Names and prose of foreign documents in, names and prose a capability may hold out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container

_WORD = re.compile(r"[A-Z]+(?![a-z])[0-9]*|[A-Z]?[a-z]+[0-9]*|[A-Z]+[0-9]*|[0-9]+")
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs"})
LONGEST_TEXT = 1000


def kebab(text: str, default: str = "") -> str:
    """``listUserOrders`` and ``List user orders`` as ``list-user-orders``."""
    return "-".join(_WORD.findall(unicodedata.normalize("NFKD", text))).lower() or default


def upper_snake(text: str) -> str:
    return kebab(text).replace("-", "_").upper()


def unique(name: str, taken: Container[str], separator: str = "-") -> str:
    """``name``, or ``name-2`` and so on where it is taken."""
    chosen, number = name, 1
    while chosen in taken:
        number += 1
        chosen = f"{name}{separator}{number}"
    return chosen


def input_name(text: str) -> str:
    """A name that may stand in a template tag."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "value"


def prose(*texts: object, longest: int = LONGEST_TEXT) -> str:
    """The first text that says something, without characters that nobody sees, cut at the end of a paragraph or sentence."""
    for text in texts:
        if isinstance(text, str) and (cleaned := _visible(text)):
            return cleaned if len(cleaned) <= longest else _cut(cleaned, longest)
    return ""


def _visible(text: str) -> str:
    kept = "".join(c for c in text.replace("\r\n", "\n") if c == "\n" or unicodedata.category(c) not in _HIDDEN)
    return "\n".join(line.rstrip() for line in kept.split("\n")).strip()


def _cut(text: str, longest: int) -> str:
    head = text[:longest]
    for mark in ("\n\n", ". ", "\n", " "):
        at = head.rfind(mark)
        if at > longest // 2:
            return head[: at + (1 if mark == ". " else 0)].rstrip()
    return head
