"""A capability written in a test, served on real loopback sockets: text in, answers as callers see them out.

serving = await serve_text(TEXT)          # `UPSTREAM` in the text is the URL of the scripted upstream
answer = await serving.rest("GET", "/jobs?state=x")
result = await serving.tool("find-job", id="j-1")
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.exposes.exposure import ControlExposure
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import AssemblySettings, kind_of, place
from naftiko_run.server.server import Server

VERSION = "2025-11-25"


@dataclass
class Serving:
    """One capability on its ports; ``urls`` are by adapter type and by namespace."""

    capability: Capability
    urls: Mapping[str, str]
    client: httpx2.AsyncClient
    engine: Engine

    async def rest(
        self,
        method: str,
        target: str,
        *,
        json: object = None,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
        at: str = "rest",
    ) -> httpx2.Response:
        extra: dict[str, Any] = {"json": json} if json is not None else {"content": content} if content is not None else {}
        return await self.client.request(method, self.urls[at] + target, headers=headers, **extra)

    async def get(self, target: str, **headers: str) -> object:
        """The JSON of a successful GET."""
        answer = await self.rest("GET", target, headers=headers)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.json()

    async def rpc(self, method: str, /, at: str = "mcp", **params: object) -> dict[str, Any]:
        """A whole JSON-RPC answer."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": VERSION}
        answer = await self.client.post(f"{self.urls[at]}/mcp", json=message, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def modern(self, method: str, /, name: str = "", **params: object) -> dict[str, Any]:
        """The same in the stateless protocol of 2026-07-28."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2026-07-28", "mcp-method": method}
        if name:
            headers["mcp-name"] = name
        answer = await self.client.post(f"{self.urls['mcp']}/mcp", json=message, headers=headers)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def tool(self, name: str, /, **arguments: object) -> dict[str, Any]:
        """The result of ``tools/call``."""
        found: dict[str, Any] = (await self.rpc("tools/call", name=name, arguments=arguments))["result"]
        return found

    async def data(self, name: str, /, **arguments: object) -> object:
        """The text of a successful tool call, read as JSON."""
        result = await self.tool(name, **arguments)
        assert not result["isError"], result
        return json.loads(result["content"][0]["text"])

    async def tools(self) -> dict[str, dict[str, Any]]:
        return {tool["name"]: tool for tool in (await self.rpc("tools/list"))["result"]["tools"]}


async def start(
    stack: AsyncExitStack,
    file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    relay_errors: bool = False,
    options: LoadOptions | None = None,
) -> Serving:
    """Serve ``file`` on free ports until ``stack`` closes."""
    from naftiko_run.consumes.settings import ClientSettings

    capability = load(file, options or LoadOptions(limits=limits))
    settings = EngineSettings(
        environment=environment or {},
        relay_errors=relay_errors,
        allow_unfiltered_scripts=True,
        client=ClientSettings(limits=limits),
    )
    engine = await stack.enter_async_context(Engine(capability, settings))
    wanted = AssemblySettings(ports={"rest": 0, "mcp": 0, "skill": 0, "control": 0}, limits=limits)
    assembly = place([capability], wanted)
    assembly.served = [one for one in assembly.served if not isinstance(one.exposure, ControlExposure)]  # has tests of its own
    connect(assembly, engine, wanted)
    server = Server(assembly.listeners, limits=limits)
    server.bind()
    stack.push_async_callback(server.close)
    await server.accept()
    urls: dict[str, str] = {}
    for served, port in zip(assembly.served, server.ports, strict=True):
        for name in (kind_of(served.exposure), served.exposure.namespace):
            urls.setdefault(name, f"http://127.0.0.1:{port}")
    client = await stack.enter_async_context(httpx2.AsyncClient(trust_env=False, timeout=20))
    return Serving(capability, urls, client, engine)
