"""A tool call that takes no task is answered as any other, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, get_args

import pytest

from expressway import Twice, serving
from upstream import Fault

MODERN, LEGACY = "2026-07-28", "2025-11-25"
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
      - {name: ship, method: GET, inputParameters: [{name: id, in: path}, {name: deep, in: query, type: boolean}]}
      - {name: paint, method: POST, inputParameters: [{name: id, in: path}]}
      - {name: picture, method: GET, outputRawFormat: binary, inputParameters: [{name: id, in: path}]}
  exposes:
  - type: mcp
    namespace: harbour-tools
    port: 8080
    transport: http
    tools:
    - name: ship
      description: One ship
      call: harbour.ship
      with: {id: tools.id, deep: tools.deep}
      inputParameters:
      - {name: id, type: string, required: true}
      - {name: deep, type: boolean}
    - name: coded
      description: One ship by its code
      call: harbour.ship
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true, pattern: "^[a-z]"}]
    - name: name
      description: Its name
      call: harbour.ship
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true}]
      outputParameters:
      - type: object
        properties: {id: {type: string, mapping: $.id}, asked: {type: string, value: "{{id}}"}}
    - name: first
      description: A text
      call: harbour.ship
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true}]
      outputParameters: [{type: string, mapping: $.id}]
    - name: paint
      description: Paint it
      call: harbour.paint
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true}]
    - name: picture
      description: A picture of it
      call: harbour.picture
      with: {id: tools.id}
      inputParameters: [{name: id, type: string, required: true}]
"""
_MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


def _post(body: str | bytes, *lines: str, path: str = "/mcp") -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = [f"POST {path} HTTP/1.1", "Host: localhost", *lines, f"Content-Length: {len(data)}"]
    return "\r\n".join([*head, "\r\n"]).encode() + data


_PLAIN = ("Content-Type: application/json", "Accept: application/json, text/event-stream")


def _call(
    name: object = "ship", arguments: Any = ..., era: str = MODERN, *, meta: Any = ..., message: dict[str, Any] | None = None,
    lines: tuple[str, ...] | None = None, path: str = "/mcp", **params: Any,
) -> bytes:  # fmt: skip
    """``tools/call``; what is given replaces what would be right."""
    if arguments is ...:
        arguments = {"id": "a"}
    if meta is ...:
        meta = _MODERN_META if era == MODERN else None
    sent = {"name": name, "arguments": arguments, **({} if meta is None else {"_meta": meta}), **params}
    body = json.dumps({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": sent, **(message or {})})
    modern = (f"MCP-Protocol-Version: {era}", "Mcp-Method: tools/call", f"Mcp-Name: {name}")
    if lines is None:
        lines = (*_PLAIN, *modern) if era == MODERN else (*_PLAIN, f"MCP-Protocol-Version: {era}")
    return _post(body, *lines, path=path)


def _requests(era: str) -> dict[str, bytes]:
    """Calls right and wrong."""
    found: dict[str, dict[str, Any]] = {
        "plain": {},
        "a mapped answer": {"name": "name"},
        "a text": {"name": "first"},
        "a pattern": {"name": "coded"},
        "half a character": {"name": "coded", "arguments": {"id": "a\ud800"}, "message": {"id": "1234567890123456789012"}},
        "an optional argument": {"arguments": {"id": "a", "deep": True}},
        "a null for it": {"arguments": {"id": "a", "deep": None}},
        "of the wrong type": {"arguments": {"id": "a", "deep": "many"}},
        "a number for a text": {"arguments": {"id": 5}},
        "escaped": {"arguments": {"id": "a/b é"}},
        "dots": {"arguments": {"id": ".."}},
        "empty": {"arguments": {"id": ""}},
        "without arguments": {"arguments": None},
        "with none": {"arguments": {}},
        "with a list of them": {"arguments": [1]},
        "with another": {"arguments": {"id": "a", "name": "b"}},
        "an unknown tool": {"name": "boat"},
        "no name": {"name": 5},
        "another writes": {"name": "paint"},
        "a picture": {"name": "picture"},
        "an id that is text": {"message": {"id": "x\"y"}},
        "a null id": {"message": {"id": None}},
        "an id that is a fraction": {"message": {"id": 1.5}},
        "another version of JSON-RPC": {"message": {"jsonrpc": "1.0"}},
        "another method": {"message": {"method": "tools/list"}},
        "params in a list": {"message": {"params": []}},
        "no params": {"message": {"params": None}},
        "meta is a list": {"meta": []},
        "meta is null": {"_meta": None, "meta": None},
        "a token": {"meta": {**(_MODERN_META if era == MODERN else {}), "progressToken": 3}},
        "a bad token": {"meta": {**(_MODERN_META if era == MODERN else {}), "progressToken": 3.5}},
        "a client without a version": {"meta": {**_MODERN_META, "io.modelcontextprotocol/clientInfo": {"name": "x"}}},
        "capabilities in a list": {"meta": {**_MODERN_META, "io.modelcontextprotocol/clientCapabilities": []}},
        "no capabilities": {"meta": {"io.modelcontextprotocol/protocolVersion": MODERN}},
        "another version in the body": {"meta": {**_MODERN_META, "io.modelcontextprotocol/protocolVersion": LEGACY}},
        "its own path": {"path": "/mcp/harbour-tools"},
        "a trailing slash": {"path": "/mcp/"},
        "the root": {"path": "/"},
        "nowhere": {"path": "/mcp/other"},
    }  # fmt: skip
    return {key: _call(era=era, **{"name": "ship", **given}) for key, given in found.items()}


_BODY = _call().partition(b"\r\n\r\n")[2]
_ROUTED = (f"MCP-Protocol-Version: {MODERN}", "Mcp-Method: tools/call", "Mcp-Name: ship")
HEADERS: dict[str, bytes] = {
    "no content type": _post(_BODY, "Accept: */*", *_ROUTED),
    "another content type": _post(_BODY, "Content-Type: text/plain", "Accept: */*", *_ROUTED),
    "accepts anything": _post(_BODY, "Content-Type: application/json; charset=utf-8", "Accept: */*", *_ROUTED),
    "accepts JSON only": _post(_BODY, "Content-Type: application/json", "Accept: application/json", *_ROUTED),
    "accepts nothing known": _post(_BODY, "Content-Type: application/json", "Accept: text/html", *_ROUTED),
    "another name": _post(_BODY, *_PLAIN, *_ROUTED[:2], "Mcp-Name: other"),
    "an encoded name": _post(_BODY, *_PLAIN, *_ROUTED[:2], "Mcp-Name: =?base64?c2hpcA==?="),
    "no name": _post(_BODY, *_PLAIN, *_ROUTED[:2]),
    "two names": _post(_BODY, *_PLAIN, *_ROUTED, "Mcp-Name: ship"),
    "another method": _post(_BODY, *_PLAIN, _ROUTED[0], "Mcp-Method: tools/list", _ROUTED[2]),
    "an unknown version": _post(_BODY, *_PLAIN, "MCP-Protocol-Version: 2030-01-01", *_ROUTED[1:]),
    "no version": _post(_BODY, *_PLAIN),
    "a legacy version": _post(_BODY, *_PLAIN, f"MCP-Protocol-Version: {LEGACY}"),
    "no JSON": _post("{", *_PLAIN, *_ROUTED),
    "a batch": _post(b"[" + _BODY + b"]", *_PLAIN, *_ROUTED),
    "too deep": _post("[" * 200 + "]" * 200, *_PLAIN, *_ROUTED),
    "nothing": _post("", *_PLAIN, *_ROUTED),
    "a chunked body": b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
    + "\r\n".join([*_PLAIN, *_ROUTED]).encode() + b"\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(_BODY), _BODY),
    "close": _post(_BODY, *_PLAIN, *_ROUTED, "Connection: close"),
    "a GET": b"GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
}  # fmt: skip
_TYPED = {"Content-Type": "application/json"}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "empty": [{"body": b""}],
    "no content": [{"status": 204}],
    "created": [{"status": 201, "json": {"id": 1}}],
    "bad request": [{"status": 400, "json": {"why": "no"}}],
    "not found": [{"status": 404, "body": "<p>", "headers": {"Content-Type": "text/html"}}],
    "too many": [{"status": 429, "headers": {"Retry-After": "30"}}],
    "broken": [{"status": 500, "json": {"id": 1}}],
    "better the second time": [{"status": 503}, {"json": {"id": 2}}],
    "chunked": [{"json": {"id": 1}, "framing": "chunked"}],
    "no type": [{"body": b"[1]"}],
    "text": [{"body": b"plain", "headers": {"Content-Type": "text/plain"}}],
    "not UTF-8": [{"body": b'{"id":"\xff"}', "headers": _TYPED}],
    "bytes": [{"body": b"\x00\x01", "headers": {"Content-Type": "application/octet-stream"}}],
    "an image": [{"body": b"\x00\x01", "headers": {"Content-Type": "image/png"}}],
    "array": [{"json": [{"id": 1}]}],
    "null": [{"body": b"null", "headers": _TYPED}],
    "blanks around": [{"body": b' \n{"id": 1}\n', "headers": _TYPED}],
    "no JSON": [{"body": b"{nothing", "headers": _TYPED}],
    "a JSON text": [{"body": b'"text"', "headers": _TYPED}],
    "a long integer": [{"body": b'{"id": 123456789012345678901}', "headers": _TYPED}],
    "too deep": [{"body": b"[" * 300 + b"]" * 300, "headers": _TYPED}],
    "too late": [{"json": {"id": 1}, "delay": 1.2}],
}
FAULTS = [fault for fault in get_args(Fault) if fault not in ("", "refuse")]  # a kept connection is not refused


def _twice(folder: Path, era: str) -> Twice:
    return Twice(folder, CAPABILITY, _call(arguments={"id": "warm"}, era=era))


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_every_call_is_answered_the_same(tmp_path: Path, era: str) -> None:
    answers = [{"json": {"id": "a", "tons": 12}}]
    cases = {name: (request, answers) for name, request in _requests(era).items()}
    assert await _twice(tmp_path, era).differences(cases) == {}


async def test_every_header_is_judged_the_same(tmp_path: Path) -> None:
    cases = {name: (request, [{"json": {"id": "a"}}]) for name, request in HEADERS.items()}
    assert await _twice(tmp_path, MODERN).differences(cases) == {}


@pytest.mark.parametrize("tool", ["ship", "name", "first"])
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_every_answer_of_an_upstream_becomes_the_same_result(tmp_path: Path, era: str, tool: str) -> None:
    cases = {name: (_call(tool, era=era), answers) for name, answers in ANSWERS.items()}
    assert await _twice(tmp_path, era).differences(cases) == {}


@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_every_fault_of_an_upstream_is_worded_and_repeated_the_same(tmp_path: Path, era: str) -> None:
    cases = {fault: (_call(era=era), [{"fault": fault}]) for fault in FAULTS}
    assert await _twice(tmp_path, era).differences(cases) == {}


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("express", [True, False])
@pytest.mark.parametrize("era", [MODERN, LEGACY])
async def test_only_modern_callers_cancel_by_leaving(tmp_path: Path, era: str, express: bool, failing: bool) -> None:
    """Also where the first attempt has failed, and the next is being made."""
    async with serving(tmp_path, CAPABILITY, express=express) as served:
        served.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        if failing:
            served.upstream.replies(status=503)
        served.upstream.replies(json={"id": "a"}, delay=0.5)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for _ in range(3):
            writer.write(_call(arguments={"id": "warm"}, era=era))
            await reader.readuntil(b"\r\n\r\n")
            await reader.readuntil(b"}" if era == LEGACY else b"}}}}")
        writer.write(_call(era=era))
        async with asyncio.timeout(2):
            while sum(one.target == "/ships/a" for one in served.upstream.requests) < 1 + failing:
                await asyncio.sleep(0.005)
        assert not served.is_quiet
        left = asyncio.get_running_loop().time()
        writer.close()
        await served.until_quiet()
        waited = asyncio.get_running_loop().time() - left > 0.3  # for the upstream's answer
        assert waited is (era == LEGACY)
