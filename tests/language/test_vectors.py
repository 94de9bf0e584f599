"""The numbered conformance cases of the language; where we differ on purpose, docs/differences.md says why."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from naftiko_run.consumes.formats.registry import FormatSettings, compile_decoder
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import compile_template


def render(text: str, **inputs: object) -> object:
    return compile_template(text, Names()).render(Scope(inputs, {}, {}))


def document(operation: str, unit: str = "", consumer: str = "") -> dict[str, Any]:
    """One operation, served as REST operation and tool in adapters that are both called `shop`."""
    written = yaml.safe_load(operation)
    path = written.pop("path", "/x")
    service = {
        "type": "http",
        "namespace": "up",
        "baseUri": "UPSTREAM",
        **(yaml.safe_load(consumer) or {}),
        "resources": [{"name": "r", "path": path, "operations": [{"name": "op", "method": "GET", **written}]}],
    }
    body = yaml.safe_load(unit) or {}
    body = body if {"steps", "outputParameters"} & set(body) and body.pop("alone", False) else {"call": "up.op", **body}
    inputs = body.pop("inputParameters", [])
    rest = {**body, "name": "op", "method": "POST", "inputParameters": inputs}
    tool = {
        **body,
        "name": "op",
        "description": "Call it.",
        "inputParameters": [{k: v for k, v in one.items() if k != "in"} for one in inputs],
    }
    exposes = [
        {"type": "rest", "namespace": "shop", "port": 8080, "resources": [{"path": "/op", "operations": [rest]}]},
        {"type": "mcp", "namespace": "shop", "port": 9090, "tools": [tool]},
    ]
    return {"naftiko": "1.0.0-alpha2", "capability": {"consumes": [service], "exposes": exposes}}


@pytest.fixture
def serve(serve_text, upstream):
    async def start(operation: str = "{}", unit: str = "", *, consumer: str = "", answer: object = None, **options: object):
        upstream.replies(json={} if answer is None else answer)
        return await serve_text(document(operation, unit, consumer), **options)

    return start


INPUT = "inputParameters: [{name: order, type: any, in: body, required: false, description: An order.}]"

# ---- templates


def test_1_a_template_without_any_value_sends_nothing_and_never_its_braces():
    assert render("a{{x}}b") is MISSING


def test_2_a_name_without_a_value_is_empty_beside_others():
    assert compile_template("a{{x}}b", Names()).render_lenient(Scope({"y": 1}, {}, {})) == "ab"


def test_3_dots_lead_into_objects():
    assert render("{{o.k}}", o={"k": 2}) == "2"


def test_4_a_list_is_json_inside_a_json_text():
    assert render('{"ids":{{ids}}}', ids=["a", "b"]) == '{"ids":["a","b"]}'


def test_5_sections_open_objects():
    assert render("{{#o}}{{k}}{{/o}}{{^o}}none{{/o}}", o={"k": 1}) == "1"


# ---- with


async def test_6_a_namespace_form_keeps_the_type(serve, upstream):
    serving = await serve(
        "{method: POST, inputParameters: [{name: id, in: body}, {name: b, in: body}]}", INPUT + "\nwith: {id: shop.order}"
    )

    await serving.tool("op", order=7)

    assert upstream.request.json() == {"id": 7}


async def test_7_an_absent_input_leaves_its_key_out(serve, upstream):
    serving = await serve("{inputParameters: [{name: id, in: query}]}", INPUT + "\nwith: {id: shop.order}")

    await serving.tool("op")

    assert upstream.request.target == "/x"


async def test_8_rest_path_means_the_path_variable(serve, upstream):
    serving = await serve("{inputParameters: [{name: id, in: query}]}", "with: {id: rest.query.order}")

    await serving.rest("POST", "/op?order=7")

    assert upstream.request.target == "/x?id=7"


# ---- requests


async def test_9_a_query_value_is_form_encoded(serve, upstream):
    serving = await serve("{inputParameters: [{name: q, in: query}]}")

    await serving.tool("op", q="a b&c")

    assert upstream.request.target == "/x?q=a+b%26c"


@pytest.mark.parametrize("level", ["operation", "consumer"], ids=["10 operation", "11 adapter"])
async def test_10_and_11_a_header_template_is_rendered_at_every_level(serve, upstream, level):
    header = "{inputParameters: [{name: X-K, in: header, value: '{{k}}'}]}"
    serving = await serve(header if level == "operation" else "{}", consumer=header if level == "consumer" else "")

    await serving.tool("op", k="v")

    assert upstream.request.header("X-K") == "v"


async def test_12_a_path_value_stays_one_segment(serve, upstream):
    serving = await serve("{path: '/u/{{id}}', inputParameters: [{name: id, in: path}]}")

    await serving.tool("op", id="a/b c")

    assert upstream.request.target == "/u/a%2Fb%20c"


BODIES = {
    "13 raw": ('{"n":{{n}}}', b'{"n":3}', "application/json"),
    "14 json": ({"type": "json", "data": {"n": "{{n}}"}}, b'{"n":3}', "application/json"),
    "15 text": ({"type": "text", "data": "hi"}, b"hi", "text/plain"),
}


@pytest.mark.parametrize(("body", "sent", "media_type"), BODIES.values(), ids=BODIES)
async def test_13_to_15_bodies_are_written_as_their_type_says(serve, upstream, body, sent, media_type):
    operation = json.dumps({"method": "POST", "body": body})
    serving = await serve(operation)

    await serving.tool("op", **({"n": 3} if b"n" in sent else {}))

    assert upstream.request.body == sent
    assert upstream.request.header("Content-Type").partition(";")[0] == media_type


# ---- answers

OUTPUTS = {
    "16": ("[{type: object, properties: {a: {type: string, mapping: $.x.y}}}]", {"x": {"y": 1}}, {"a": 1}),
    "17": ("[{type: string, mapping: $.z}, {type: number, mapping: $.x}]", {"x": 4}, 4),
    "18": (
        "[{type: array, mapping: $.l, items: {type: object, properties: {n: {type: string, mapping: $.name}}}}]",
        {"l": [{"name": "q"}, {}]},
        [{"n": "q"}, {"n": None}],
    ),
    "19": ("[{type: object, mapping: $.}]", {"x": 4}, {"x": 4}),
}


@pytest.mark.parametrize(("outputs", "answer", "expected"), OUTPUTS.values(), ids=OUTPUTS)
async def test_16_to_19_an_answer_is_shaped(serve, outputs, answer, expected):
    serving = await serve(unit=f"outputParameters: {outputs}", answer=answer)

    assert (await serving.rest("POST", "/op")).json() == expected
    assert await serving.data("op") == expected


async def test_20_an_error_answer_is_an_error(serve_text, upstream):
    upstream.replies(status=404, json={"e": 1})
    text = document("{}", f"outputParameters: {OUTPUTS['16'][0]}")

    strict = await serve_text(text)
    answer = await strict.rest("POST", "/op")
    result = await strict.tool("op")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert result["isError"]


async def test_20_relayed_an_error_answer_is_mapped_like_any_other(serve_text, upstream):
    upstream.replies(status=404, json={"e": 1})

    relaying = await serve_text(document("{}", f"outputParameters: {OUTPUTS['16'][0]}"), relay_errors=True)
    answer = await relaying.rest("POST", "/op")

    assert (answer.status_code, answer.json()) == (404, {"a": None})
    assert (await relaying.tool("op"))["isError"]


async def test_21_a_mock_value_has_its_declared_type(serve):
    serving = await serve(unit="{alone: true, outputParameters: [{name: n, type: number, value: '{{q}}'}]}")

    assert (await serving.rest("POST", "/op?q=5")).json() == {"n": 5}
    assert await serving.data("op", q=5) == {"n": 5}


# ---- steps


async def test_22_targets_nest(serve):
    unit = """
      alone: true
      steps: [{name: s, type: call, call: up.op}]
      mappings: [{targetName: r.a, value: $.s.x}, {targetName: r.b, value: $.s.y}]
    """
    serving = await serve(unit=unit, answer={"x": 1, "y": 2})

    assert await serving.data("op") == {"r": {"a": 1, "b": 2}}


@pytest.mark.parametrize(
    ("value", "outputs", "expected"),
    [("2", ["n", "z"], {"n": "y", "z": None}), ([2, 9, 1], ["n"], [{"n": "y"}, {"n": "x"}])],
    ids=["23 one value", "24 a list of values"],
)
async def test_23_and_24_lookups(serve, value, outputs, expected):
    unit = f"""
      alone: true
      inputParameters: [{{name: v, type: any, in: body, description: What to find.}}]
      steps:
      - {{name: index, type: call, call: up.op}}
      - {{name: found, type: lookup, index: index, match: id, lookupValue: '{{{{v}}}}', outputParameters: {outputs}}}
      mappings: [{{targetName: found, value: $.found}}]
    """
    serving = await serve(unit=unit, answer=[{"id": 1, "n": "x"}, {"id": 2, "n": "y"}])

    assert await serving.data("op", v=value) == {"found": expected}


async def test_25_semantics_become_hints_and_explicit_hints_win(serve_text, upstream):
    text = document("{}")
    flow = {"name": "f", "description": "F.", "call": "up.op", "semantics": {"safe": True, "idempotent": True}}
    text["capability"]["aggregates"] = [{"label": "A", "namespace": "a", "functions": [flow]}]
    text["capability"]["exposes"][1]["tools"] = [{"name": "t", "ref": "a.f", "hints": {"idempotent": False}}]

    tools = await (await serve_text(text)).tools()

    hints = {key: value for key, value in tools["t"]["annotations"].items() if key.endswith("Hint")}
    assert hints == {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": False}


# ---- formats


def test_26_markdown_is_read_by_sections():
    document = compile_decoder("markdown", FormatSettings()).decode(b"# A\n\nt1\n\n## B\n\nt2\n", "")

    assert [tuple(section.values()) for section in document["sections"]] == [("A", 1, "t1"), ("B", 2, "t2")]


def test_27_psv_keeps_spaces():
    assert compile_decoder("psv", FormatSettings()).decode(b"a|b\n1| 2\n", "text/plain") == [{"a": "1", "b": " 2"}]
