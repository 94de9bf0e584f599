"""JSONPath: a path's text in, a compiled ``JsonPath`` out that finds values in decoded JSON.

Plain paths (names, indexes, slices, wildcards, ``..``) become closures in ``plain_path.py``; anything else, filters above all,
is parsed by jsonpath-ng in ``filter_path.py``, which is imported only where a document needs it. Both read the same dialect:
``$.`` is the whole document, a missing ``$`` is added, ``length`` counts a list.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from naftiko_run.errors import Place, SpecError
from naftiko_run.expressions.plain_path import Find, compile_plain, parse_segments
from naftiko_run.expressions.scope import MISSING
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.records import field, record

_FUNCTION: Final = re.compile(r"\.?(?P<name>length|size|count|keys|values|sum|min|max|avg|first|last)\(\)\s*\Z")


@record
class JsonPath:
    """Immutable. ``definite``: it selects at most one value, which ``find`` gives; else ``find`` gives a list of values.

    ``find(document)`` is what the path selects, or ``MISSING``. No matches in a list that is there are an empty list.
    ``names`` are all its segments, where they are names only. ``copies``: it gives values of the document as they are.
    """

    text: str
    is_whole: bool = False
    definite: bool = True
    names: tuple[str, ...] = ()
    copies: bool = False
    find: Find = field(repr=False, compare=False)


def compile_jsonpath(text: str, *, at: Place = None) -> JsonPath:
    """Compile ``text``, once per distinct text; what cannot be read raises a ``SpecError`` at ``at``."""
    if len(text) > DEFAULT_LIMITS.jsonpath_text:
        message = f"JSONPath '{text[:40]}...' is longer than {DEFAULT_LIMITS.jsonpath_text} characters"
        raise SpecError(message, at=at, hint="select a part and shape it with nested properties", code="E-JSONPATH")
    try:
        return _compile(text)
    except SpecError as problem:
        raise SpecError(problem.message, at=at, hint=problem.hint, code="E-JSONPATH") from problem


@lru_cache(maxsize=4096)
def _compile(text: str) -> JsonPath:
    path = _rooted(text.strip())
    if path == "$":
        # An empty expression selects nothing; only `$` and `$.` are the document.
        return JsonPath(text=text, is_whole=bool(text.strip()), copies=True, find=_whole if text.strip() else _nothing)
    function = _FUNCTION.search(path)
    if function:
        inner = _compile(path[: function.start()] or "$")
        return JsonPath(text=text, find=_applied(function["name"], inner))
    segments = parse_segments(path)
    if segments is not None:
        find, definite = compile_plain(segments, DEFAULT_LIMITS.jsonpath_nodes)
        names = tuple(segment for segment in segments if isinstance(segment, str))
        all_names = names if len(names) == len(segments) else ()
        return JsonPath(text=text, definite=definite, names=all_names, copies=True, find=find)
    from naftiko_run.expressions.filter_path import compile_filter

    find, definite = compile_filter(text, path, DEFAULT_LIMITS.jsonpath_nodes)
    return JsonPath(text=text, definite=definite, find=find)


def _rooted(text: str) -> str:
    """``text`` starting at ``$``: published files leave the ``$`` out, or end in a dot."""
    text = text.rstrip(".") if text.endswith(".") else text
    if text in ("", "$", "@"):
        return "$"
    if text.startswith("$") and text[1] in ".[":
        return text
    if text.startswith(("@.", "@[")):
        return "$" + text[1:]
    return f"${text}" if text[0] in ".[" else f"$.{text}"


def _whole(document: object) -> object:
    return document


def _nothing(document: object) -> object:
    return MISSING


def _applied(name: str, inner: JsonPath) -> Find:
    """The path's function, applied to what the rest of the path selects."""
    function = FUNCTIONS[name]

    def find(document: object) -> object:
        value = inner.find(document)
        return MISSING if value is MISSING else function(value)

    return find


def _length(value: object) -> object:
    return len(value) if isinstance(value, (list, dict, str)) else MISSING


def _keys(value: object) -> object:
    return list(value) if isinstance(value, dict) else MISSING


def _values(value: object) -> object:
    return list(value.values()) if isinstance(value, dict) else MISSING


def _element(index: int) -> Callable[[object], object]:
    return lambda value: value[index] if isinstance(value, list) and value else MISSING


def _numeric(function: Callable[[list[float]], float]) -> Callable[[object], object]:
    """``function`` of the numbers in a list; nothing where there is none."""

    def apply(value: object) -> object:
        found = value if isinstance(value, list) else []
        numbers = [number for number in found if isinstance(number, (int, float)) and not isinstance(number, bool)]
        return function(numbers) if numbers else MISSING

    return apply


FUNCTIONS: Final[dict[str, Callable[[object], object]]] = {
    "length": _length,
    "size": _length,
    "count": _length,
    "keys": _keys,
    "values": _values,
    "first": _element(0),
    "last": _element(-1),
    "sum": _numeric(sum),
    "min": _numeric(min),
    "max": _numeric(max),
    "avg": _numeric(lambda numbers: sum(numbers) / len(numbers)),
}
