"""``outputParameters``: a decoded answer in, the declared answer out."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.document.nodes import Node
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope
from naftiko_run.flows.shape import compile_outputs

SHIP = {
    "name": "Gull",
    "mast": {"height": 9.5},
    "crew": [{"n": "Ada", "age": 40}, {"n": "Bo"}],
    "holds": {"a": {"t": 1}, "b": {"t": 2}},
}
UNTOUCHED = object()


def shaped(outputs: str, document: object = SHIP, *, mock: bool = False, **inputs: object) -> object:
    problems = Problems()
    unit = node({"outputParameters": yaml.safe_load(outputs)})
    shape = compile_outputs(unit, Names(), problems, mock=mock)
    assert problems.findings == []
    return UNTOUCHED if shape is None else shape.apply(document, Scope(inputs, {}, {}))


def node(value: object) -> Node:
    import json

    return read_text(json.dumps(value), file="unit.yaml")


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (
            "[{type: object, properties: {h: {type: number, mapping: $.mast.height}, x: {type: string, mapping: $.x}}}]",
            {"h": 9.5, "x": None},
        ),
        ("[{type: string, mapping: $.mast.height}]", 9.5),
        (
            "[{type: object, properties: {m: {type: object, properties: {h: {type: number, mapping: $.mast.height}}}}}]",
            {"m": {"h": 9.5}},
        ),
        ("[{type: object, properties: {m: {type: object, mapping: $.mast}}}]", {"m": {"height": 9.5}}),
        ("[{type: object, mapping: $.mast, properties: {h: {type: number, mapping: $.height}}}]", {"h": 9.5}),
        ("[{type: object, mapping: $.mast}]", {"height": 9.5}),
        ("[{type: object, properties: {a: {name: b, type: string, mapping: $.name}}}]", {"b": "Gull"}),
        ("[{type: object, properties: {a: {type: string, value: fixed}}}]", {"a": "fixed"}),
        ("[{type: object, properties: {a: {type: string}}}]", {"a": None}),
        ("[{type: array, mapping: $.crew}]", SHIP["crew"]),
        ("[{type: array, mapping: $.crew, items: {type: object}}]", SHIP["crew"]),
        ("[{type: array, mapping: $.crew, items: {type: string, mapping: $.n}}]", ["Ada", "Bo"]),
        ("[{type: array, mapping: '$.crew[*].n', items: {type: string}}]", ["Ada", "Bo"]),
        (
            "[{type: array, mapping: $.crew, items: {type: object, "
            "properties: {who: {type: string, mapping: $.n}, age: {type: number, mapping: $.age}}}}]",
            [{"who": "Ada", "age": 40}, {"who": "Bo", "age": None}],
        ),
        (
            "[{type: array, mapping: $.crew, items: {type: object, "
            "properties: {p: {type: object, properties: {n: {type: string, mapping: $.n}}}}}}]",
            [{"p": {"n": "Ada"}}, {"p": {"n": "Bo"}}],
        ),
        ("[{type: array, mapping: $.crew, maxItems: 1}]", SHIP["crew"][:1]),
        ("[{type: object, mapping: $.holds, values: {type: number, mapping: $.t}}]", {"a": 1, "b": 2}),
        ("[{type: string, mapping: $.name, maxLength: 2}]", "Gu"),
        ("[{type: string, mapping: $.none}, {type: string, mapping: $.name}]", "Gull"),
        (
            "[{name: who, type: string, mapping: $.name}, {name: high, type: number, mapping: $.mast.height}]",
            {"who": "Gull", "high": 9.5},
        ),
        ("{who: {type: string, mapping: $.name}}", {"who": "Gull"}),
        ("[{name: who, type: string, value: $.name}]", {"who": "Gull"}),
        ("{type: string, mapping: $.name}", "Gull"),
        ("[{type: string, const: fixed}]", "fixed"),
    ],
    ids=[
        "object",
        "scalar types do not convert",
        "nested object, same root",
        "mapping of a property",
        "mapping of the object",
        "part of the document",
        "name of a property",
        "constant property",
        "property that says nothing",
        "array as it is",
        "array of objects as they are",
        "array of one field",
        "array selected by a path",
        "array of built objects",
        "nested objects in an array",
        "first items",
        "values of a map",
        "cut text",
        "first match",
        "named entries are one object",
        "map form",
        "value as a path",
        "an output without its list",
        "const",
    ],
)
def test_an_answer_is_shaped(outputs, expected):
    assert shaped(outputs) == expected


@pytest.mark.parametrize(
    "outputs",
    [
        "[]",
        "[{type: object, mapping: $.}]",
        "[{type: object}]",
        "[{type: object, mapping: $}]",
        "[{type: array}]",
        "[{type: string, mapping: $}]",
    ],
)
def test_an_answer_passes_untouched_where_nothing_says_more_than_all_of_it(outputs):
    assert shaped(outputs) is UNTOUCHED


def test_where_no_alternative_finds_anything_the_document_is_the_answer():
    assert shaped("[{type: string, mapping: $.none}, {type: array, mapping: $.name}]") == SHIP


def test_an_array_that_is_none_is_missing():
    assert shaped("[{type: object, properties: {l: {type: array, mapping: $.mast}}}]") == {"l": None}


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        ("[{name: n, type: number, value: '{{q}}'}]", {"n": 5}),
        ("[{name: n, type: integer, value: '7'}]", {"n": 7}),
        ("[{name: ok, type: boolean, value: 'true'}]", {"ok": True}),
        ("[{name: s, type: string, value: 'q is {{q}}'}]", {"s": "q is 5"}),
        ("[{name: s, type: string, value: '{{q}}'}]", {"s": "5"}),
        ("[{name: l, type: array, items: {type: object, properties: {a: {type: number, value: 1}}}}]", {"l": [{"a": 1}]}),
        ("[{name: o, type: object, properties: {a: {type: string, value: x}, b: {type: string}}}]", {"o": {"a": "x"}}),
        ("[{name: o, type: object, properties: {b: {type: string}}}, {name: a, type: string, value: x}]", {"a": "x"}),
    ],
    ids=["number", "integer", "boolean", "text", "text of a number", "one item", "no empty property", "no empty object"],
)
def test_a_mock_has_typed_values_and_nothing_empty(outputs, expected):
    assert shaped(outputs, None, mock=True, q=5) == expected


@pytest.mark.parametrize(
    ("outputs", "copies"),
    [
        ("[{name: a, type: string, mapping: $.name}, {name: b, type: string, mapping: '$.crew[0].n'}]", True),
        ("[{type: array, mapping: $.crew, items: {type: object, properties: {n: {type: string, mapping: $.n}}}}]", True),
        ("[{type: object, mapping: $.holds, values: {type: number, mapping: $.t}}]", True),
        ("[{type: array, mapping: '$.crew[*].age'}]", True),
        ("[{name: a, type: string, mapping: $.name}, {name: b, type: number, value: '3'}]", False),
        ("[{type: array, mapping: '$.crew[?(@.age > 39)]'}]", False),
        ("[{name: a, type: number, mapping: '$.crew[*].age.sum()'}]", False),
        ("[{type: object, properties: {a: {type: object, properties: {b: {type: string, value: x}}}}}]", False),
        ("[{type: string, mapping: $.nothing}, {type: string, mapping: $.name}]", False),
    ],
)
def test_a_shape_knows_whether_all_its_values_are_the_documents_own(outputs: str, copies: bool) -> None:
    shape = compile_outputs(node({"outputParameters": yaml.safe_load(outputs)}), Names(), Problems())
    assert shape is not None and shape.copies is copies


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "it's", 'q"', "\\", "length"]), inner)
    ),
    max_leaves=12,
)
_PATHS = [
    "$.a",
    "$.b.a",
    "$['it\\'s']",
    "$['q\"'].b",
    "$['\\\\']",
    "$.a.length",
    "$.a.b.a",
    "$.a[0]",
    "$.b[*].a",
    "$.length",
    "$.",
]


@given(_JSON, st.lists(st.sampled_from(_PATHS), min_size=1, max_size=4))
def test_a_written_shape_is_the_shape(document: object, paths: list[str]) -> None:
    properties = {f"{number}\n'\"{{}}": {"type": "string", "mapping": path} for number, path in enumerate(paths)}
    unit = node({"outputParameters": [{"type": "object", "properties": properties}]})
    shape = compile_outputs(unit, Names(), Problems())
    assert shape is not None and shape.fields
    assert shape.written()(document, Scope({}, {}, {})) == shape.apply(document, Scope({}, {}, {}))
