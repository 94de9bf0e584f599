"""Aggregates: a flow written once, exposed by ``ref`` as REST operation and as tool, with what each unit says for itself."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from naftiko_run.capability import load
from naftiko_run.errors import DocumentErrors

CONSUMES = """
- type: http
  namespace: harbour
  baseUri: UPSTREAM
  resources:
  - name: ships
    path: /ships/{{id}}
    operations:
    - {name: get-ship, method: GET, inputParameters: [{name: id, in: path}]}
    - {name: move-ship, method: PUT, inputParameters: [{name: id, in: path}, {name: berth, in: body}, {name: by, in: body}]}
"""

AGGREGATE = """
label: Traffic
namespace: traffic
functions:
- name: find-ship
  description: Find one ship.
  semantics: {safe: true, idempotent: true}
  inputParameters:
  - {name: ship, type: string, description: Its id.}
  call: harbour.get-ship
  with: {id: traffic.ship}
  outputParameters:
  - {type: object, properties: {called: {type: string, mapping: $.name}}}
- name: move
  description: Move a ship and read it again.
  semantics: {safe: false, idempotent: true}
  inputParameters:
  - {name: ship, type: string, description: Its id.}
  - {name: berth, type: string, description: Where to.}
  steps:
  - {name: moved, type: call, call: harbour.move-ship, with: {id: traffic.ship, berth: traffic.berth, by: pilot}}
  - {name: now, type: call, call: harbour.get-ship, with: {id: traffic.ship}}
  mappings: [{targetName: ship.name, value: $.now.name}, {targetName: ship.berth, value: traffic.berth}]
- name: greet
  description: Greet a ship.
  inputParameters: [{name: ship, type: string, description: Its id.}]
  outputParameters: [{name: text, type: string, value: 'Ahoy {{ship}}'}]
"""


def document(operation: str = "{}", tool: str = "{}", aggregate: str = AGGREGATE) -> dict[str, Any]:
    exposes = [
        {
            "type": "rest",
            "namespace": "port-api",
            "port": 8080,
            "resources": [
                {
                    "path": "/ships/{ship}",
                    "operations": [{"method": "GET", "ref": "traffic.find-ship", **yaml.safe_load(operation)}],
                }
            ],
        },
        {
            "type": "mcp",
            "namespace": "port-tools",
            "port": 9090,
            "tools": [{"ref": "traffic.find-ship", **yaml.safe_load(tool)}],
        },
    ]
    consumes = yaml.safe_load(CONSUMES)
    return {
        "naftiko": "1.0.0-alpha2",
        "capability": {"consumes": consumes, "aggregates": [yaml.safe_load(aggregate)], "exposes": exposes},
    }


@pytest.fixture
def serve(serve_text):
    async def start(operation: str = "{}", tool: str = "{}"):
        return await serve_text(document(operation, tool))

    return start


async def test_a_unit_inherits_everything(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/s-1")

    serving = await serve()
    tool = (await serving.tools())["find-ship"]

    assert await serving.get("/ships/s-1") == {"called": "Gull"}
    assert await serving.data("find-ship", ship="s-1") == {"called": "Gull"}
    assert tool["description"] == "Find one ship."
    assert tool["inputSchema"]["properties"] == {"ship": {"type": "string", "description": "Its id."}}
    assert tool["inputSchema"]["required"] == ["ship"]
    assert {k: v for k, v in tool["annotations"].items() if k.endswith("Hint")} == {
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
    }


async def test_a_unit_says_its_own_name_and_description(serve):
    tools = await (await serve(tool="{name: ship-finder, description: Look one up., hints: {openWorld: true}}")).tools()

    assert tools["ship-finder"]["description"] == "Look one up."
    assert tools["ship-finder"]["annotations"]["openWorldHint"] is True
    assert tools["ship-finder"]["annotations"]["readOnlyHint"] is True


async def test_a_units_with_runs_before_the_flows(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/harbour-7")

    serving = await serve(
        tool="{inputParameters: [{name: number, type: integer, description: N.}], with: {ship: 'harbour-{{number}}'}}"
    )

    assert await serving.data("find-ship", number=7) == {"called": "Gull"}
    assert list((await serving.tools())["find-ship"]["inputSchema"]["properties"]) == ["number"]


async def test_a_unit_fixes_an_input(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/flagship")

    serving = await serve(tool="{name: flagship, inputParameters: [], with: {ship: flagship}}")

    assert await serving.data("flagship") == {"called": "Gull"}


async def test_an_input_that_a_unit_computes_is_not_asked_of_the_caller(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/flagship")

    serving = await serve(tool="{name: flagship, with: {ship: flagship}}")

    assert (await serving.tools())["flagship"]["inputSchema"].get("properties", {}) == {}
    assert await serving.data("flagship") == {"called": "Gull"}


async def test_a_unit_computes_an_input_from_itself(serve, upstream):
    upstream.replies(json={"name": "Gull"}, path="/ships/s-7")

    serving = await serve(tool="{with: {ship: 's-{{ship}}'}}")

    assert await serving.data("find-ship", ship="7") == {"called": "Gull"}


async def test_outputs_of_a_unit_replace_the_flows(serve, upstream):
    upstream.replies(json={"name": "Gull", "age": 3}, path="/ships/s-1")

    serving = await serve(tool="{outputParameters: [{type: object, properties: {age: {type: number, mapping: $.age}}}]}")

    assert await serving.data("find-ship", ship="s-1") == {"age": 3}
    assert await serving.get("/ships/s-1") == {"called": "Gull"}


async def test_a_call_of_a_unit_replaces_the_flows(serve, upstream):
    upstream.replies(status=200, json={"name": "Gull"}, path="/ships/s-1")

    serving = await serve(tool="{name: force, call: harbour.move-ship, with: {id: port-tools.ship, berth: north}}")
    await serving.tool("force", ship="s-1")

    assert (upstream.request.method, upstream.request.json()) == ("PUT", {"berth": "north"})


async def test_a_flow_of_steps_is_exposed_on_both_faces(serve, upstream):
    upstream.replies(json={"name": "Gull"})

    serving = await serve("{ref: traffic.move, method: PUT}", "{ref: traffic.move}")
    answer = await serving.rest("PUT", "/ships/s-1?berth=north")

    assert answer.json() == {"ship": {"name": "Gull", "berth": "north"}}
    assert await serving.data("move", ship="s-1", berth="north") == {"ship": {"name": "Gull", "berth": "north"}}
    assert upstream.requests[0].json() == {"berth": "north", "by": "pilot"}
    assert (await serving.tools())["move"]["annotations"]["destructiveHint"] is True


async def test_a_flow_may_be_a_mock(serve):
    serving = await serve("{ref: traffic.greet}", "{ref: traffic.greet}")

    assert await serving.get("/ships/Gull") == {"text": "Ahoy Gull"}
    assert await serving.data("greet", ship="Gull") == {"text": "Ahoy Gull"}


async def test_flows_and_functions_are_one(serve_text, upstream):
    upstream.replies(json={"name": "Gull"})
    content = document()
    aggregate = content["capability"]["aggregates"][0]
    aggregate["flows"] = {one.pop("name"): one for one in aggregate.pop("functions")}

    serving = await serve_text(content)

    assert await serving.data("find-ship", ship="s-1") == {"called": "Gull"}


async def test_an_upstream_error_stays_an_error_behind_a_ref(serve, upstream):
    upstream.replies(status=404, json={"name": "nobody"})

    serving = await serve()

    assert (await serving.rest("GET", "/ships/s-1")).status_code == 404
    assert (await serving.tool("find-ship", ship="s-1"))["isError"]


def findings(content: dict[str, Any], tmp_path) -> list[Any]:
    file = tmp_path / "c.yaml"
    file.write_text(json.dumps(content).replace("UPSTREAM", "http://127.0.0.1:9"))
    try:
        return list(load(file).findings)
    except DocumentErrors as error:
        return error.findings


def test_an_unknown_ref_names_the_nearest_and_its_neighbours_live(tmp_path):
    found = [f for f in findings(document("{ref: traffic.find-shop}"), tmp_path) if f.severity == "error"]

    assert [(f.code, f.hint) for f in found] == [("E-REF-UNRESOLVED", "did you mean 'traffic.find-ship'?")]


def test_two_flows_of_one_name_are_an_error(tmp_path):
    content = document()
    content["capability"]["aggregates"][0]["functions"].append(
        {"name": "find-ship", "description": "Again.", "call": "harbour.get-ship"}
    )

    assert "E-REF-DUPLICATE" in [f.code for f in findings(content, tmp_path)]


def test_a_ref_without_any_aggregate_is_an_error(tmp_path):
    content = document()
    del content["capability"]["aggregates"]

    assert {f.code for f in findings(content, tmp_path) if f.severity == "error"} >= {"E-REF-UNRESOLVED"}
