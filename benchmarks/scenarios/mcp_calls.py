"""``tools/call`` with its upstream call: beside REST of the same operation, and beside the SDK and FastMCP doing the same."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import LEGACY_CALL, MODERN_CALL, PASS_THROUGH

PEERS = (("official SDK", "mcp", ">= 8"), ("FastMCP", "fastmcp", ">= 15"))


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        helpers = (bench.upstream,)
        rest, mcp = bench.ours(stack, "ours rest"), bench.ours(stack, "ours mcp", rest=False, mcp=True)
        contenders = [
            Contender(name="REST", server=rest, call=PASS_THROUGH, helpers=helpers),
            Contender(name="MCP 2026-07-28", server=mcp, call=MODERN_CALL, helpers=helpers),
            Contender(name="MCP 2025-11-25", server=mcp, call=LEGACY_CALL, helpers=helpers),
        ]
        for name, library, _ in PEERS:
            server = bench.peer(stack, name, "tools.py", library)
            contenders.append(Contender(name=name, server=server, call=MODERN_CALL, helpers=helpers))
        found = bench.compare(contenders)
    modern = found["MCP 2026-07-28"]
    bench.ratio("MCP tools/call (2026-07-28) against REST pass-through", modern, found["REST"], ">= 0.5")
    bench.ratio("MCP tools/call (2025-11-25) against REST pass-through", found["MCP 2025-11-25"], found["REST"])
    for name, _, wanted in PEERS:
        bench.ratio(f"MCP tools/call (2026-07-28) against {name} + httpx2", modern, found[name], wanted)
