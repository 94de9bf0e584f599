"""Serves one tool over its standard streams, as the command does: started as a process by the tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from naftiko_run.exposes.exposure import McpExposure, McpTool
from naftiko_run.exposes.mcp.adapter import McpAdapter
from naftiko_run.exposes.mcp.streams import standard_streams
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.result import Result


async def run(flow: Flow, inputs: Mapping[str, object], seconds: float) -> Result:
    print("this must not reach the client")
    return Result(data=dict(inputs))


async def main() -> None:
    echo = Flow(name="echo", inputs=(InputParameter(name="text", required=True),))
    exposure = McpExposure(namespace="echoes", transport="stdio", tools=(McpTool(name="echo", flow=echo),))
    adapter = McpAdapter([exposure], run)
    async with standard_streams() as (reader, writer):
        await adapter.serve_stdio(reader, writer)
    await adapter.close()


if __name__ == "__main__":
    asyncio.run(main())
