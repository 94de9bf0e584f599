"""Words for people change nothing that is served; tunnels say what to do instead; resources may take a flow over by ``ref``."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml

from naftiko_run.capability import LoadOptions, load
from plans import plan_of

PLAIN = """
ikanos: 1.0.0-beta5
info: {display: Harbour, description: A harbour.}
capability:
  consumes:
  - type: http
    namespace: harbour
    description: The harbour.
    baseUri: https://harbour.test
    resources:
      ship:
        path: /ships/{id}
        operations:
          get-ship: {method: GET, description: One ship., inputParameters: {id: {in: path}}}
  aggregates:
  - namespace: traffic
    display: Traffic
    flows:
      find: {description: Find., call: harbour.get-ship}
  exposes:
  - type: rest
    namespace: desk
    port: 8080
    resources:
      ship:
        path: /ships/{id}
        operations:
          show:
            method: GET
            description: One ship.
            call: harbour.get-ship
            outputParameters:
            - {type: object, properties: {name: {type: string, mapping: $.name}, crew: {type: array, mapping: $.crew}}}
  - type: mcp
    namespace: tools
    port: 9090
    tools:
      find: {ref: traffic.find}
    prompts:
      ask: {description: Ask., arguments: {who: {description: Who.}}, template: [{role: user, content: '{{who}}'}]}
"""

ADDITIONS = {
    "info": {
        "tags": ["harbour"],
        "created": "2026-01-01",
        "modified": "2026-02-01",
        "personas": ["pilot"],
        "related": ["docks"],
        "stakeholders": [{"role": "owner", "fullName": "Ada Bo", "email": "ada@harbour.test"}],
    },
    "capability.consumes.0": {"tags": ["t"], "display": "Harbour"},
    "capability.consumes.0.resources.ship": {"tags": ["t"], "display": "Ship", "description": "D.", "summary": "S."},
    "capability.consumes.0.resources.ship.operations.get-ship": {"tags": ["t"], "display": "Get", "summary": "S."},
    "capability.consumes.0.resources.ship.operations.get-ship.inputParameters.id": {
        "display": "Id",
        "format": "uuid",
        "items": {"type": "string"},
        "properties": {},
    },
    "capability.aggregates.0": {"tags": ["t"], "description": "D.", "summary": "S."},
    "capability.aggregates.0.flows.find": {"tags": ["t"], "display": "Find", "summary": "S."},
    "capability.exposes.0": {"tags": ["t"]},
    "capability.exposes.0.resources.ship": {"tags": ["t"], "display": "Ship", "description": "D.", "summary": "S."},
    "capability.exposes.0.resources.ship.operations.show": {"tags": ["t"], "display": "Show", "summary": "S."},
    "capability.exposes.0.resources.ship.operations.show.outputParameters.0": {"required": ["name"], "description": "D."},
    "capability.exposes.0.resources.ship.operations.show.outputParameters.0.properties.name": {"enum": ["a"], "required": True},
    "capability.exposes.0.resources.ship.operations.show.outputParameters.0.properties.crew": {"minItems": 1},
    "capability.exposes.1": {"tags": ["t"]},
    "capability.exposes.1.tools.find": {"tags": ["t"], "summary": "S."},
    "capability.exposes.1.prompts.ask": {"tags": ["t"], "summary": "S."},
    "capability.exposes.1.prompts.ask.arguments.who": {"tags": ["t"], "summary": "S."},
}


def compiled(document: dict[str, Any], tmp_path) -> Any:
    file = tmp_path / "capability.yaml"
    file.write_text(json.dumps(document))
    return load(file)


def at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[int(name)] if name.isdigit() else document[name]
    return document


@pytest.mark.parametrize("place", ADDITIONS)
def test_words_for_people_change_nothing_that_is_served(tmp_path, place):
    document = yaml.safe_load(PLAIN)
    described = copy.deepcopy(document)
    at(described, place).update(ADDITIONS[place])

    plain, told = compiled(document, tmp_path), compiled(described, tmp_path)

    assert plan_of(told) == plan_of(plain)
    assert told.findings == ()


# ---- tunnels

TUNNEL = """
ikanos: 1.0.0-beta5
binds: [{namespace: keys, keys: {ZITI_ID: ZITI_ID}}]
capability:
  consumes:
  - type: http
    namespace: dock
    baseUri: https://dock.private
    tunnel: {type: ziti, service: dock, identity: '{{ZITI_ID}}', fallback: direct}
    resources: {x: {path: /x, operations: {x: {method: GET}}}}
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    resources: {x: {path: /x, operations: {x: {method: GET}}}}
  exposes:
  - type: rest
    namespace: desk
    port: 8080
    resources:
      dock: {path: /dock, operations: {dock: {method: GET, call: dock.x}}}
      harbour: {path: /harbour, operations: {harbour: {method: GET, call: harbour.x}}}
"""


async def test_a_call_through_a_tunnel_says_what_to_do_instead_and_others_work(serve_text, upstream):
    upstream.replies(json={"ok": True})
    serving = await serve_text(TUNNEL, environment={"ZITI_ID": "identity"})

    answer = await serving.rest("GET", "/dock")

    assert answer.status_code == 501
    assert "ziti" in answer.json()["detail"]
    assert "--base-uri dock=" in answer.json()["hint"]
    assert "identity" not in answer.text.replace("identity'", "")
    assert await serving.get("/harbour") == {"ok": True}


async def test_a_base_uri_of_the_operator_replaces_the_tunnel(tmp_path, upstream):
    from contextlib import AsyncExitStack

    from served import start

    upstream.replies(json={"ok": True})
    file = tmp_path / "capability.yaml"
    file.write_text(TUNNEL.replace("UPSTREAM", upstream.url))
    async with AsyncExitStack() as stack:
        serving = await start(stack, file, options=LoadOptions(base_uris={"dock": upstream.url}), environment={"ZITI_ID": "i"})
        assert await serving.get("/dock") == {"ok": True}


# ---- resources


async def test_a_resource_takes_a_flow_over_by_ref(serve_text, upstream):
    upstream.replies(json={"name": "Gull"})
    document = yaml.safe_load(PLAIN.replace("https://harbour.test", "UPSTREAM"))
    document["capability"]["exposes"][1]["resources"] = {
        "ship": {"uri": "ship://{id}", "description": "S.", "ref": "traffic.find"}
    }

    serving = await serve_text(document)
    (content,) = (await serving.rpc("resources/read", uri="ship://s-1"))["result"]["contents"]

    assert (content["text"], upstream.request.path) == ('{"name":"Gull"}', "/ships/s-1")
