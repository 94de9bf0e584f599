"""``outputParameters`` and ``mappings`` become an ``OutputShape``: a decoded answer in, the declared answer out.

One key of the language has four meanings, told apart here once: alternatives (unnamed entries: the first that yields
something is the answer), one object (named entries), constants without an upstream (mocks), and ``mappings`` over the results
of steps. A whole ``$.``, and an object without properties, mean "as it is": the document passes through, which the compiler
says by ``None``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError
from naftiko_run.expressions.argument import Expression, compile_argument, compile_body
from naftiko_run.expressions.jsonpath import JsonPath, compile_jsonpath
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope

Shaper = Callable[[object, Scope], object]
"""``(document, scope) -> value``; ``MISSING`` where the document has nothing for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputShape:
    """``apply`` builds the answer. ``schema`` is its JSON Schema, ``None`` where alternatives leave it open.

    ``from_steps``: built from step results alone (``mappings``, mocks), so the last answer need not be decoded.
    """

    apply: Shaper
    schema: dict[str, object] | None = None
    from_steps: bool = False
    references: tuple[Reference, ...] = ()

    def json_schema(self) -> dict[str, object] | None:
        return self.schema


@dataclass(frozen=True, slots=True, kw_only=True)
class _Output:
    name: str
    shape: Shaper
    schema: dict[str, object]
    whole: bool = False  # passes the document through as it is
    references: tuple[Reference, ...] = ()


def compile_outputs(unit: Node, names: Names, problems: Problems, *, mock: bool = False) -> OutputShape | None:
    """The shape of a unit's ``outputParameters``; ``None`` passes the answer through. ``mock``: there is no answer to map."""
    outputs = []
    for name, node in _entries(unit):
        try:
            outputs.append(_compile(name, node, names, mock))
        except SpecError as error:
            problems.add(error)
    if not outputs or (len(outputs) == 1 and outputs[0].whole):
        return None
    references = tuple(ref for output in outputs for ref in output.references)
    if all(output.name for output in outputs):
        fields = [(o.name, o.shape) for o in outputs]
        return OutputShape(
            apply=_mock_object(fields) if mock else _object(fields), references=references, from_steps=mock,
            schema={"type": "object", "properties": {o.name: o.schema for o in outputs}},
        )  # fmt: skip
    first = outputs[0]
    return OutputShape(
        apply=first.shape if len(outputs) == 1 else _alternatives([o.shape for o in outputs]),
        schema=first.schema if len(outputs) == 1 and _is_certain(first.schema) else None, references=references,
        from_steps=mock,
    )  # fmt: skip


def _is_certain(schema: dict[str, object]) -> bool:
    return "properties" in schema or schema.get("type") == "array"


def _entries(unit: Node) -> list[tuple[str, Node]]:
    node = unit.get("outputParameters")
    if node is None:
        return []
    if node.is_map and ("type" in dict(node.items()) and isinstance(node.value, dict) and not _is_map(node.value.get("type"))):
        return [("", node)]  # a single output written without its list
    return unit.named("outputParameters")


def _is_map(node: object) -> bool:
    return isinstance(node, Node) and node.is_map


# ---- one output


def _compile(name: str, node: Node, names: Names, mock: bool) -> _Output:
    kind = node.get_text("type", default="any").lower()
    value = node.get("value", "const")
    path = node.get("mapping")
    if value is not None and path is None and value.is_text and value.text.startswith("$") and not mock:
        path, value = value, None
    if value is not None:
        return _constant(name, value, kind, names)
    base = compile_jsonpath(path.text, at=path) if path is not None and path.is_text else None
    if kind == "array":
        return _array(name, node, base, names, mock)
    if kind == "object":
        return _structured(name, node, base, names, mock)
    whole = base is not None and base.is_whole
    cut = node.get_int("maxLength")
    return _Output(name=name, shape=_scalar(base, cut), schema=_scalar_schema(node), whole=whole and not cut)


def _scalar_schema(node: Node) -> dict[str, object]:
    schema: dict[str, object] = {}
    description = node.get_text("description")
    if description:
        schema["description"] = description
    # The type is not enforced on what the upstream sends, so the schema cannot promise it.
    return schema


def _scalar(base: JsonPath | None, cut: int | None) -> Shaper:
    if base is None:
        return lambda document, scope: MISSING
    find = base.find
    if cut is None:
        return lambda document, scope: find(document)

    def shaped(document: object, scope: Scope) -> object:
        value = find(document)
        return value[:cut] if isinstance(value, str) else value

    return shaped


def _constant(name: str, node: Node, kind: str, names: Names) -> _Output:
    expression = compile_body(node, names)
    convert = _CONSTANTS.get(kind)

    def shaped(document: object, scope: Scope) -> object:
        value = expression.evaluate(scope)
        return convert(value) if convert is not None and value is not MISSING else value

    return _Output(name=name, shape=shaped, schema={}, references=expression.references)


def _to_number(value: object) -> object:
    if isinstance(value, str):
        for parse in (int, float):
            try:
                return parse(value)
            except ValueError:
                continue
    return value


def _to_boolean(value: object) -> object:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _to_string(value: object) -> object:
    from naftiko_run.expressions.text import to_text

    return value if isinstance(value, str) else to_text(value)


_CONSTANTS: dict[str, Callable[[object], object]] = {
    "number": _to_number,
    "integer": _to_number,
    "boolean": _to_boolean,
    "string": _to_string,
}


def _array(name: str, node: Node, base: JsonPath | None, names: Names, mock: bool) -> _Output:
    items = _items(node, names, mock)
    schema: dict[str, object] = {"type": "array", "items": items.schema if items else {}}
    if mock and base is None:
        built = items.shape if items else None
        return _Output(
            name=name, schema=schema, references=items.references if items else (),
            shape=lambda document, scope: _one_item(built, document, scope),
        )  # fmt: skip
    if base is None:
        base = compile_jsonpath("$")
    find, item = base.find, None if items is None or items.whole else items.shape
    high = node.get_int("maxItems")

    def shaped(document: object, scope: Scope) -> object:
        found = find(document)
        if not isinstance(found, list):
            return MISSING
        chosen = found if high is None else found[:high]
        if item is None:
            return chosen
        return [None if value is MISSING else value for value in (item(element, scope) for element in chosen)]

    return _Output(
        name=name, shape=shaped, schema=schema, whole=base.is_whole and item is None and high is None,
        references=items.references if items else (),
    )  # fmt: skip


def _one_item(built: Shaper | None, document: object, scope: Scope) -> object:
    value = built(document, scope) if built is not None else MISSING
    return [] if value is MISSING else [value]


def _items(node: Node, names: Names, mock: bool) -> _Output | None:
    items = node.get("items")
    if items is None:
        return None
    if items.is_list or (
        items.is_map and items.get("type") is None and items.get("properties") is None and items.get("mapping") is None
    ):
        fields = [_compile(name, item, names, mock) for name, item in node.named("items")]
        return _as_object("", fields, mock) if fields else None
    compiled = _compile("", items, names, mock)
    if mock or items.get("mapping", "value", "const", "properties", "items", "maxLength") is not None:
        return compiled
    return replace(compiled, shape=_element, whole=True)  # nothing is said but a type: elements are copied


def _element(document: object, scope: Scope) -> object:
    return document


def _structured(name: str, node: Node, base: JsonPath | None, names: Names, mock: bool) -> _Output:
    values = node.get("values")
    if values is not None and base is not None:
        return _map_values(name, base, _compile("", values, names, mock))
    fields = [_compile(key, item, names, mock) for key, item in _properties(node)]
    if not fields:
        find = base.find if base is not None else None
        return _Output(
            name=name, schema={"type": "object"} if find is None else {}, whole=base is None or base.is_whole,
            shape=(lambda document, scope: document) if find is None else (lambda document, scope: find(document)),
        )  # fmt: skip
    built = _as_object(name, fields, mock and base is None)
    if base is None or base.is_whole:
        return built
    inner, find_base = built.shape, base.find

    def shaped(document: object, scope: Scope) -> object:
        found = find_base(document)
        return found if found is MISSING or found is None else inner(found, scope)

    return _Output(name=name, shape=shaped, schema={}, references=built.references)  # null where the path finds nothing


def _properties(node: Node) -> list[tuple[str, Node]]:
    found = node.named("properties")
    return [(item.get_text("name", default=name) if item.is_map else name, item) for name, item in found]


def _as_object(name: str, fields: Sequence[_Output], mock: bool) -> _Output:
    shapes = [(field.name, field.shape) for field in fields]
    return _Output(
        name=name,
        shape=_mock_object(shapes) if mock else _object(shapes),
        schema={"type": "object", "properties": {field.name: field.schema for field in fields}},
        references=tuple(ref for field in fields for ref in field.references),
    )


def _object(fields: Sequence[tuple[str, Shaper]]) -> Shaper:
    """Every property is present; one that the document has nothing for is null."""

    def shaped(document: object, scope: Scope) -> object:
        built = {}
        for name, shape in fields:
            value = shape(document, scope)
            built[name] = None if value is MISSING else value
        return built

    return shaped


def _mock_object(fields: Sequence[tuple[str, Shaper]]) -> Shaper:
    """A mock has the properties that it has values for, and is nothing without any."""

    def shaped(document: object, scope: Scope) -> object:
        built = {name: value for name, shape in fields if (value := shape(document, scope)) is not MISSING}
        return built or MISSING

    return shaped


def _map_values(name: str, base: JsonPath, values: _Output) -> _Output:
    find, shape = base.find, values.shape

    def shaped(document: object, scope: Scope) -> object:
        found = find(document)
        if not isinstance(found, dict):
            return MISSING
        built = {key: shape(item, scope) for key, item in found.items()}
        return {key: None if value is MISSING else value for key, value in built.items()}

    schema: dict[str, object] = {"type": "object", "additionalProperties": values.schema}
    return _Output(name=name, shape=shaped, schema=schema, references=values.references)


def _alternatives(shapes: Sequence[Shaper]) -> Shaper:
    """The first whose result is neither missing nor null; the untouched document where none is."""

    def shaped(document: object, scope: Scope) -> object:
        for shape in shapes:
            value = shape(document, scope)
            if value is not MISSING and value is not None:
                return value
        return document

    return shaped


# ---- mappings


def compile_mappings(unit: Node, names: Names) -> OutputShape | None:
    """``mappings`` of a flow: ``target`` (dots nest) from a reference, a template or a constant over the steps' results."""
    node = unit.get("mappings")
    if node is None:
        return None
    targets: list[tuple[tuple[str, ...], Expression]] = []
    for item in node.elements():
        target, value = item.get_text("target", "targetName"), item.get("value")
        if target and value is not None:
            targets.append((tuple(target.split(".")), compile_argument(value, names)))
    if not targets:
        return None

    def shaped(document: object, scope: Scope) -> object:
        built: dict[str, object] = {}
        for path, expression in targets:
            value = expression.evaluate(scope)
            if value is not MISSING:
                _place(built, path, value)
        return built or MISSING

    references = tuple(ref for _, expression in targets for ref in expression.references)
    return OutputShape(apply=shaped, schema={"type": "object"}, from_steps=True, references=references)


def _place(built: dict[str, object], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        inner = built.get(name)
        if not isinstance(inner, dict):
            inner = built[name] = {}
        built = inner
    built[path[-1]] = value
