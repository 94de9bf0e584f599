"""MCP tools, resources and prompts from the document to the wire, in both eras of the protocol."""

from __future__ import annotations

import pytest

CAPABILITY = """
ikanos: 1.0.0-beta5
info: {display: Harbour, description: A harbour., version: 2.1.0}
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    resources:
      ships:
        path: /ships
        operations:
          list-ships: {method: GET}
      ship:
        path: /ships/{id}
        operations:
          get-ship: {method: GET, inputParameters: {id: {in: path}}}
  exposes:
  - type: mcp
    namespace: harbour-desk
    port: 9090
    description: Ask for the ship's id first.
    ttlMs: 60000
    cacheScope: public
    tools:
      find-ship:
        display: Find a ship
        description: Find one ship by its id.
        inputParameters:
          id: {type: string, description: The id.}
          detail: {type: boolean, description: More of it., required: false}
        call: harbour.get-ship
        hints: {readOnly: true, destructive: false, idempotent: true, openWorld: false}
    resources:
      fleet:
        display: The fleet
        description: All ships.
        uri: harbour://ships
        mimeType: application/vnd.fleet+json
        call: harbour.list-ships
      ship:
        display: One ship
        description: A ship by its id.
        uri: harbour://ships/{id}
        call: harbour.get-ship
        outputParameters:
        - {type: object, properties: {called: {type: string, mapping: $.name}}}
      first:
        display: The first ship
        description: By steps.
        uri: harbour://first
        steps:
          all: {type: call, call: harbour.list-ships}
          one: {type: call, call: harbour.get-ship, with: {id: '$.all[0].id'}}
        mappings: [{target: ship.name, value: $.one.name}]
      manual:
        display: Manual
        description: Pages of the manual.
        uri: manual://pages
        location: file:///./manual
    prompts:
      berth:
        display: Berth a ship
        description: How to bring a ship in.
        arguments:
          ship: {display: Ship, description: Its name.}
          tone: {description: How to speak., required: false}
        template:
        - {role: user, content: 'Bring {{ship}} in, {{tone}}.'}
        - {role: assistant, content: Aye.}
      watch:
        display: Watch
        description: From a file.
        location: file:///./watch.md
"""


@pytest.fixture
async def serving(serve_text, tmp_path, upstream):
    (tmp_path / "manual" / "deck").mkdir(parents=True)
    (tmp_path / "manual" / "index.md").write_text("# Manual\n")
    (tmp_path / "manual" / "deck" / "plan.png").write_bytes(b"\x89PNG\xff")
    (tmp_path / "watch.md").write_text("Keep watch over {{place}}.")
    upstream.replies(json=[{"id": "s-1"}], path="/ships")
    upstream.replies(json={"name": "Gull", "id": "s-1"}, path="/ships/s-1")
    return await serve_text(CAPABILITY)


async def test_the_server_introduces_itself(serving):
    found = await serving.rpc(
        "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "test", "version": "1"}
    )

    result = found["result"]
    assert result["serverInfo"]["name"] == "harbour-desk"
    assert result["serverInfo"]["version"] == "2.1.0"
    assert result["instructions"] == "Ask for the ship's id first."
    assert {"tools", "resources", "prompts"} <= set(result["capabilities"])


async def test_a_tool_is_listed_as_declared(serving):
    tool = (await serving.tools())["find-ship"]

    assert (tool["title"], tool["description"]) == ("Find a ship", "Find one ship by its id.")
    assert tool["inputSchema"]["properties"]["detail"] == {"type": "boolean", "description": "More of it."}
    assert tool["inputSchema"]["required"] == ["id"]
    hints = {"readOnlyHint": True, "destructiveHint": False, "idempotentHint": True, "openWorldHint": False}
    assert {key: tool["annotations"][key] for key in hints} == hints


async def test_wrong_arguments_are_named_in_the_result(serving):
    result = await serving.tool("find-ship", detail="perhaps", colour="red")

    assert result["isError"]
    for name in ("id", "detail", "colour"):
        assert name in result["content"][0]["text"]


async def test_resources_and_templates_are_listed_apart(serving):
    resources = (await serving.rpc("resources/list"))["result"]["resources"]
    templates = (await serving.rpc("resources/templates/list"))["result"]["resourceTemplates"]

    assert [(one["uri"], one["title"], one["mimeType"]) for one in resources] == [
        ("harbour://ships", "The fleet", "application/vnd.fleet+json"),
        ("harbour://first", "The first ship", "application/json"),
        ("manual://pages/deck/plan.png", "Manual", "image/png"),
        ("manual://pages/index.md", "Manual", "text/markdown"),
    ]
    assert [(one["uriTemplate"], one["name"]) for one in templates] == [("harbour://ships/{id}", "ship")]


@pytest.mark.parametrize(
    ("uri", "content"),
    [
        ("harbour://ships", {"mimeType": "application/vnd.fleet+json", "text": '[{"id":"s-1"}]'}),
        ("harbour://ships/s-1", {"mimeType": "application/json", "text": '{"called":"Gull"}'}),
        ("harbour://first", {"mimeType": "application/json", "text": '{"ship":{"name":"Gull"}}'}),
        ("manual://pages/index.md", {"mimeType": "text/markdown", "text": "# Manual\n"}),
        ("manual://pages/deck/plan.png", {"mimeType": "image/png", "blob": "iVBOR/8="}),
    ],
    ids=["fixed", "template", "steps with mappings", "text file", "binary file"],
)
async def test_a_resource_is_read(serving, uri, content):
    (found,) = (await serving.rpc("resources/read", uri=uri))["result"]["contents"]

    assert found == {"uri": uri, **content}


@pytest.mark.parametrize(
    "uri", ["harbour://none", "manual://pages/none.md", "manual://pages/../watch.md", "harbour://ships/s-2"]
)
async def test_what_there_is_not_is_an_error_and_no_content(serving, uri):
    assert "error" in await serving.rpc("resources/read", uri=uri)


async def test_prompts_are_listed_with_their_arguments(serving):
    prompts = (await serving.rpc("prompts/list"))["result"]["prompts"]

    assert prompts[0] == {
        "name": "berth",
        "title": "Berth a ship",
        "description": "How to bring a ship in.",
        "arguments": [
            {"name": "ship", "title": "Ship", "description": "Its name.", "required": True},
            {"name": "tone", "description": "How to speak.", "required": False},
        ],
    }
    assert [one["name"] for one in prompts] == ["berth", "watch"]


async def test_a_prompt_fills_its_places_once(serving):
    found = (await serving.rpc("prompts/get", name="berth", arguments={"ship": "{{tone}}"}))["result"]

    assert [(m["role"], m["content"]["text"]) for m in found["messages"]] == [
        ("user", "Bring {{tone}} in, {{tone}}."),
        ("assistant", "Aye."),
    ]


async def test_a_prompt_in_a_file_is_one_message(serving):
    found = (await serving.rpc("prompts/get", name="watch", arguments={"place": "the pier"}))["result"]

    assert [(m["role"], m["content"]["text"]) for m in found["messages"]] == [("user", "Keep watch over the pier.")]


async def test_a_required_argument_is_asked_for(serving):
    assert (await serving.rpc("prompts/get", name="berth", arguments={}))["error"]["code"] == -32602


@pytest.mark.parametrize(
    "method", ["tools/list", "resources/list", "resources/templates/list", "prompts/list", "server/discover"]
)
async def test_the_stateless_protocol_says_how_long_a_list_holds(serving, method):
    result = (await serving.modern(method))["result"]

    assert (result["ttlMs"], result["cacheScope"], result["resultType"]) == (60000, "public", "complete")
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"] == {"name": "harbour-desk", "version": "2.1.0"} | {
        key: value
        for key, value in result["_meta"]["io.modelcontextprotocol/serverInfo"].items()
        if key not in ("name", "version")
    }


async def test_the_stateless_protocol_says_how_long_a_resource_holds(serving):
    result = (await serving.modern("resources/read", name="harbour://first", uri="harbour://first"))["result"]

    assert (result["ttlMs"], result["cacheScope"]) == (60000, "public")


async def test_without_a_word_nothing_is_kept_and_nothing_shared(serve_text, tmp_path, upstream):
    (tmp_path / "watch.md").write_text("x")
    text = CAPABILITY.replace("    ttlMs: 60000\n", "").replace("    cacheScope: public\n", "")

    result = (await (await serve_text(text)).modern("tools/list"))["result"]

    assert (result["ttlMs"], result["cacheScope"]) == (0, "private")


def test_stdio_is_no_listener(tmp_path):
    from naftiko_run.capability import load
    from naftiko_run.server.placement import AssemblySettings, place

    file = tmp_path / "c.yaml"
    text = CAPABILITY.replace("    port: 9090\n", "    transport: stdio\n").replace("UPSTREAM", "https://up.test")
    file.write_text(text)
    (tmp_path / "watch.md").write_text("x")
    assembly = place([load(file)], AssemblySettings())

    assert (len(assembly.stdio), assembly.served) == (1, [])
