"""A shipped capability, served by its adapters against its built-in upstream."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from pathlib import Path

import pytest

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, RestExposure
from naftiko_run.exposes.mcp.adapter import McpAdapter
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.exposes.rest import RestAdapter
from naftiko_run.mock.capability import capability_table, mock_environment
from naftiko_run.mock.upstream import MockUpstream

CAPABILITIES = Path(__file__).parent.parent.parent / "capabilities"


class Served:
    """``rest`` and ``tool`` call it as a caller would, without a listener between."""

    def __init__(self, rest: RestAdapter, mcp: McpAdapter) -> None:
        self._rest, self._mcp = rest, mcp

    async def rest(self, method: str, target: str, body: object = None) -> HttpAnswer:
        path, _, query = target.partition("?")
        headers = [] if body is None else [("content-type", "application/json")]
        content = b"" if body is None else json.dumps(body).encode()
        return await self._rest.handle(HttpRequest(method=method, path=path, query=query, headers=headers, body=content))

    async def json(self, target: str) -> object:
        answer = await self.rest("GET", target)
        assert answer.status == 200, answer
        return json.loads(answer.body)

    async def tool(self, name: str, **arguments: object) -> dict[str, object]:
        return await self._rpc("tools/call", {"name": name, "arguments": arguments})

    async def tools(self) -> dict[str, dict[str, object]]:
        listed = await self._rpc("tools/list", {})
        return {tool["name"]: tool for tool in listed["tools"]}

    async def _rpc(self, method: str, params: dict[str, object]) -> dict[str, object]:
        message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        headers = [
            ("content-type", "application/json"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", "2025-11-25"),
        ]
        answer = await self._mcp.handle(HttpRequest(method="POST", path="/mcp", headers=headers, body=message))
        assert answer.status == 200, answer
        return json.loads(answer.body)["result"]


@pytest.fixture(scope="session")
def pointed() -> Iterator[Callable[[str], Capability]]:
    """A capability by name, its consumers pointed at a built-in upstream that runs until the tests end."""
    with ExitStack() as running:

        @cache
        def start(name: str) -> Capability:
            path, problems = CAPABILITIES / f"{name}.yaml", Problems()
            declared = load(path)
            upstream = running.enter_context(MockUpstream(capability_table(declared, problems)))
            assert problems.findings == []
            addresses = upstream.base_uris({consumer.namespace for consumer in declared.consumers})
            return load(path, LoadOptions(base_uris=addresses))

        yield start


@pytest.fixture
async def serve(pointed: Callable[[str], Capability]) -> AsyncIterator[Callable[..., Awaitable[Served]]]:
    """``await serve("venice-billing", VENICE_API_KEY="k")``."""
    async with AsyncExitStack() as open_things:

        async def start(name: str, **environment: str) -> Served:
            capability = pointed(name)
            settings = EngineSettings(environment=mock_environment(capability, environment))
            engine = await open_things.enter_async_context(Engine(capability, settings))
            run = engine.run(capability)
            mcp = McpAdapter([e for e in capability.exposures if isinstance(e, McpExposure)], run)
            open_things.push_async_callback(mcp.close)
            return Served(RestAdapter([e for e in capability.exposures if isinstance(e, RestExposure)], run), mcp)

        yield start
