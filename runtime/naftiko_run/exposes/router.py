"""A method and a raw path find their route in a time that does not grow with the number of routes.

Routes are kept in a tree by segment: literal segments are a dictionary look-up and win over variables; variables may share a
segment with text (``{id}:cancel``, ``{name}.json``). A variable called ``path``, or ``{x+}``, takes several segments, when
nothing more exact matches. Captured values stay one value whatever they hold: ``%2F`` in a segment is a slash in the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

from naftiko_run.records import field, record

T = TypeVar("T")

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]+)\}")


@record(frozen=False, kw_only=False)
class Match(Generic[T]):
    """What a path leads to: targets by method, and the captured values, still percent-encoded."""

    methods: dict[str, T]
    names: dict[str, list[str]]
    captured: list[str]

    def raw_values(self, method: str) -> dict[str, str]:
        """The captured values as they came, still percent-encoded."""
        return dict(zip(self.names.get(method, ()), self.captured, strict=False))

    def values(self, method: str) -> dict[str, str]:
        """The captured values, decoded, under the names that the route of ``method`` gives them."""
        if not self.captured:
            return {}
        return {n: unquote(v) if "%" in v else v for n, v in zip(self.names.get(method, ()), self.captured, strict=False)}


@record(frozen=False, kw_only=False)
class _Pattern(Generic[T]):
    """A segment with variables: ``names`` in order, ``regex`` where text surrounds them."""

    shape: str
    names: list[str]
    regex: Any  # RE2 has no types
    node: _Segment[T]


@record(frozen=False, kw_only=False)
class _Segment(Generic[T]):
    """One place in the tree: what may follow it, and what ends there."""

    literals: dict[str, _Segment[T]] = field(default_factory=dict)
    patterns: list[_Pattern[T]] = field(default_factory=list)
    methods: dict[str, T] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)  # method -> variable names in order of the path
    plain: _Segment[T] | None = None  # what follows where the one pattern is a variable by itself
    rest: dict[str, T] = field(default_factory=dict)  # method -> target of a variable that takes all that follows
    rest_names: dict[str, list[str]] = field(default_factory=dict)


class Unroutable(ValueError):
    """A path that no request line can carry, or no route can tell apart."""


class Router(Generic[T]):
    def __init__(self) -> None:
        self._root: _Segment[T] = _Segment()
        self._static: dict[str, dict[str, T]] = {}

    def add(self, method: str, path: str, target: T) -> T | None:
        """Add a route; where one of the same shape and method is there already, that one stays and is returned."""
        if "#" in path or "?" in path:
            raise Unroutable(f"{path!r} holds a '#' or '?', which never arrives as part of a path")
        node, names = self._root, list[str]()
        segments = _split(path)
        for position, segment in enumerate(segments):
            found = [(m.group(1) or m.group(2)).strip() for m in _VARIABLE.finditer(segment)]
            last = position == len(segments) - 1
            if last and len(found) == 1 and _takes_rest(segment, found[0]):
                names.append(found[0].rstrip("+*"))
                return _put(node.rest, node.rest_names, method, target, names)
            if not found:
                text = unquote(segment) if "%" in segment else segment
                following = node.literals.get(text)
                if following is None:
                    node.literals[text] = following = _Segment()
                node = following
                continue
            names += [name.rstrip("+*") for name in found]
            node = _pattern(node, segment, found)
        shadowed = _put(node.methods, node.names, method, target, names)
        if shadowed is None and not names:
            self._static.setdefault(path, node.methods)
        return shadowed

    def find(self, path: str) -> Match[T] | None:
        """The routes of a raw path, whatever the method; ``None`` where there is none."""
        found = self.straight(path)
        if found is not None:
            return Match(*found)
        segments = _split(path)
        found = self._walk(self._root, segments, 0, [])
        if found is not None:
            return Match(*found)
        if len(segments) > 1 and segments[-1] == "":
            found = self._walk(self._root, segments[:-1], 0, [])
        else:
            found = self._walk(self._root, [*segments, ""], 0, []) if self._literal_slash(segments) else None
        return None if found is None else Match(*found)

    def straight(self, path: str) -> tuple[dict[str, T], dict[str, list[str]], list[str]] | None:
        """Targets by method, names by method and captured values of a path that leaves no choice on the way; see ``find``."""
        static = self._static.get(path)
        if static is not None:
            return static, {}, []
        node, captured = self._root, list[str]()
        for segment in (path[1:] if path[:1] == "/" else path).split("/"):
            child = node.literals.get(segment)
            if child is None:
                child = node.plain
                if child is None or "%" in segment:
                    return None
                captured.append(segment)
            node = child
        return (node.methods, node.names, captured) if node.methods else None

    def _literal_slash(self, segments: list[str]) -> bool:
        """Only a declared trailing slash may be left out by a caller; an empty value for a variable never appears by itself."""
        node = self._root
        for segment in segments:
            child = node.literals.get(unquote(segment)) or next((p.node for p in node.patterns), None)
            if child is None:
                return False
            node = child
        return "" in node.literals

    def _walk(
        self, node: _Segment[T], segments: list[str], at: int, captured: list[str]
    ) -> tuple[dict[str, T], dict[str, list[str]], list[str]] | None:
        if at == len(segments):
            return (node.methods, node.names, captured) if node.methods else None
        segment = segments[at]
        child = node.literals.get(segment)
        if child is None and "%" in segment:
            child = node.literals.get(unquote(segment))
        if child is not None:
            found = self._walk(child, segments, at + 1, captured)
            if found is not None:
                return found
        for pattern in node.patterns:
            values = _capture(pattern, segment)
            if values is not None:
                found = self._walk(pattern.node, segments, at + 1, captured + values)
                if found is not None:
                    return found
        if node.rest:
            return node.rest, node.rest_names, [*captured, "/".join(segments[at:])]
        return None

    def __iter__(self) -> Iterator[T]:
        pending = [self._root]
        while pending:
            node = pending.pop()
            yield from node.methods.values()
            yield from node.rest.values()
            pending += [*node.literals.values(), *(pattern.node for pattern in node.patterns)]


def _split(path: str) -> list[str]:
    return (path[1:] if path.startswith("/") else path).split("/")


def _takes_rest(segment: str, name: str) -> bool:
    return (name == "path" or name[-1] in "+*") and segment in (f"{{{name}}}", f"{{{{{name}}}}}")


def _put(methods: dict[str, T], names: dict[str, list[str]], method: str, target: T, order: list[str]) -> T | None:
    if method in methods:
        return methods[method]
    methods[method] = target
    names[method] = order
    return None


def _pattern(node: _Segment[T], segment: str, names: list[str]) -> _Segment[T]:
    shape = _VARIABLE.sub("{}", segment)
    for known in node.patterns:
        if known.shape == shape:
            return known.node
    regex = None
    if shape != "{}":
        import re2  # an expression that a file shapes never backtracks (requirement S44)

        regex = re2.compile("(.+?)".join(re2.escape(piece) for piece in shape.split("{}")))
    found: _Pattern[T] = _Pattern(shape, names, regex, _Segment())
    # More text around the variable is more exact: `{id}:cancel` is tried before `{id}`.
    node.patterns.append(found)
    node.patterns.sort(key=lambda pattern: -len(pattern.shape))
    first = node.patterns[0]
    node.plain = first.node if len(node.patterns) == 1 and first.regex is None else None
    return found.node


def _capture(pattern: _Pattern[T], segment: str) -> list[str] | None:
    if pattern.regex is None:
        return [segment]
    match = pattern.regex.fullmatch(segment) or (pattern.regex.fullmatch(unquote(segment)) if "%" in segment else None)
    return list(match.groups()) if match else None
