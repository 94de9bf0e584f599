"""One MCP tool with one upstream call, as the official SDK and FastMCP have it written. ``tools.py LIBRARY PORT UPSTREAM``."""

from __future__ import annotations

import sys
from typing import Any

import httpx2
import uvicorn

library, port, upstream = sys.argv[1], int(sys.argv[2]), sys.argv[3]
client = httpx2.AsyncClient(limits=httpx2.Limits(max_connections=512, max_keepalive_connections=512))
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def sdk() -> Any:
    """The low-level server, set up as its authors advise: no sessions, JSON answers, the tool's schema at hand."""
    import mcp_types as types
    from mcp.server.lowlevel import Server

    async def list_tools(context: Any, params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[types.Tool(name="job", description="One job.", input_schema=SCHEMA)])

    async def call_tool(context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        reply = await client.get(f"{upstream}/{(params.arguments or {})['name']}")
        text = types.TextContent(type="text", text=reply.text)
        return types.CallToolResult(content=[text], structured_content=reply.json())

    server: Server[Any] = Server(
        "jobs", on_list_tools=list_tools, on_call_tool=call_tool, get_tool_input_schema={"job": SCHEMA}.get
    )
    server.middleware.clear()
    return server.streamable_http_app(json_response=True, stateless_http=True)


def fastmcp() -> Any:
    from fastmcp import FastMCP  # type: ignore[import-not-found]

    server = FastMCP("jobs")

    @server.tool  # type: ignore[untyped-decorator]
    async def job(name: str) -> dict[str, Any]:
        """One job."""
        found: dict[str, Any] = (await client.get(f"{upstream}/{name}")).json()
        return found

    return server.http_app(path="/mcp", json_response=True, stateless_http=True)


app = {"mcp": sdk, "fastmcp": fastmcp}[library]()
uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", loop="uvloop", http="httptools")
