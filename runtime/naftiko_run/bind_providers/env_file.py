"""Environment files: lines of ``NAME=value`` become a mapping.

The common subset of what shells and containers read: blank lines, ``#`` comments, an optional ``export``, single quotes
(literal), double quotes (with backslash escapes for line break, tab, quote, backslash and dollar), both over several lines if
need be, and bare values up to a spaced ``#``. Nothing is expanded: ``$HOME`` stays ``$HOME``.
"""

from __future__ import annotations

import re
from pathlib import Path

from naftiko_run.errors import BindingError

_LINE = re.compile(
    r"""
    [ \t]*(?:\#[^\n]*)?(?:\n|\Z)                                      # blank, or a comment
  | [ \t]*(?:export[ \t]+)?(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)[ \t]*=[ \t]*
    (?: '(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | (?P<bare>(?!['"])[^\n]*?) )
    [ \t]*(?:(?<=[\s='"])\#[^\n]*)?(?:\n|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MEANING = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "$": "$"}


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of an environment file; a later line wins over an earlier one of the same name."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise BindingError(f"cannot read the environment file {str(path)!r}", hint="check the path and its encoding") from exc
    return parse_env_text(text, name=str(path))


def parse_env_text(text: str, *, name: str) -> dict[str, str]:
    text = text.replace("\r\n", "\n")
    values: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _LINE.match(text, at)
        if found is None:
            line = text.count("\n", 0, at) + 1
            raise BindingError(
                f"line {line} of {name!r} is not NAME=value", hint="quote values that hold quotes or line breaks"
            )
        if found["name"] is not None:
            values[found["name"]] = _value(found)
        at = found.end()
    return values


def _value(found: re.Match[str]) -> str:
    if found["double"] is not None:
        return _ESCAPE.sub(lambda escape: _MEANING.get(escape[1], escape[0]), found["double"])
    return found["single"] if found["single"] is not None else found["bare"]
