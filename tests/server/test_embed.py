"""A capability inside somebody else's ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from tests.upstream import Upstream

from naftiko_run.engine import EngineSettings
from naftiko_run.server.embed import create_app

DOCUMENT = """\
naftiko: 1.0.0-alpha2
info: {label: Tides, description: Tides of a harbour.}
binds: [{namespace: env, keys: {TIDE_KEY: TIDE_KEY}}]
capability:
  consumes:
  - type: http
    namespace: tides
    baseUri: %s
    resources:
    - {name: tide, path: '/tides/{port}', operations: [{name: get-tide, method: GET}]}
    authentication: {type: bearer, token: '{{TIDE_KEY}}'}
  exposes:
  - type: rest
    namespace: tides-rest
    port: 8080
    resources:
    - {path: '/v1/tides/{port}', operations: [{name: get-tide, method: GET, call: tides.get-tide}]}
  - {type: mcp, namespace: tides-mcp, port: 9090, tools: [{name: get-tide, description: The tide., call: tides.get-tide}]}
"""
MCP = {"content-type": "application/json", "accept": "application/json, text/event-stream"}


@pytest.fixture
async def client(tmp_path: Path, upstream: Upstream) -> AsyncIterator[httpx2.AsyncClient]:
    file = tmp_path / "tides.yaml"
    file.write_text(DOCUMENT % upstream.url)
    inner = create_app(file, settings=EngineSettings(environment={"TIDE_KEY": "k-1"}))
    outer = Starlette(routes=[Route("/own", lambda request: PlainTextResponse("own")), Mount("/", app=inner)])
    async with inner.router.lifespan_context(inner):
        transport = httpx2.ASGITransport(outer)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as found:
            yield found


async def test_rest_and_mcp_answer_beside_the_applications_own_routes(client: httpx2.AsyncClient, upstream: Upstream) -> None:
    upstream.replies(json={"height": 3})
    call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get-tide", "arguments": {"port": "brest"}}}

    rest = await client.get("/v1/tides/brest")
    tool = await client.post("/mcp", json=call, headers=MCP)
    own = await client.get("/own")

    assert rest.json() == {"height": 3}
    assert tool.json()["result"]["structuredContent"] == {"height": 3}
    assert own.text == "own"
    assert [request.target for request in upstream.requests] == ["/tides/brest", "/tides/brest"]


async def test_a_foreign_host_and_a_foreign_origin_are_refused(client: httpx2.AsyncClient) -> None:
    wrong_host = await client.get("/v1/tides/brest", headers={"host": "evil.example"})
    wrong_origin = await client.get("/v1/tides/brest", headers={"origin": "https://evil.example"})

    assert (wrong_host.status_code, wrong_origin.status_code) == (421, 403)
