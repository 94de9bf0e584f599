"""The inputs of one exposed unit, collected: declared ones, names its references use, and what the operation itself needs.

Published files declare next to nothing: a tool's inputs are the union of what is written anywhere. One collector serves one
unit; for REST it also settles where a caller may put each input, in the order it is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from naftiko_run.consumes.bodies import WHOLE_BODY_NAMES
from naftiko_run.consumes.parameter import Parameter, ParameterType
from naftiko_run.consumes.paths import folded_variables
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Reference
from naftiko_run.flows.inputs import InputParameter, InputPlace, Source
from naftiko_run.records import field, record, replace

_PUBLISHABLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_PLACES: Mapping[str, InputPlace] = {
    "path": "path", "query": "query", "header": "header", "headers": "header", "cookie": "cookie", "body": "body",
    "formdata": "body", "form": "body", "environment": "environment",
}  # fmt: skip
_TYPES = {
    "string", "integer", "number", "boolean", "array", "object", "any", "file",
}  # fmt: skip
_TYPE_WORDS = {"int": "integer", "float": "number", "bool": "boolean", "list": "array", "map": "object", "json": "any"}


@record(frozen=False, kw_only=False)
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
    _used: set[str] = field(default_factory=set)
    _asked_for: dict[str, str] = field(default_factory=dict)  # input -> the parameter of the operation that it was added for
    _bound: set[str] = field(default_factory=set)  # feed something that the operation declares
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
            compile_jsonpath(json_path, at=value)  # refused here, where it was written
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
            sources=self._declared_sources(name, _PLACES.get(item.get_text("in").lower(), "")),
        )

    def _required_by_default(self, name: str, item: Node) -> bool:
        return self._in_path(name, item) or (self.strict and (self.face != "rest" or item.get("in") is None))

    def _declared_sources(self, name: str, place: str) -> tuple[Source, ...]:
        """The place that is declared, first; the others all the same, because published files contradict themselves."""
        everywhere = self._sources(name, place)
        return tuple(sorted(everywhere, key=lambda source: source.place != place)) if place else everywhere

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

    def need_parameter(self, parameter: Parameter, *, sole_body: bool = False) -> str:
        """A parameter that ``with`` does not mention: asked of the caller under its own name, which is returned."""
        name = self._spelled(parameter.key) or parameter.key
        if self._asked_for.get(name, parameter.key) != parameter.key:
            name = parameter.key  # `$top` and `top` of one operation are two inputs
            self._found.setdefault(name, InputParameter(name=name, type=parameter.type))
        self._asked_for.setdefault(name, parameter.key)
        whole = parameter.place == "body" and fold(parameter.name) in WHOLE_BODY_NAMES
        self._add(name, parameter, "whole-body" if whole else parameter.place, key=parameter.name)
        if sole_body and not whole:
            self.accept_body(name)
        return name

    def accept_body(self, name: str) -> None:
        """Let the whole body of a REST caller be this input, where it has no field of that name."""
        known = self._found[name]
        if self.face == "rest" and all(source.place != "whole-body" for source in known.sources):
            self._found[name] = replace(known, sources=(*known.sources, Source(place="whole-body")))

    def declared(self) -> list[str]:
        """The names that the unit itself declares."""
        return [name for name in self._found if name in self._declared]

    def type_of(self, reference: Reference) -> ParameterType:
        """The declared type of the input that a reference means, as far as it is known."""
        known = self._found.get(self.name_of(reference))
        return known.type if known is not None else "string"  # type: ignore[return-value]  # the same words

    def is_used(self, name: str) -> bool:
        return name in self._used

    def travels(self, name: str) -> bool:
        """Whether a declared input that nothing takes is meant for the operation all the same, as query or field."""
        place = self._declared[name].get_text("in").lower()
        if self.strict or self.face not in ("rest", "mcp") or self._found[name].constant is not None:
            return False
        return place in ("query", "body") or (not place and fold(name) not in self._path_names)

    def drop(self, name: str) -> None:
        """Take an input away that no caller may fill."""
        self._found.pop(name, None)

    def relax(self, name: str) -> None:
        """What only feeds places that the operation does not declare cannot be held to be required."""
        known = self._found.get(name)
        if known is not None and name not in self._bound and known.required and fold(name) not in self._path_names:
            self._found[name] = replace(known, required=False)

    def _spelled(self, name: str) -> str:
        """How the input is written that is called ``name``, case and punctuation aside; ``""`` where there is none."""
        if name in self._found:
            return name
        folded = fold(name)
        return next((known for known in self._found if fold(known) == folded), "")

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
        spelled = self._spelled(name)
        self._used.add(spelled or name)
        if parameter is None or parameter.declared or parameter.place == "path":
            self._bound.add(spelled or name)
        if spelled:
            self._refine(spelled, parameter, place, key)
            return
        self._found[name] = InputParameter(
            name=name,
            type=parameter.type if parameter else "string" if place != "whole-body" else "any",
            required=bool(parameter and parameter.required) or place == "path",
            description=parameter.description if parameter else "",
            enum=parameter.enum if parameter else (),
            default=None,
            sources=self._sources(name, place, key, header=parameter),
        )

    def _refine(self, name: str, parameter: Parameter | None, place: str, key: str = "") -> None:
        """A declared input learns from the parameter it feeds what the document does not say of it."""
        known = self._found[name]
        node = self._declared.get(name)
        changes: dict[str, object] = {}
        if parameter is not None:
            if node is not None and (node.get("type") is None or (parameter.place == "body" and known.type == "string")):
                changes["type"] = parameter.type
            if not known.description:
                changes["description"] = parameter.description
            if not known.enum and parameter.enum:
                changes["enum"] = parameter.enum
            if parameter.automatic:
                changes["required"] = False
            elif name in self._unsaid and (parameter.typed or parameter.place == "path"):
                changes["required"] = parameter.required or fold(name) in self._path_names
            elif node is None and parameter.required:
                changes["required"] = True
        if node is None or node.get("in") is None or place == "whole-body":
            extra = self._sources(name, place, key, header=parameter)
            changes["sources"] = (*known.sources, *(s for s in extra if s not in known.sources))
        self._found[name] = replace(known, **changes)  # type: ignore[arg-type]  # names of fields

    def _sources(self, name: str, place: str, key: str = "", *, header: Parameter | None = None) -> tuple[Source, ...]:
        """Where a REST caller may put it: the path, then the query, then a header where it is one upstream, then a field.

        A name that stands in the exposed path is found there whatever its place upstream.
        """
        if self.face != "rest":
            return ()
        if place == "whole-body":
            return (Source(place="whole-body"),)
        found = []
        in_path = self._path_names.get(fold(name))
        if in_path and place != "cookie":
            found.append(Source(place="path", key=in_path))
        # The type of a caller's own body travels with the body; as an input it is an override.
        own_header = place == "header" and not (header is not None and header.name.lower() == "content-type")
        order: tuple[InputPlace, ...] = ("query", "header", "body") if own_header else ("query", "body")
        order = ("cookie", "query") if place == "cookie" else order
        found += [Source(place=one, key=key or name) for one in order]
        return tuple(found)

    # ---- done

    def inputs(self, unit: Node | None = None) -> tuple[InputParameter, ...]:
        """All inputs in the order they were met; for a tool, with an alias where LLM tool APIs refuse a name."""
        odd = [name for name in self._found if not _PUBLISHABLE.fullmatch(name)] if self.face != "rest" else []
        if not odd:
            return tuple(self._found.values())
        taken = {name for name in self._found if name not in odd}
        aliases = {name: publishable(name, taken) for name in odd}
        listed = ", ".join(f"{name!r} as {alias!r}" for name, alias in aliases.items())
        hint = "callers may use either; give the tool's inputs names of letters, digits, '_', '.' and '-' to choose them"
        self.problems.note("W-PARAM-ALIASED", f"published under other names: {listed}", unit, hint)
        return tuple(replace(one, alias=aliases.get(one.name, "")) for one in self._found.values())


def publishable(name: str, taken: set[str]) -> str:
    """``$filter`` as ``filter``, ``filter[status]`` as ``filter_status``; a number is added where that is taken."""
    base = re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.-")[:64] or "value"
    alias, count = base, 2
    while alias in taken:
        alias = f"{base[:60]}_{count}"
        count += 1
    taken.add(alias)
    return alias


def _bound(item: Node, key: str) -> float | None:
    node = item.get(key)
    return (
        float(node.value)
        if node is not None and isinstance(node.value, (int, float)) and not isinstance(node.value, bool)
        else None
    )
