"""Many files in one process: routes merge, tools are told apart, and each file keeps its own upstreams and variables."""

from __future__ import annotations

import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from naftiko_run.capability import Capability, load
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import DocumentErrors
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import Assembly, AssemblySettings, place
from naftiko_run.server.server import Server

FILE = """
naftiko: 1.0.0-alpha2
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: BASE/NAME
    authentication: {type: apikey, key: X-Key, value: 'KEYREF'}
    resources: [{path: /things, operations: [{name: list, method: GET, inputParameters: [{name: q, in: query, type: string}]}]}]
  exposes:
  - type: rest
    namespace: NAME-rest
    port: 8080
    resources:
    - {path: /v1/NAME, operations: [{method: GET, call: api.list}]}
    - {path: /v1/both, operations: [{method: GET, call: api.list}]}
  - type: mcp
    namespace: NAME
    port: 9090
    tools: [{name: list-things, call: api.list}, {name: only-NAME, call: api.list}]
"""


class Folder:
    """Files served together, as `naftiko-run FOLDER` serves them."""

    def __init__(self, assembly: Assembly, client: httpx2.AsyncClient, ports: dict[int, int]) -> None:
        self.assembly, self.client, self.ports = assembly, client, ports

    async def rest(self, path: str) -> httpx2.Response:
        return await self.client.get(f"http://127.0.0.1:{self.ports[8080]}{path}")

    async def mcp(self, method: str, /, at: str = "/mcp", **params: object) -> dict:
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self.client.post(f"http://127.0.0.1:{self.ports[9090]}{at}", json=message, headers=headers)
        return answer.json()

    async def tools(self, at: str = "/mcp") -> list[str]:
        names: list[str] = []
        cursor: dict[str, object] = {}
        while True:
            page = (await self.mcp("tools/list", at, **cursor))["result"]
            names += [tool["name"] for tool in page["tools"]]
            if not page.get("nextCursor"):
                return names
            cursor = {"cursor": page["nextCursor"]}


async def together(
    stack: AsyncExitStack, capabilities: list[Capability], environment: dict[str, str], tools: str = "all"
) -> Folder:
    wanted = AssemblySettings(mcp=McpSettings(tools_mode=tools), host="127.0.0.1")  # type: ignore[arg-type]  # one of the two words
    assembly = place(capabilities, wanted)
    engine = Engine(capabilities, EngineSettings(environment=environment, lenient=True, client=ClientSettings()))
    await stack.enter_async_context(engine)
    connect(assembly, engine, wanted)
    declared = [listener.port for listener in assembly.listeners]
    server = Server([replace(listener, port=0) for listener in assembly.listeners])
    server.bind()
    stack.push_async_callback(server.close)
    await server.accept()
    client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=30))
    return Folder(assembly, client, dict(zip(declared, server.ports, strict=True)))


@pytest.fixture
async def serve(upstream, tmp_path: Path) -> AsyncIterator[Callable[..., object]]:
    async with AsyncExitStack() as stack:

        async def start(
            *names: str, environment: dict[str, str] | None = None, tools: str = "all", **references: str
        ) -> Folder:
            capabilities = []
            for name in names:
                text = FILE.replace("BASE", upstream.url).replace("NAME", name)
                (tmp_path / f"{name}.yaml").write_text(
                    text.replace("KEYREF", references.get(name, "{{env.KEY}}")), encoding="utf-8"
                )
                capabilities.append(load(tmp_path / f"{name}.yaml"))
            return await together(stack, capabilities, {"KEY": "k"} if environment is None else environment, tools)

        yield start


async def test_routes_merge_and_each_file_keeps_its_own_upstream(serve, upstream):
    folder = await serve("one", "two")

    for name in ("one", "two"):
        upstream.replies(json={"from": name}, path=f"/{name}/things")
        assert (await folder.rest(f"/v1/{name}")).json() == {"from": name}


async def test_a_clash_names_both_files_and_the_first_wins(serve, upstream):
    folder = await serve("one", "two")
    upstream.replies(json={})

    await folder.rest("/v1/both")

    assert upstream.request.path == "/one/things"
    found = next(f for f in folder.assembly.findings if f.code == "W-REST-SHADOWED")
    assert found.at.file.endswith("two.yaml")
    assert "one.yaml:" in found.message


async def test_tools_are_prefixed_only_where_their_names_collide(serve):
    folder = await serve("one", "two")

    assert sorted(await folder.tools()) == ["one_list-things", "only-one", "only-two", "two_list-things"]
    assert sorted(await folder.tools("/mcp/two")) == ["list-things", "only-two"]


async def test_a_tool_calls_the_upstream_of_its_own_file(serve, upstream):
    folder = await serve("one", "two")
    upstream.replies(json={})

    await folder.mcp("tools/call", name="two_list-things", arguments={"q": "x"})

    assert upstream.request.target == "/two/things?q=x"


async def test_a_missing_variable_fails_the_calls_of_its_file_alone(serve, upstream):
    folder = await serve("one", "two", one="{{env.GONE}}")
    upstream.replies(json={"ok": True})

    refused = await folder.rest("/v1/one")
    assert refused.status_code >= 400
    assert "GONE" in refused.json()["detail"]
    assert (await folder.rest("/v1/two")).json() == {"ok": True}


async def test_tools_can_be_searched_over_all_files(serve):
    folder = await serve("one", "two", tools="search")

    names = await folder.tools()
    assert len(names) < 4
    assert "list-things" not in names


@pytest.mark.shared
@pytest.mark.timeout(300)
async def test_two_hundred_published_files_are_served_by_one_process(shared, tmp_path):
    chosen = sorted((shared / "corpus").rglob("*.y*ml"))[::2][:210]
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    capabilities = []
    for file in chosen:
        try:
            capabilities.append(load(file))
        except DocumentErrors:
            continue
    async with AsyncExitStack() as stack:
        folder = await together(stack, capabilities, {})
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        names = await folder.tools()

    assert len(capabilities) > 170
    assert len(names) == len(set(names)) > 900
    assert time.monotonic() - started < 60
    assert grown < 400  # MiB
