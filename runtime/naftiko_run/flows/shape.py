"""``outputParameters`` become an ``OutputShape``: a decoded answer in, the declared answer out.

One key of the language has three meanings, told apart here once: alternatives (unnamed entries: the first that yields
something is the answer), one object (named entries), and constants without an upstream (mocks). A whole ``$.``, and an object
without properties, mean "as it is": the document passes through, which the compiler says by ``None``.

``mappings`` over the results of steps are a key of their own: see ``mappings.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError
from naftiko_run.expressions.argument import compile_body
from naftiko_run.expressions.jsonpath import JsonPath, compile_jsonpath
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.shapers import (
    CONVERSIONS,
    Fields,
    Shaper,
    all_fields,
    first_of,
    known_fields,
    scalar,
    untouched,
    write_fields,
)
from naftiko_run.records import record, replace


@record
class OutputShape:
    """``apply`` builds the answer. ``schema`` is its JSON Schema, ``None`` where alternatives leave it open.

    ``from_steps``: built from step results alone (``mappings``, mocks), so the last answer need not be decoded.
    ``copies``: all values in the answer are values of the document as they are.
    """

    apply: Shaper
    schema: dict[str, object] | None = None
    from_steps: bool = False
    copies: bool = False
    fields: Fields = ()
    references: tuple[Reference, ...] = ()

    def written(self) -> Shaper:
        """``apply``, as quick as it can be made; worth the making where it is used again and again."""
        return write_fields(self.fields, self.apply) if self.fields else self.apply

    def json_schema(self) -> dict[str, object] | None:
        return self.schema


@record
class _Output:
    name: str
    shape: Shaper
    schema: dict[str, object]
    whole: bool = False  # passes the document through as it is
    names: tuple[str, ...] = ()  # following them is all that the shape does
    copies: bool = False
    fields: Fields = ()  # of an object that is built of the whole document
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
        return OutputShape(
            apply=_object_shape(outputs, mock), references=references, from_steps=mock,
            schema={"type": "object", "properties": {o.name: o.schema for o in outputs}},
            copies=all(o.copies for o in outputs), fields=() if mock else _fields(outputs),
        )  # fmt: skip
    first = outputs[0]
    return OutputShape(
        apply=first.shape if len(outputs) == 1 else first_of([o.shape for o in outputs]),
        schema=first.schema if len(outputs) == 1 and _is_certain(first.schema) else None, references=references,
        from_steps=mock, copies=len(outputs) == 1 and first.copies, fields=first.fields if len(outputs) == 1 else (),
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
    names_only = base.names if base is not None and cut is None else ()
    return _Output(
        name=name, shape=scalar(base, cut), schema=_scalar_schema(node), whole=whole and not cut, names=names_only,
        copies=base is None or base.copies,
    )  # fmt: skip


def _scalar_schema(node: Node) -> dict[str, object]:
    schema: dict[str, object] = {}
    description = node.get_text("description")
    if description:
        schema["description"] = description
    # The type is not enforced on what the upstream sends, so the schema cannot promise it.
    return schema


def _constant(name: str, node: Node, kind: str, names: Names) -> _Output:
    expression = compile_body(node, names)
    convert = CONVERSIONS.get(kind)

    def shaped(document: object, scope: Scope) -> object:
        value = expression.evaluate(scope)
        return convert(value) if convert is not None and value is not MISSING else value

    return _Output(name=name, shape=shaped, schema={}, references=expression.references)


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
        references=items.references if items else (), copies=base.copies and (items is None or item is None or items.copies),
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
    return replace(compiled, shape=untouched, whole=True, fields=())  # nothing is said but a type: elements are copied


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
            copies=base is None or base.copies,
        )  # fmt: skip
    built = _as_object(name, fields, mock and base is None)
    if base is None or base.is_whole:
        return built
    inner, find_base = built.shape, base.find

    def shaped(document: object, scope: Scope) -> object:
        found = find_base(document)
        return found if found is MISSING or found is None else inner(found, scope)

    copies = built.copies and base.copies
    return _Output(
        name=name, shape=shaped, schema={}, references=built.references, copies=copies
    )  # null where nothing is found


def _properties(node: Node) -> list[tuple[str, Node]]:
    found = node.named("properties")
    return [(item.get_text("name", default=name) if item.is_map else name, item) for name, item in found]


def _as_object(name: str, fields: Sequence[_Output], mock: bool) -> _Output:
    return _Output(
        name=name,
        shape=_object_shape(fields, mock),
        schema={"type": "object", "properties": {field.name: field.schema for field in fields}},
        references=tuple(ref for field in fields for ref in field.references),
        copies=all(field.copies for field in fields),
        fields=() if mock else _fields(fields),
    )


def _object_shape(fields: Sequence[_Output], mock: bool) -> Shaper:
    if mock:
        return known_fields([(field.name, field.shape) for field in fields])
    return all_fields(_fields(fields))


def _fields(outputs: Sequence[_Output]) -> Fields:
    return tuple((output.name, output.shape, output.names) for output in outputs)


def _map_values(name: str, base: JsonPath, values: _Output) -> _Output:
    find, shape = base.find, values.shape

    def shaped(document: object, scope: Scope) -> object:
        found = find(document)
        if not isinstance(found, dict):
            return MISSING
        built = {key: shape(item, scope) for key, item in found.items()}
        return {key: None if value is MISSING else value for key, value in built.items()}

    schema: dict[str, object] = {"type": "object", "additionalProperties": values.schema}
    return _Output(
        name=name, shape=shaped, schema=schema, references=values.references, copies=base.copies and values.copies
    )  # fmt: skip
