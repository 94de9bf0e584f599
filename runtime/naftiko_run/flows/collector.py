"""The inputs of one exposed unit, collected: declared ones, names its references use, and what the operation itself needs.

Published files declare next to nothing: a tool's inputs are the union of what is written anywhere. One collector serves one unit;
for REST it also settles where a caller may put each input, in the order it is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import folded_variables
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Reference
from naftiko_run.flows.inputs import InputParameter, InputPlace, Source

_PUBLISHABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLACES: Mapping[str, InputPlace] = {
    "path": "path", "query": "query", "header": "header", "headers": "header", "cookie": "cookie", "body": "body",
    "formdata": "body", "form": "body", "environment": "environment",
}  # fmt: skip
_TYPES = {
    "string", "integer", "number", "boolean", "array", "object", "any", "file",
}  # fmt: skip
_TYPE_WORDS = {"int": "integer", "float": "number", "bool": "boolean", "list": "array", "map": "object", "json": "any"}


@dataclass(slots=True)
class InputCollector:
    """``path`` is the exposed REST path, ``""`` for a face without one; ``strict`` is the official language's default of
    ``required: true`` for a declared input that says nothing."""

    face: str  # "rest", "mcp", "resource" or "aggregate"
    problems: Problems
    path: str = ""
    strict: bool = False
    preset: frozenset[str] = frozenset()
    _found: dict[str, InputParameter] = field(default_factory=dict)
    _declared: dict[str, Node] = field(default_factory=dict)
    _unsaid: set[str] = field(default_factory=set)  # declared, without a word on being required
    _path_names: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._path_names = folded_variables(self.path) if self.path else {}

    # ---- declared

    def declare(self, levels: Iterable[Node]) -> None:
        """Read ``inputParameters`` of these nodes; a later level replaces an earlier one of the same name.

        Only tool-style inputs are required by default: a REST query, header or body field is not, where nothing is said.
        """
        for level in levels:
            for name, item in level.named("inputParameters"):
                if name:
                    self._declare(name, item)
                else:
                    self.problems.warn("W-PARAM-NO-NAME", "an input without a name is left out", item, "give it a `name`")

    def _declare(self, name: str, item: Node) -> None:
        required = item.get_bool("required")
        value = item.get("value", "const")
        constant, json_path = None, ""
        if value is not None and value.is_text and value.text.startswith("$"):
            json_path = value.text
        elif value is not None:
            constant = value.plain()
        if required is None:
            self._unsaid.add(name)
        default = item.get("default")
        enum = item.get("enum")
        self._declared[name] = item
        self._found[name] = InputParameter(
            name=name,
            type=self._type(item),
            required=bool(required) if required is not None else self._required_by_default(name, item),
            description=item.get_text("description"),
            pattern=self._pattern(item),
            enum=tuple(one.plain() for one in enum.elements()) if enum is not None else (),
            minimum=_bound(item, "minimum"),
            maximum=_bound(item, "maximum"),
            default=default.plain() if default is not None else None,
            constant=constant,
            json_path=json_path,
            sources=self._sources(name, _PLACES.get(item.get_text("in").lower(), "")),
        )

    def _required_by_default(self, name: str, item: Node) -> bool:
        return self._in_path(name, item) or (self.strict and (self.face != "rest" or item.get("in") is None))

    def _in_path(self, name: str, item: Node) -> bool:
        return fold(name) in self._path_names and item.get_text("in", default="path") == "path"

    def _type(self, item: Node) -> str:
        kind = item.get("type")
        if kind is None:
            return "string"
        word = _TYPE_WORDS.get(kind.text.lower(), kind.text.lower())
        if word not in _TYPES:
            hint = "string, integer, number, boolean, array or object"
            self.problems.warn("W-PARAM-TYPE", f"unknown type {kind.text!r}, any value is accepted", kind, hint)
            return "any"
        return word

    def _pattern(self, item: Node) -> str:
        pattern = item.get("pattern")
        if pattern is None:
            return ""
        import re2

        try:
            re2.compile(pattern.text)
        except re2.error as error:
            text = str(error.args[0] if error.args else "")
            self.problems.error("E-PATTERN", f"pattern {pattern.text!r} is not usable: {text}", pattern, "write it for RE2")
            return ""
        return pattern.text

    # ---- needed

    def need(self, reference: Reference, parameter: Parameter | None = None, *, place: str = "") -> None:
        """A reference to an input: make sure there is one, typed like the operation's ``parameter`` it feeds, if any."""
        if reference.root == "bind" or reference.root == "step":
            return
        if reference.whole_body:
            self._add("body", parameter, "whole-body")
            return
        name = self.name_of(reference)
        plain = parameter if name == reference.name else None
        self._add(name, plain, reference.place or place or (parameter.place if parameter else ""))

    def need_parameter(self, parameter: Parameter) -> str:
        """An operation's parameter that ``with`` does not mention: asked of the caller under its own name. Returns that name."""
        known = next((name for name in self._found if name == parameter.key), None)
        known = known or next((name for name in self._found if fold(name) == fold(parameter.key)), None)
        name = known or parameter.key
        whole = parameter.place == "body" and fold(parameter.name) in ("body", "payload", "requestbody")
        self._add(name, parameter, "whole-body" if whole else parameter.place, key=parameter.name)
        return name

    def name_of(self, reference: Reference) -> str:
        """The input a reference means: the one with the whole dotted name, else one whose field it names."""
        whole = reference.name
        if whole in self._found or len(reference.path) == 1:
            return whole
        folded = {fold(name): name for name in self._found}
        for length in range(len(reference.path), 0, -1):
            name = folded.get(fold(".".join(reference.path[:length])))
            if name is not None:
                return name
        return whole

    def _add(self, name: str, parameter: Parameter | None, place: str, *, key: str = "") -> None:
        if name in self.preset:
            return
        spelled = next((known for known in self._found if fold(known) == fold(name)), None) if name not in self._found else name
        if spelled is not None:
            self._refine(spelled, parameter, place, key)
            return
        self._found[name] = InputParameter(
            name=name,
            type=parameter.type if parameter else "string" if place != "whole-body" else "any",
            required=bool(parameter and parameter.required) or place == "path",
            description=parameter.description if parameter else "",
            enum=parameter.enum if parameter else (),
            default=None,
            sources=self._sources(name, place, key),
        )

    def _refine(self, name: str, parameter: Parameter | None, place: str, key: str = "") -> None:
        """A declared input learns from the parameter it feeds what the document does not say of it."""
        known = self._found[name]
        node = self._declared.get(name)
        changes: dict[str, object] = {}
        if parameter is not None:
            if node is not None and node.get("type") is None:
                changes["type"] = parameter.type
            if not known.description:
                changes["description"] = parameter.description
            if not known.enum and parameter.enum:
                changes["enum"] = parameter.enum
            if name in self._unsaid and parameter.typed:
                changes["required"] = parameter.required or fold(name) in self._path_names
            elif node is None and parameter.required:
                changes["required"] = True
        if node is None or node.get("in") is None or place == "whole-body":
            extra = self._sources(name, place, key)
            changes["sources"] = (*known.sources, *(s for s in extra if s not in known.sources))
        self._found[name] = replace(known, **changes)  # type: ignore[arg-type]  # names of fields

    def _sources(self, name: str, place: str, key: str = "") -> tuple[Source, ...]:
        """Where a REST caller may put it: the path first, then the place it has upstream, then query or body field."""
        if self.face != "rest":
            return ()
        key = key or name
        if place == "whole-body":
            return (Source(place="whole-body"),)
        in_path = self._path_names.get(fold(name)) or self._path_names.get(fold(key))
        found = [Source(place="path", key=in_path)] if in_path and place not in ("query", "header", "cookie", "body") else []
        if place in ("query", "header", "cookie") and in_path and place != "cookie":
            found.append(Source(place="path", key=in_path)) if place != "header" else None
        order: tuple[InputPlace, ...] = {
            "header": ("header", "query"),
            "cookie": ("cookie", "query"),
            "body": ("body", "query"),
            "form": ("body", "query"),
            "template": ("body", "query"),
        }.get(place, ("query", "body"))  # type: ignore[assignment]
        found += [Source(place=one, key=key) for one in order]
        return tuple(found)

    # ---- done

    def inputs(self) -> tuple[InputParameter, ...]:
        """All inputs, in the order they were met, with an alias where a name is not one that LLM tool APIs accept."""
        taken = {name for name in self._found if _PUBLISHABLE.fullmatch(name)}
        out = []
        for one in self._found.values():
            if _PUBLISHABLE.fullmatch(one.name):
                out.append(one)
                continue
            alias = publishable(one.name, taken)
            taken.add(alias)
            out.append(replace(one, alias=alias))
        return tuple(out)


def publishable(name: str, taken: set[str]) -> str:
    """``$filter`` as ``filter``, ``filter[status]`` as ``filter_status``; a number is added where that is taken."""
    base = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:64] or "value"
    alias, count = base, 2
    while alias in taken:
        alias = f"{base[:60]}_{count}"
        count += 1
    return alias


def _bound(item: Node, key: str) -> float | None:
    node = item.get(key)
    return float(node.value) if node is not None and isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else None
