"""Flows of several steps: calls, lookups and mappings, what each sees of the others, what comes out, what goes wrong."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import Any

import pytest
import yaml

from naftiko_run.capability import load
from naftiko_run.errors import DocumentErrors
from naftiko_run.limits import DEFAULT_LIMITS

CONSUMES = """
- type: http
  namespace: harbour
  baseUri: UPSTREAM
  resources:
  - name: ships
    path: /ships
    operations:
    - {name: list-ships, method: GET}
    - {name: add-ship, method: POST, inputParameters: [{name: body, in: body}]}
  - name: ship
    path: /ships/{{id}}
    operations:
    - name: get-ship
      method: GET
      inputParameters: [{name: id, in: path}]
    - name: get-papers
      method: GET
      inputParameters: [{name: id, in: path}]
      outputParameters:
      - {name: owner, type: string, value: $.papers.owner}
      - {name: flag, type: string, value: $.papers.flag}
    - {name: move-ship, method: PUT, inputParameters: [{name: id, in: path}, {name: berth, in: body}]}
  - name: berths
    path: /berths
    operations:
    - {name: list-berths, method: GET}
    - {name: list-berths-csv, method: GET, outputRawFormat: csv}
    - name: list-named-berths
      method: GET
      outputParameters: [{name: label, type: string, value: $.signs.front}]
    - name: first-berth
      method: GET
      outputParameters: [{type: object, value: '$[0]'}]
"""

BERTHS = [{"id": 1, "name": "north", "depth": 9}, {"id": 2, "name": "south", "depth": 6}]


def document(unit: str) -> dict[str, Any]:
    """One tool and one REST operation made of the same ``unit``."""
    body = yaml.safe_load(unit)
    inputs = body.pop("inputParameters", [])
    operation = {**body, "name": "run", "method": "GET", "inputParameters": [{**one, "in": "query"} for one in inputs]}
    tool = {**body, "name": "run", "description": "Run it.", "inputParameters": inputs}
    exposes = [
        {"type": "rest", "namespace": "port-api", "port": 8080, "resources": [{"path": "/run", "operations": [operation]}]},
        {"type": "mcp", "namespace": "port-tools", "port": 9090, "tools": [tool]},
    ]
    return {"naftiko": "1.0.0-alpha2", "capability": {"consumes": yaml.safe_load(CONSUMES), "exposes": exposes}}


@pytest.fixture
def serve(serve_text):
    async def start(unit: str, **options: object):
        return await serve_text(document(unit), **options)

    return start


# ---- what steps see


async def test_a_step_uses_the_result_of_an_earlier_one(serve, upstream):
    upstream.replies(json=[{"id": "s 1"}], path="/ships")
    upstream.replies(json={"name": "Gull"}, path="/ships/s%201")

    serving = await serve("""
      steps:
      - {name: all, type: call, call: harbour.list-ships}
      - {name: one, type: call, call: harbour.get-ship, with: {id: '$.all[0].id'}}
      mappings: [{targetName: name, value: $.one.name}]
    """)

    assert await serving.get("/run") == {"name": "Gull"}
    assert await serving.data("run") == {"name": "Gull"}


@pytest.mark.parametrize("written", ["$.all.0.id", "$.all[0].id", "{{all.0.id}}", "steps.all[0].id", "{{ $.all[0].id }}"])
async def test_a_result_is_named_in_every_spelling(serve, upstream, written):
    upstream.replies(json=[{"id": "7"}], path="/ships")
    upstream.replies(json={}, path="/ships/7")

    serving = await serve(f"""
      steps:
      - {{name: all, type: call, call: harbour.list-ships}}
      - {{name: one, type: call, call: harbour.get-ship, with: {{id: '{written}'}}}}
    """)
    await serving.get("/run")

    assert upstream.request.path == "/ships/7"


async def test_steps_see_the_inputs_of_the_flow(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/s-9")

    serving = await serve("""
      inputParameters: [{name: ship, type: string, description: A ship.}]
      steps:
      - {name: one, type: call, call: harbour.get-ship, with: {id: '{{ship}}'}}
      mappings: [{targetName: name, value: $.one.name}, {targetName: asked, value: '{{ship}}'}]
    """)

    assert await serving.get("/run?ship=s-9") == {"name": "Gull", "asked": "s-9"}
    assert await serving.data("run", ship="s-9") == {"name": "Gull", "asked": "s-9"}


async def test_an_input_that_only_a_step_needs_is_asked_of_the_caller(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/s-9")

    serving = await serve("steps: [{name: one, type: call, call: harbour.get-ship}]")

    assert (await serving.tools())["run"]["inputSchema"]["required"] == ["id"]
    assert await serving.get("/run?id=s-9") == {"name": "Gull"}


async def test_a_step_reads_its_answer_in_the_declared_format(serve, upstream):
    upstream.replies(body="id,name\n1,north\n", headers={"Content-Type": "text/plain"}, path="/berths")

    serving = await serve("""
      steps: [{name: rows, type: call, call: harbour.list-berths-csv}]
      mappings: [{targetName: first, value: '$.rows[0].name'}]
    """)

    assert await serving.get("/run") == {"first": "north"}


# ---- declared outputs of a consumed operation


async def test_declared_outputs_are_what_steps_see_of_an_object(serve, upstream):
    upstream.replies(json={"papers": {"owner": "Ada"}, "secret": 1}, path="/ships/1")

    serving = await serve("""
      steps: [{name: papers, type: call, call: harbour.get-papers, with: {id: '1'}}]
      mappings: [{targetName: all, value: $.papers}]
    """)

    assert await serving.get("/run") == {"all": {"owner": "Ada", "flag": None}}


async def test_declared_outputs_are_added_to_each_element_of_an_array(serve, upstream):
    upstream.replies(json=[{"id": 1, "signs": {"front": "N"}}, {"id": 2}, 3], path="/berths")

    serving = await serve("""
      steps: [{name: berths, type: call, call: harbour.list-named-berths}]
      mappings: [{targetName: all, value: $.berths}]
    """)

    assert await serving.get("/run") == {"all": [{"id": 1, "signs": {"front": "N"}, "label": "N"}, {"id": 2, "label": None}, 3]}


async def test_an_unnamed_output_is_the_whole_result(serve, upstream):
    upstream.replies(json=BERTHS, path="/berths")

    serving = await serve("""
      steps: [{name: one, type: call, call: harbour.first-berth}]
      mappings: [{targetName: name, value: $.one.name}]
    """)

    assert await serving.get("/run") == {"name": "north"}


# ---- lookups

LOOKUP = """
  inputParameters: [{name: wanted, type: TYPE, description: What to find.}]
  steps:
  - {name: berths, type: call, call: harbour.list-berths}
  - {name: found, type: lookup, index: berths, match: id, lookupValue: port-tools.wanted, outputParameters: [name, tide]}
  mappings:
  - {targetName: berth, value: $.found}
  - {targetName: count, value: $.berths.length()}
"""


async def lookup(serve, upstream, wanted: object, kind: str = "any") -> object:
    upstream.replies(json=BERTHS, path="/berths")
    serving = await serve(LOOKUP.replace("TYPE", kind).replace("port-tools.wanted", "'{{wanted}}'"))
    return await serving.data("run", wanted=wanted)


async def test_a_lookup_compares_as_text_and_names_what_is_missing(serve, upstream):
    assert await lookup(serve, upstream, "2", "string") == {"berth": {"name": "south", "tide": None}, "count": 2}


async def test_a_lookup_of_many_values_keeps_their_order_and_drops_misses(serve, upstream):
    found = await lookup(serve, upstream, [2, 9, 1], "array")

    assert found["berth"] == [{"name": "south", "tide": None}, {"name": "north", "tide": None}]


async def test_a_lookup_without_a_hit_leaves_its_target_out(serve, upstream):
    assert await lookup(serve, upstream, 9, "integer") == {"count": 2}


async def test_a_lookup_reads_another_steps_result_and_one_object_is_a_list_of_one(serve, upstream):
    upstream.replies(json={"berth": 2}, path="/ships/1")
    upstream.replies(json=BERTHS[1], path="/berths")

    serving = await serve("""
      steps:
      - {name: ship, type: call, call: harbour.get-ship, with: {id: '1'}}
      - {name: berths, type: call, call: harbour.list-berths}
      - {name: found, type: lookup, index: berths, match: id, lookupValue: $.ship.berth, outputParameters: [name]}
      mappings: [{targetName: at, value: '{{found.name}} berth'}]
    """)

    assert await serving.get("/run") == {"at": "south berth"}


async def test_a_lookup_feeds_a_later_call(serve, upstream):
    upstream.replies(json=BERTHS, path="/berths")
    upstream.replies(json={"name": "Gull"}, path="/ships/north")

    serving = await serve("""
      steps:
      - {name: berths, type: call, call: harbour.list-berths}
      - {name: found, type: lookup, index: berths, match: depth, lookupValue: '9', outputParameters: [name]}
      - {name: ship, type: call, call: harbour.get-ship, with: {id: $.found.name}}
    """)

    assert await serving.get("/run") == {"name": "Gull"}


async def test_a_lookup_needs_an_earlier_step(serve_text, tmp_path):
    unit = "steps: [{name: f, type: lookup, index: nowhere, match: id, lookupValue: '1', outputParameters: [x]}]"

    findings = refused(document(unit), tmp_path)

    assert {f.code for f in findings} == {"E-LOOKUP-INDEX"}


async def test_an_index_beyond_the_limit_fails_its_step(serve, upstream):
    upstream.replies(json=BERTHS * 10, path="/berths")

    serving = await serve(
        LOOKUP.replace("TYPE", "string").replace("port-tools.wanted", "'{{wanted}}'"),
        limits=replace(DEFAULT_LIMITS, lookup_entries=10),
    )
    answer = await serving.rest("GET", "/run?wanted=1")

    assert (answer.status_code, answer.json()["step"]) == (502, "found")


# ---- mappings and outputs


async def test_targets_nest_by_dots_and_take_constants_templates_and_lists(serve, upstream):
    upstream.replies(json={"x": 1, "y": [2, 3]}, path="/ships/1")

    serving = await serve("""
      steps: [{name: s, type: call, call: harbour.get-ship, with: {id: '1'}}]
      mappings:
      - {targetName: r.a, value: $.s.x}
      - {targetName: r.b.c, value: '$.s.y[1]'}
      - {targetName: r.text, value: 'x={{s.x}}'}
      - {target: fixed, value: 7}
      - {target: word, value: plain words}
      - {target: nothing, value: $.s.absent}
      - {target: whole.list, value: $.s.y}
    """)

    assert await serving.get("/run") == {
        "r": {"a": 1, "b": {"c": 3}, "text": "x=1"},
        "fixed": 7,
        "word": "plain words",
        "whole": {"list": [2, 3]},
    }


async def test_without_mappings_the_last_calls_answer_is_the_answer(serve, upstream):
    upstream.replies(json=BERTHS, path="/berths")
    upstream.replies(status=203, body='{"name" : "Gull"}', headers={"Content-Type": "application/json"}, path="/ships/1")

    serving = await serve("""
      steps:
      - {name: berths, type: call, call: harbour.list-berths}
      - {name: one, type: call, call: harbour.get-ship, with: {id: '1'}}
    """)
    answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.text) == (203, '{"name" : "Gull"}')


async def test_without_mappings_outputs_shape_the_last_answer(serve, upstream):
    upstream.replies(json={"name": "Gull", "mast": {"height": 9}}, path="/ships/1")

    serving = await serve("""
      steps: [{name: one, type: call, call: harbour.get-ship, with: {id: '1'}}]
      outputParameters:
      - {type: object, properties: {called: {type: string, mapping: $.name}, height: {type: number, mapping: $.mast.height}}}
    """)

    assert await serving.get("/run") == {"called": "Gull", "height": 9}


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [("[]", {"name": "south"}), ("[{type: object, properties: {at: {type: string, mapping: $.name}}}]", {"at": "south"})],
    ids=["as it is", "shaped"],
)
async def test_without_mappings_a_lookup_at_the_end_is_the_answer(serve, upstream, outputs, expected):
    upstream.replies(json=BERTHS, path="/berths")

    serving = await serve(f"""
      steps:
      - {{name: berths, type: call, call: harbour.list-berths}}
      - {{name: found, type: lookup, index: berths, match: depth, lookupValue: '6', outputParameters: [name]}}
      outputParameters: {outputs}
    """)

    assert await serving.get("/run") == expected
    assert await serving.data("run") == expected


async def test_a_mock_without_a_value_for_this_caller_is_empty(serve):
    serving = await serve("""
      inputParameters: [{name: who, type: string, description: Who., required: false}]
      outputParameters: [{name: hello, type: string, value: '{{who}}'}]
    """)
    answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.content) == (204, b"")
    assert await serving.get("/run?who=Ada") == {"hello": "Ada"}
    assert not (await serving.tool("run"))["isError"]


async def test_orchestrated_outputs_describe_and_mappings_build(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/1")

    serving = await serve("""
      steps: [{name: one, type: call, call: harbour.get-ship, with: {id: '1'}}]
      mappings: [{targetName: ship.called, value: $.one.name}]
      outputParameters:
      - {name: ship, type: object, properties: {called: {name: called, type: string}}}
    """)

    assert await serving.get("/run") == {"ship": {"called": "Gull"}}


async def test_mappings_that_find_nothing_give_the_last_calls_answer(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/1")

    serving = await serve("""
      steps: [{name: one, type: call, call: harbour.get-ship, with: {id: '1'}}]
      mappings: [{targetName: x, value: $.one.absent}]
    """)

    assert await serving.get("/run") == {"name": "Gull"}


# ---- order


async def test_reads_that_do_not_need_each_other_run_at_once(serve, upstream):
    for path in ("/ships", "/berths", "/ships/1"):
        upstream.replies(json=[], path=path, delay=0.25)

    serving = await serve("""
      steps:
      - {name: a, type: call, call: harbour.list-ships}
      - {name: b, type: call, call: harbour.list-berths}
      - {name: c, type: call, call: harbour.get-ship, with: {id: '1'}}
      mappings: [{targetName: a, value: $.a}, {targetName: b, value: $.b}, {targetName: c, value: $.c}]
    """)
    started = time.monotonic()
    assert await serving.get("/run") == {"a": [], "b": [], "c": []}

    assert time.monotonic() - started < 0.7
    assert upstream.connections == 3


async def test_a_write_waits_for_everything_before_it_and_is_waited_for(serve, upstream):
    upstream.replies(json=[], path="/berths", delay=0.1)
    upstream.replies(json={}, path="/ships", delay=0.1)
    upstream.replies(json={}, path="/ships/1")

    serving = await serve("""
      steps:
      - {name: before, type: call, call: harbour.list-berths}
      - {name: write, type: call, call: harbour.add-ship, with: {body: {name: Gull}}}
      - {name: after, type: call, call: harbour.get-ship, with: {id: '1'}}
    """)
    await serving.get("/run")

    assert [(r.method, r.path) for r in upstream.requests] == [("GET", "/berths"), ("POST", "/ships"), ("GET", "/ships/1")]


# ---- failures


async def test_a_failed_step_says_which_and_what_was_done(serve, upstream):
    upstream.replies(status=201, json={"id": "n-1"}, path="/ships")
    upstream.replies(status=409, json={"error": "taken"}, path="/ships/n-1")

    unit = """
      steps:
      - {name: add, type: call, call: harbour.add-ship, with: {body: {name: Gull}}}
      - {name: move, type: call, call: harbour.move-ship, with: {id: $.add.id, berth: north}}
      - {name: papers, type: call, call: harbour.get-papers, with: {id: $.add.id}}
      mappings: [{targetName: x, value: $.papers.owner}]
    """
    serving = await serve(unit)
    answer = await serving.rest("GET", "/run")

    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert (said["step"], said["completed"], said["sideEffects"]) == ("move", ["add"], ["add"])
    assert "papers" not in answer.text
    result = await serving.tool("run")
    assert result["isError"]
    assert result["structuredContent"] == {"step": "move", "completed": ["add"], "sideEffects": ["add"]}


async def test_a_write_whose_fate_is_unknown_counts_as_a_side_effect(serve, upstream):
    upstream.replies(fault="early-close", path="/ships")

    serving = await serve(
        "steps: [{name: a, call: harbour.list-berths}, {name: add, call: harbour.add-ship, with: {body: {n: 1}}}]"
    )
    upstream.replies(json=[], path="/berths")
    answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.json()["completed"], answer.json()["sideEffects"]) == (502, ["a"], ["add"])


async def test_our_credential_being_refused_is_not_the_callers_fault(serve, upstream):
    upstream.replies(status=401, json={}, path="/ships")

    serving = await serve("steps: [{name: a, call: harbour.list-ships}, {name: b, call: harbour.get-ship, with: {id: $.a.id}}]")

    assert (await serving.rest("GET", "/run")).status_code == 502


async def test_a_wait_that_an_upstream_asks_for_is_passed_on(serve, upstream):
    upstream.replies(status=429, json={}, headers={"Retry-After": "60"}, path="/ships")

    serving = await serve(
        "steps: [{name: a, call: harbour.add-ship, with: {body: {n: 1}}}, {name: b, call: harbour.list-berths}]"
    )
    answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.headers["retry-after"], answer.json()["step"]) == (429, "60", "a")


async def test_one_deadline_covers_all_steps(serve, upstream):
    upstream.replies(json={"id": 1}, path="/ships", delay=0.3)
    upstream.replies(json={}, path="/ships/1", delay=0.5)

    serving = await serve(
        "steps: [{name: a, call: harbour.add-ship, with: {body: {}}}, {name: b, call: harbour.get-ship, with: {id: $.a.id}}]",
        limits=replace(DEFAULT_LIMITS, rest_deadline=0.6),
    )
    started = time.monotonic()
    answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.json()["step"], answer.json()["completed"]) == (504, "b", ["a"])
    assert time.monotonic() - started < 0.9


async def test_a_failed_read_stops_the_ones_beside_it(serve, upstream):
    upstream.replies(status=404, json={}, path="/ships/1")
    upstream.replies(json=[], path="/berths", delay=5)

    serving = await serve("""
      steps:
      - {name: slow, type: call, call: harbour.list-berths}
      - {name: quick, type: call, call: harbour.get-ship, with: {id: '1'}}
      mappings: [{targetName: x, value: $.slow}]
    """)
    async with asyncio.timeout(2):
        answer = await serving.rest("GET", "/run")

    assert (answer.status_code, answer.json()["step"]) == (404, "quick")


# ---- refused when compiled


def refused(content: dict[str, Any], tmp_path) -> list[Any]:
    import json

    file = tmp_path / "c.yaml"
    file.write_text(json.dumps(content).replace("UPSTREAM", "http://127.0.0.1:9"))
    with pytest.raises(DocumentErrors) as caught:
        load(file)
    return [f for f in caught.value.findings if f.severity == "error"]


@pytest.mark.parametrize(
    ("unit", "code"),
    [
        ("steps: [" + ", ".join(f"{{name: s{i}, type: call, call: harbour.list-ships}}" for i in range(51)) + "]", "E-LIMIT"),
        (
            "steps: [{name: a, type: call, call: harbour.list-ships}, {name: a, type: call, call: harbour.list-ships}]",
            "E-STEP-DUPLICATE",
        ),
        ("steps: [{name: a, type: dance}]", "E-STEP-TYPE"),
        ("steps: [{name: a, type: call}]", "E-NO-CALL"),
        ("steps: [{name: a, type: call, call: harbour.nothing}]", "E-CALL-UNRESOLVED"),
        ("steps: [{name: a, type: lookup, index: a}]", "E-LOOKUP"),
        ("outputParameters: [{name: x, type: string}]", "E-NO-CALL"),
        ("{call: harbour.nothing, outputParameters: [{name: x, type: string, value: y}]}", "E-CALL-UNRESOLVED"),
    ],
    ids=[
        "too many",
        "same name",
        "unknown type",
        "no call",
        "unknown call",
        "half a lookup",
        "a mock without values",
        "an unknown call beside a value",
    ],
)
def test_a_wrong_step_is_said_at_load(unit, code, tmp_path):
    assert {f.code for f in refused(document(unit), tmp_path)} == {code}
