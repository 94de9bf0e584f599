"""Where adapters share a port, whose a path is does not depend on the way a request takes."""

from __future__ import annotations

from pathlib import Path

from expressway import Twice

CAPABILITY = """
naftiko: "1.0.0-alpha2"
info: {label: Harbour, description: Ships and berths}
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    resources:
    - name: ship
      path: /ships/{id}
      operations:
      - {name: ship, method: GET, inputParameters: [{name: id, in: path}]}
  exposes:
  - type: rest
    namespace: harbour-rest
    port: 8080
    resources:
    - path: /{id}
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /{id}/open
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /mcp/written
      operations: [{method: GET, call: harbour.ship, with: {id: written}}]
    - path: /%6dcp/encoded
      operations: [{method: GET, call: harbour.ship, with: {id: encoded}}]
  - type: mcp
    namespace: harbour-tools
    port: 8080
    transport: http
    tools:
    - name: ship
      description: One ship
      call: harbour.ship
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true}]
"""
_CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"ship","arguments":{"id":"a"}}}'
_PATHS = (
    "/a",
    "/a/open",
    "/mcp",
    "/mcp/",
    "/mcp/open",
    "/mcp/written",
    "/mcp/encoded",
    "/%6dcp/encoded",
    "/%6dcp/open",
    "//open",
)


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def _post(path: str) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(_CALL)}\r\n\r\n"
    return head.encode() + _CALL


async def test_every_path_is_the_same_adapters(tmp_path: Path) -> None:
    answers = [{"json": {"id": "a"}}]
    cases = {f"GET {path}": (_get(path), answers) for path in _PATHS}
    cases |= {f"POST {path}": (_post(path), answers) for path in ("/", "/a", "/mcp", "/mcp/harbour-tools", "/mcp/other")}
    assert await Twice(tmp_path, CAPABILITY, _get("/warm")).differences(cases) == {}
