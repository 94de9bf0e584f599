"""`with` values and body data: what is a reference, what is a template, what is left out."""

from __future__ import annotations

import pytest

from naftiko_run.document.nodes import Node
from naftiko_run.errors import SpecError
from naftiko_run.expressions.argument import (
    Constant,
    Expression,
    ListExpression,
    MapExpression,
    ReferenceExpression,
    TemplateExpression,
    compile_argument,
    compile_body,
)
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import compile_template

SHOP = Names(own="shop", steps=frozenset({"s"}))


def node(value: object, parent: Node | None = None, key: str | int | None = None) -> Node:
    made = Node(value, None, "c.yaml", parent, key)
    if isinstance(value, dict):
        made.value = {name: node(item, made, name) for name, item in value.items()}
    elif isinstance(value, list):
        made.value = [node(item, made, index) for index, item in enumerate(value)]
    return made


def argument(value: object) -> Expression:
    return compile_argument(node(value), SHOP)


def body(value: object) -> Expression:
    return compile_body(node(value), SHOP)


def test_the_own_namespace_keeps_the_type_of_the_input():
    assert argument("shop.order").evaluate(Scope({"order": 7})) == 7


def test_an_absent_input_sets_nothing():
    assert argument("shop.order").evaluate(Scope({"other": 7})) is MISSING


def test_the_reference_engines_literal_rest_path_is_read_as_the_reference_that_published_files_mean():
    assert argument("rest.path.order").evaluate(Scope({"order": 7})) == 7


@pytest.mark.parametrize("value", ["plain text", "acme.example", 3, 3.5, True, [1, "a"], {"a": {"b": [None]}}, ""])
def test_constants_of_any_type_stay_as_they_are(value):
    expression = argument(value)

    assert isinstance(expression, Constant)
    assert expression.evaluate(Scope({"plain": 1})) == value
    assert expression.references == ()


def test_a_whole_tag_keeps_the_type_and_a_tag_amid_text_makes_text():
    assert argument("{{order}}").evaluate(Scope({"order": 7})) == 7
    assert argument("n-{{order}}").evaluate(Scope({"order": 7})) == "n-7"
    assert argument("n-{{order}}").evaluate(Scope({"x": 1})) == "n-"
    assert argument("{{order}}").evaluate(Scope({"x": 1})) is MISSING


def test_references_nest_in_lists_and_maps_of_an_argument():
    expression = argument({"filters": [{"value": "tools.text", "kind": 8}, "tools.gone"], "top": "tools.gone"})

    assert expression.evaluate(Scope({"text": "x"})) == {"filters": [{"value": "x", "kind": 8}]}
    assert [reference.name for reference in expression.references] == ["text", "gone"]


def test_the_kinds_of_expression_can_be_told_apart():
    assert isinstance(argument("tools.x"), ReferenceExpression)
    assert isinstance(argument("{{x}}"), ReferenceExpression)
    assert isinstance(argument("a{{x}}"), TemplateExpression)
    assert isinstance(argument(["tools.x"]), ListExpression)
    assert isinstance(argument({"a": "tools.x"}), MapExpression)


def test_every_kind_of_expression_names_what_it_refers_to():
    for value in ("tools.x", "{{x}}", "a{{x}}", ["tools.x"], {"a": "n-{{tools.x}}"}):
        assert [reference.name for reference in argument(value).references] == ["x"]
    assert [reference.references[0].name for reference in argument("tools.x").references] == ["x"]


def test_a_template_of_one_tag_keeps_the_type_of_its_value():
    expression = TemplateExpression(compile_template("{{x}}", SHOP))

    assert expression.evaluate(Scope({"x": [1]})) == [1]


def test_in_a_body_only_tags_are_references():
    expression = body({"a": "tools.x", "b": "{{tools.x}}", "c": "query { x }", "d": "$.s.x"})

    assert expression.evaluate(Scope({"x": 1}, {"s": {"x": 2}})) == {"a": "tools.x", "b": 1, "c": "query { x }", "d": "$.s.x"}


def test_an_absent_optional_argument_removes_the_property_and_the_element():
    expression = body({"keep": "{{a}}", "drop": "{{gone}}", "list": ["{{a}}", "{{gone}}", 3], "deep": {"drop": "{{gone}}"}})

    assert expression.evaluate(Scope({"a": None})) == {"keep": None, "list": [None, 3], "deep": {}}


def test_a_json_body_keeps_the_type_of_a_whole_value_where_the_reference_engine_makes_text():
    assert body({"n": "{{n}}"}).evaluate(Scope({"n": 3})) == {"n": 3}


def test_a_step_result_is_reached_from_a_mapping():
    assert argument("$.s.x").evaluate(Scope({}, {"s": {"x": 1, "y": 2}})) == 1
    assert argument("$.s.y").evaluate(Scope({}, {"s": {"x": 1, "y": 2}})) == 2


def test_a_malformed_value_is_reported_at_its_own_place():
    with pytest.raises(SpecError) as caught:
        body({"a": [{"b": "{{x"}]})
    assert caught.value.at is not None
    assert caught.value.at.path == "a[0].b"

    with pytest.raises(SpecError) as caught:
        argument({"a": "$.s.x[?("})
    assert (caught.value.code, caught.value.at and caught.value.at.path) == ("E-JSONPATH", "a")
