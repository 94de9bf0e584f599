"""One sample per published version of the language, in the words that version had, served and called."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

V0_4 = """
naftiko: '0.4'
info:
  label: Harbour
  description: A harbour.
  tags: [harbour]
  created: '2026-03-03'
  modified: '2026-03-03'
  stakeholders: [{role: owner, fullName: Ada Bo, email: ada@harbour.test}]
externalRefs:
- name: harbour-keys
  type: variables
  resolution: runtime
  keys: {harbour-token: HARBOUR_TOKEN}
capability:
  consumes:
  - type: http
    namespace: harbour
    description: The harbour.
    baseUri: UPSTREAM
    authentication: {type: bearer, token: '{{harbour-token}}'}
    inputParameters: [{name: X-Client, in: header, value: desk}]
    resources:
    - name: ship
      label: Ship
      path: /ships/{{id}}
      operations:
      - name: get-ship
        label: Get
        method: GET
        inputParameters: [{name: id, in: path}]
        outputParameters: [{name: called, type: string, value: $.name}]
  exposes:
  - type: api
    namespace: desk
    port: 8080
    resources:
    - path: /ships/{id}
      description: A ship.
      inputParameters: [{name: id, in: path, type: string, description: The id.}]
      operations:
      - method: GET
        call: harbour.get-ship
        with: {id: desk.id}
        outputParameters: [{type: object, properties: {called: {type: string, mapping: $.name}}}]
  - type: mcp
    transport: http
    namespace: tools
    port: 9090
    tools:
    - name: get-ship
      description: A ship.
      inputParameters: [{name: id, type: string, description: The id., required: true}]
      call: harbour.get-ship
      with: {id: tools.id}
      outputParameters: [{type: object, properties: {called: {type: string, mapping: $.name}}}]
"""


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new)
    return text


V0_5 = (
    replaced(
        V0_4,
        ("naftiko: '0.4'", "naftiko: '0.5'"),
        ("type: api", "type: rest"),
        (
            "    - name: get-ship\n      description: A ship.",
            "    - name: get-ship\n      label: Get a ship\n      description: A ship.",
        ),
    )
    + """    resources:
    - {name: ship, label: Ship, uri: 'ship://{id}', description: A ship., call: harbour.get-ship}
    prompts:
    - name: ask
      label: Ask
      description: Ask for a ship.
      arguments: [{name: who, description: Who.}]
      template: [{role: user, content: 'Where is {{who}}?'}]
  - type: skill
    namespace: skills
    port: 8088
    skills:
    - name: look
      description: Look.
      tools: [{name: get, description: Get., from: {sourceNamespace: tools, action: get-ship}}]
"""
)

A1 = replaced(
    V0_5,
    ("naftiko: '0.5'", "naftiko: 1.0.0-alpha1"),
    (
        "externalRefs:\n- name: harbour-keys\n  type: variables\n  resolution: runtime\n  keys: {harbour-token: HARBOUR_TOKEN}",
        "binds:\n- namespace: harbour-keys\n  description: Keys.\n  keys: {HARBOUR_TOKEN: HARBOUR_TOKEN}",
    ),
    ("{{harbour-token}}", "{{HARBOUR_TOKEN}}"),
)

A2 = (
    replaced(
        A1,
        ("naftiko: 1.0.0-alpha1", "naftiko: 1.0.0-alpha2"),
        (
            "  exposes:\n",
            """  aggregates:
  - label: Traffic
    namespace: traffic
    functions:
    - name: find
      description: Find a ship.
      semantics: {safe: true, idempotent: true, cacheable: true}
      inputParameters: [{name: id, type: string, description: The id.}]
      steps:
      - {name: one, type: call, call: harbour.get-ship, with: {id: traffic.id}}
      - {name: loud, type: script, language: python, file: loud.py, location: file:///./scripts}
      mappings: [{targetName: ship.called, value: $.loud}]
      outputParameters: [{name: ship, type: object, properties: {called: {type: string}}}]
    - name: hail
      description: A mock.
      outputParameters: [{name: text, type: string, value: Ahoy}]
  exposes:
""",
        ),
        (
            "    tools:\n    - name: get-ship\n",
            "    tools:\n    - {name: find, ref: traffic.find, hints: {openWorld: true}}\n"
            "    - {name: hail, ref: traffic.hail}\n    - name: get-ship\n",
        ),
    )
    + "  - {type: control, port: 9099, management: {health: true, info: true}, observability: {enabled: true}}\n"
)

N_A3 = replaced(A2, ("naftiko: 1.0.0-alpha2", "naftiko: 1.0.0-alpha3"))

A3 = """
ikanos: 1.0.0-alpha3
info: {display: Harbour, description: A harbour.}
binds:
- {namespace: harbour-keys, keys: {HARBOUR_TOKEN: HARBOUR_TOKEN}}
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    authentication: {type: bearer, token: '{{HARBOUR_TOKEN}}'}
    inputParameters: {X-Client: {in: header, value: desk}}
    resources:
      ship:
        display: Ship
        tags: [ships]
        path: /ships/{{id}}
        operations:
          get-ship:
            display: Get
            method: GET
            inputParameters: {id: {in: path}}
            outputParameters: {called: {type: string, value: $.name}}
  aggregates:
  - display: Traffic
    namespace: traffic
    flows:
      find:
        description: Find a ship.
        tags: [ships]
        semantics: {safe: true, idempotent: true}
        inputParameters: {id: {type: string, description: The id.}}
        steps:
          one: {type: call, call: harbour.get-ship, with: {id: traffic.id}}
          loud: {type: script, language: python, file: loud.py, location: file:///./scripts}
        mappings: [{target: ship.called, value: $.loud}]
        outputParameters: {ship: {type: object, properties: {called: {type: string}}}}
      hail: {description: A mock., outputParameters: {text: {type: string, value: Ahoy}}}
  exposes:
  - type: rest
    namespace: desk
    port: 8080
    resources:
      ship:
        display: Ship
        path: /ships/{id}
        inputParameters: {id: {in: path, type: string, description: The id.}}
        operations:
          get-ship:
            method: GET
            call: harbour.get-ship
            with: {id: desk.id}
            outputParameters: [{type: object, properties: {called: {type: string, mapping: $.name}}}]
  - type: mcp
    namespace: tools
    port: 9090
    tools:
      find: {ref: traffic.find, tags: [ships]}
      hail: {ref: traffic.hail}
      get-ship:
        display: Get a ship
        description: A ship.
        inputParameters: {id: {type: string, description: The id.}}
        call: harbour.get-ship
        outputParameters: [{type: object, properties: {called: {type: string, mapping: $.name}}}]
    resources:
      ship: {display: Ship, uri: 'ship://{id}', description: A ship., call: harbour.get-ship}
    prompts:
      ask: {description: Ask., arguments: {who: {description: Who.}}, template: [{role: user, content: 'Where is {{who}}?'}]}
  - type: skill
    namespace: skills
    port: 8088
    skills:
      look: {description: Look., tools: {get: {description: Get., from: {sourceNamespace: tools, action: get-ship}}}}
"""


def released(version: str, *pairs: tuple[str, str]) -> str:
    return replaced(A3, ("ikanos: 1.0.0-alpha3", f"ikanos: {version}"), *pairs)


BINARY = (
    "          get-ship:\n            display: Get\n",
    "          photo: {method: GET, outputRawFormat: binary, outputMediaType: image/png, maxBinarySize: 1MiB, "
    "inputParameters: {id: {in: path}}}\n"
    "          get-ship:\n            display: Get\n",
)
PHOTO = (
    "    tools:\n      find:",
    "    maxBinarySize: 2MiB\n    tools:\n      photo: {description: A photo., call: harbour.photo}\n      find:",
)
VERSIONED = ("info: {display: Harbour,", "info: {display: Harbour, version: 3.0.0,")
CACHED = ("    tools:\n      photo:", "    ttlMs: 1000\n    cacheScope: public\n    tools:\n      photo:")

VERSIONS = {
    "0.4": V0_4,
    "0.5": V0_5,
    "alpha1": A1,
    "alpha2": A2,
    "naftiko alpha3": N_A3,
    "alpha3": A3,
    "alpha4": released("1.0.0-alpha4"),
    "beta1": released("1.0.0-beta1", BINARY, PHOTO),
    "beta2": released("1.0.0-beta2", BINARY, PHOTO),
    "beta3": released("1.0.0-beta3", BINARY, PHOTO),
    "beta4": released("1.0.0-beta4", BINARY, PHOTO, VERSIONED, CACHED),
    "beta5": released("1.0.0-beta5", BINARY, PHOTO, VERSIONED, CACHED),
}


@pytest.fixture
def serve(serve_text: Callable, upstream, tmp_path: Path):
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "loud.py").write_text("result = one['called'].upper()\n")
    upstream.replies(json={"name": "Gull", "papers": 1})

    async def start(version: str):
        return await serve_text(VERSIONS[version], environment={"HARBOUR_TOKEN": "t-1"})

    return start


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_sample_of_every_version_serves(serve, upstream, version):
    serving = await serve(version)

    assert [str(f) for f in serving.capability.findings if f.severity == "error"] == []
    assert await serving.get("/ships/s-1") == {"called": "Gull"}
    assert await serving.data("get-ship", id="s-1") == {"called": "Gull"}
    assert upstream.request.header("Authorization") == "Bearer t-1"
    assert upstream.request.header("X-Client") == "desk"


@pytest.mark.parametrize("version", [v for v in VERSIONS if v != "0.4"])
async def test_resources_prompts_and_skills_serve_since_0_5(serve, version):
    serving = await serve(version)

    assert "contents" in (await serving.rpc("resources/read", uri="ship://s-1"))["result"]
    assert "messages" in (await serving.rpc("prompts/get", name="ask", arguments={"who": "Gull"}))["result"]
    assert (await serving.rest("GET", "/skills/look", at="skill")).json()["tools"][0]["type"] == "derived"


@pytest.mark.parametrize("version", [v for v in VERSIONS if v not in ("0.4", "0.5", "alpha1")])
async def test_aggregates_scripts_and_mocks_serve_since_alpha_2(serve, version):
    serving = await serve(version)

    assert await serving.data("find", id="s-1") == {"ship": {"called": "GULL"}}
    assert await serving.data("hail") == {"text": "Ahoy"}
    assert (await serving.tools())["find"]["annotations"]["readOnlyHint"] is True


@pytest.mark.parametrize("version", [v for v in VERSIONS if v.startswith("beta")])
async def test_binary_answers_serve_since_beta_1(serve, upstream, version):
    upstream.replies(body=b"\x89PNG", path="/ships/p")
    serving = await serve(version)

    (block,) = (await serving.tool("photo", id="p"))["content"]

    assert (block["type"], block["mimeType"]) == ("image", "image/png")


@pytest.mark.parametrize("version", ["beta4", "beta5"])
async def test_lifetimes_and_versions_serve_since_beta_4(serve, version):
    result = (await (await serve(version)).modern("tools/list"))["result"]

    assert (result["ttlMs"], result["cacheScope"]) == (1000, "public")
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["version"] == "3.0.0"
