"""JSONPath beyond plain paths, through jsonpath-ng: filters, unions, arithmetic and its own functions.

Imported only where a document needs it. Two things the library does are not left to it: its ``=~`` would run Python's regular
expressions on a file's pattern, so RE2 takes its place (requirement S44); and it has no bound on the nodes it visits, so what
could make it visit a node many times is refused and the rest is counted first (requirement L10).
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, Final

import re2
from jsonpath_ng import Child, Descendants, Fields, Index, JSONPath, Root, Slice, This
from jsonpath_ng.ext.filter import Expression, Filter
from jsonpath_ng.ext.iterable import Len
from jsonpath_ng.ext.parser import parse
from jsonpath_ng.ext.string import Sub

from naftiko_run.errors import SpecError
from naftiko_run.expressions.plain_path import Find, descendants, follow, leading_keys, too_many
from naftiko_run.expressions.scope import MISSING

HINT: Final = "write it like '$.name', '$.list[*].name', '$[\\'a name\\']' or '$.list[?(@.field == \"text\")]'"
_SLASHED: Final = re.compile(r"=~\s*/((?:[^/\\]|\\.)*)/(i?)")
_OUTSIDE: Final = re.compile(r"[^\[\]]+|\[[^\[\]]*(?:\[[^\[\]]*\][^\[\]]*)*\]")
_DOTTED: Final = re.compile(r"\.([^.()*]+)")


def compile_filter(text: str, path: str, limit: int) -> tuple[Find, bool]:
    """The closure for ``path`` (``text`` as the author wrote it), and whether it is definite."""
    expression = _parse(text, path)
    descents = _secure(expression, text)
    start = follow(leading_keys(path))
    definite = _definite(expression)

    def find(document: object) -> object:
        container = start(document)
        if container is MISSING:
            return MISSING
        _count(document if descents else container, limit, below=bool(descents))
        try:
            values = [match.value for match in expression.find(document)]
        except Exception:
            # The library raises whatever its operators raise on odd data; such data does not match.
            return MISSING
        if definite:
            return values[0] if values else MISSING
        return values if values or isinstance(container, (dict, list)) else MISSING

    return find, definite


def _count(value: object, limit: int, *, below: bool) -> None:
    """Refuse a document too large to search. Without ``..`` a node is visited once per step, so the top level says enough."""
    if below:
        descendants([value], limit)
    elif isinstance(value, (dict, list)) and len(value) > limit:
        raise too_many(limit)


def _parse(text: str, path: str) -> Any:
    """The library's expression; where it cannot read the path, once more with every dotted name in brackets."""
    path = _SLASHED.sub(_quoted_pattern, path)
    for attempt in (path, _bracketed(path)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                return parse(attempt)
        except Exception:  # noqa: S112  # a lexer, parser or definition error, according to what is wrong
            continue
    raise SpecError(f"JSONPath {text!r} cannot be read", hint=HINT)


def _quoted_pattern(match: re.Match[str]) -> str:
    """``/pattern/i`` as the quoted string that the library wants."""
    pattern = ("(?i)" if match[2] else "") + match[1].replace(r"\/", "/")
    return '=~ "' + pattern.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _bracketed(path: str) -> str:
    """``$.first name[?(@.x)].b-c`` as ``$['first name'][?(@.x)]['b-c']``."""
    pieces = _OUTSIDE.findall(path)
    if "".join(pieces) != path:
        return path  # brackets that do not match: nothing to be saved
    return "".join(piece if piece.startswith("[") else _DOTTED.sub(_in_brackets, piece) for piece in pieces)


def _in_brackets(match: re.Match[str]) -> str:
    name = match[1].strip().replace("'", "\\'")
    return f"['{name}']"


# ---- what the library must not do


class _Matching(JSONPath):
    """What ``left`` finds, where it is text that an RE2 pattern matches."""

    def __init__(self, left: Any, pattern: Any) -> None:
        self.left, self.pattern = left, pattern

    def find(self, datum: Any) -> list[Any]:
        found = self.left.find(datum)
        return [match for match in found if isinstance(match.value, str) and self.pattern.search(match.value)]


def _secure(expression: Any, text: str) -> int:
    """Put RE2 in place of the library's regular expressions; refuse what has no bound. Gives the number of ``..``."""
    descents = 0
    for node in list(_walk(expression)):
        if isinstance(node, Sub):
            raise SpecError(f"JSONPath {text!r} uses 'sub', which is not supported", hint="rewrite the text in a script step")
        if isinstance(node, Expression) and node.op == "=~":
            node.target, node.op, node.value = _Matching(node.target, _pattern(node.value, text)), None, None
        if isinstance(node, Filter) and _searches_root(node):
            hint = "compare with one value: '$.name' or '@.name'"
            raise SpecError(f"JSONPath {text!r} searches the whole document for each element", hint=hint)
        descents += isinstance(node, Descendants)
    if descents > 1:
        raise SpecError(f"JSONPath {text!r} combines '..' more than once with a filter", hint="name the way down to the list")
    return descents


def _searches_root(node: Filter) -> bool:
    inside = [part for expression in node.expressions for part in _walk(expression)]
    many = (Descendants, Filter, Slice)
    return any(isinstance(part, Root) for part in inside) and any(isinstance(part, many) or _every(part) for part in inside)


def _every(node: Any) -> bool:
    return isinstance(node, Fields) and "*" in node.fields


def _pattern(pattern: object, text: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(str(pattern), options)
    except re2.error as exc:
        hint = "RE2 has no back references and no look-around"
        raise SpecError(f"JSONPath {text!r} holds a pattern that RE2 cannot read", hint=hint) from exc


def _walk(node: Any) -> Iterator[Any]:
    """``node`` and every expression below it."""
    yield node
    below = [getattr(node, name, None) for name in ("left", "right", "target", "value")]
    for several in ("expressions", "operands"):
        below += [item[0] if isinstance(item, tuple) else item for item in getattr(node, several, None) or ()]
    for child in below:
        if isinstance(child, JSONPath):
            yield from _walk(child)


def _definite(node: Any) -> bool:
    """Whether the expression selects at most one value."""
    if isinstance(node, Child):
        return _definite(node.left) and _definite(node.right)
    if isinstance(node, Fields):
        return len(node.fields) == 1 and not _every(node)
    if isinstance(node, Index):
        return len(node.indices) == 1
    return isinstance(node, (Root, Len)) or type(node) is This
