"""The schemas that a tool is published with."""

from __future__ import annotations

import jsonschema
import pytest

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpTool
from naftiko_run.exposes.mcp.schemas import input_schema, output_schema, tool_annotations
from naftiko_run.flows.flow import Flow, Semantics
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.shape import OutputShape


def asked(**one) -> dict[str, object]:
    """The published schema of one input."""
    schema = input_schema(Flow(name="f", inputs=(InputParameter(name="x", **one),)))
    jsonschema.Draft202012Validator.check_schema(schema)
    return schema["properties"]["x"]


@pytest.mark.parametrize(
    ("declared", "published"),
    [
        ({}, {"type": "string"}),
        ({"type": "any"}, {}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "object"}, {"type": "object"}),
        ({"type": "file"}, {"type": "string", "contentEncoding": "base64"}),
        ({"type": "something"}, {}),
        ({"type": "integer", "minimum": 1, "maximum": 9}, {"type": "integer", "minimum": 1, "maximum": 9}),
        ({"enum": ("a", "b"), "default": "a"}, {"type": "string", "enum": ["a", "b"], "default": "a"}),
        ({"type": "integer", "enum": ("1", "2")}, {"enum": ["1", "2"]}),
        ({"type": "boolean", "description": "Whether"}, {"type": "boolean", "description": "Whether"}),
        ({"pattern": "^[a-z]+(?:-[0-9]{2})*$"}, {"type": "string", "pattern": "^[a-z]+(?:-[0-9]{2})*$"}),
        ({"pattern": "(?i)^a$"}, {"type": "string"}),
        ({"pattern": r"\pL+"}, {"type": "string"}),
    ],
    ids=str,
)
def test_an_input_is_published_as(declared, published):
    assert asked(**declared) == published


def test_only_what_a_caller_must_give_is_required():
    inputs = (
        InputParameter(name="job-id", alias="job_id", required=True),
        InputParameter(name="limit", required=True, default=10),
        InputParameter(name="cursor"),
        InputParameter(name="version", required=True, constant="v1"),
    )

    schema = input_schema(Flow(name="f", inputs=inputs))

    assert list(schema["properties"]) == ["job_id", "limit", "cursor"]
    assert schema["required"] == ["job_id"]
    assert "additionalProperties" not in schema


def test_a_tool_without_inputs_takes_none():
    assert input_schema(Flow(name="f")) == {"type": "object", "properties": {}, "additionalProperties": False}


def promised(schema: dict[str, object] | None) -> dict[str, object] | None:
    return output_schema(Flow(name="f", shape=OutputShape(apply=lambda document, scope: document, schema=schema)))


def test_a_fixed_shape_is_promised_with_nulls_where_the_upstream_may_have_nothing():
    inner = {"type": "object", "properties": {"name": {}, "tags": {"type": "array", "items": {"type": "object"}}}}

    schema = promised({"type": "object", "properties": {"job": inner, "raw": {"type": "object", "description": "As it came"}}})

    assert schema is not None
    for answer in ({}, {"job": None}, {"job": {"name": 3, "tags": None}, "raw": [1]}, {"job": {"tags": [None, 1]}}):
        jsonschema.validate(answer, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"job": {"tags": "x"}}, schema)
    assert schema["properties"]["raw"] == {"description": "As it came"}


@pytest.mark.parametrize(
    "schema", [None, {}, {"type": "object"}, {"type": "array", "items": {}}, {"type": "object", "properties": {}}], ids=str
)
def test_what_a_shape_does_not_fix_is_not_promised(schema):
    assert promised(schema) is None


def test_a_pass_through_promises_nothing():
    assert output_schema(Flow(name="f")) is None


def test_the_schema_of_a_declared_output_is_promised():
    from naftiko_run.expressions.reference import Names
    from naftiko_run.flows.shape import compile_outputs

    def node(value: object) -> Node:
        if isinstance(value, dict):
            return Node({key: node(one) for key, one in value.items()}, None, "f.yaml")
        return Node([node(one) for one in value] if isinstance(value, list) else value, None, "f.yaml")

    outputs = {"outputParameters": [{"name": "id", "type": "string", "mapping": "$.id"}]}
    shape = compile_outputs(node(outputs), Names(), Problems())

    assert output_schema(Flow(name="f", shape=shape)) == {"type": "object", "properties": {"id": {}}}


@pytest.mark.parametrize(
    ("semantics", "hints", "published"),
    [
        ({}, {}, {}),
        ({"safe": True}, {}, {"readOnlyHint": True, "destructiveHint": False}),
        ({"safe": False, "idempotent": True}, {}, {"readOnlyHint": False, "idempotentHint": True}),
        ({"safe": True}, {"readOnlyHint": False}, {"readOnlyHint": False, "destructiveHint": False}),
        ({}, {"openWorld": True}, {"openWorldHint": True}),
    ],
    ids=str,
)
def test_hints_are_declared_or_follow_from_the_method(semantics, hints, published):
    tool = McpTool(name="t", flow=Flow(name="f", semantics=Semantics(**semantics)), hints=hints)

    assert tool_annotations(tool) == published
