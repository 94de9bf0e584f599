"""The requests that the scenarios send, each with what its answer must hold."""

from __future__ import annotations

import json

from benchmarks.documents import JOB
from benchmarks.load import Call
from benchmarks.upstream import LARGE, SMALL

MODERN, LEGACY = "2026-07-28", "2025-11-25"
MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}

PASS_THROUGH = Call(path="/jobs/small", size=SMALL)
LARGE_PASS_THROUGH = Call(path="/jobs/large", size=LARGE)
MAPPED = Call(path="/mapped/small", holds=b'"amount":1234.5')
LARGE_MAPPED = Call(path="/items/large", holds=b'"id":"job-17"')
STEPS = Call(path="/steps/small", size=SMALL)
PROXIED = Call(path="/small", size=SMALL)


def tool_call(version: str) -> Call:
    """``tools/call`` of the one tool, with the name of the small body."""
    params: dict[str, object] = {"name": JOB, "arguments": {"name": "small"}}
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    headers["MCP-Protocol-Version"] = version
    if version == MODERN:
        params["_meta"] = MODERN_META
        headers |= {"Mcp-Method": "tools/call", "Mcp-Name": JOB}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    return Call(path="/mcp", method="POST", headers=headers, body=json.dumps(message), holds=b'"structuredContent":{')


MODERN_CALL, LEGACY_CALL = tool_call(MODERN), tool_call(LEGACY)
