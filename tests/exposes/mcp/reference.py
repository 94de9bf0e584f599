"""The official SDK as the reference: a server whose handlers hand out our results, so that what is compared is the protocol."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from mcp.shared.exceptions import MCPError

from naftiko_run.exposes.mcp.endpoint import Endpoint
from naftiko_run.exposes.mcp.message import Message
from naftiko_run.exposes.mcp.protocol import RpcError
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

Send = Callable[[HttpRequest], Awaitable[HttpAnswer]]
METHODS = {
    "tools/list": types.PaginatedRequestParams,
    "tools/call": types.CallToolRequestParams,
    "resources/list": types.PaginatedRequestParams,
    "resources/templates/list": types.PaginatedRequestParams,
    "resources/read": types.ReadResourceRequestParams,
    "prompts/list": types.PaginatedRequestParams,
    "prompts/get": types.GetPromptRequestParams,
    "completion/complete": types.CompleteRequestParams,
}


def reference_server(endpoint: Endpoint) -> Server[Any]:
    catalog = endpoint.catalog
    hint = CacheHint(ttl_ms=catalog.ttl_ms, scope=catalog.cache_scope)
    cached = [name for name in METHODS if name.endswith("/list")] + ["server/discover", "resources/read"]
    server: Server[Any] = Server(
        catalog.name, version=catalog.version, title=catalog.title, instructions=catalog.instructions,
        cache_hints=dict.fromkeys(cached, hint),  # type: ignore[misc]  # methods by name
    )  # fmt: skip
    for method, params in METHODS.items():
        server.add_request_handler(method, params, _handler(endpoint, method))
    server.middleware.clear()
    return server


def _handler(endpoint: Endpoint, method: str) -> Any:
    async def handle(context: Any, params: Any) -> dict[str, Any]:
        modern = context.protocol_version == "2026-07-28"
        sent = params.model_dump(by_alias=True, exclude_unset=True)
        sent.pop("_meta", None)
        try:
            members = await endpoint.methods[method](Message("request", method, sent), modern)
        except RpcError as error:
            raise MCPError(code=error.code, message=error.message, data=error.data) from None
        result = json.loads(b"{%b}" % members)
        return {**result, "resultType": "complete"} if modern else dict(result)

    return handle


@contextlib.asynccontextmanager
async def reference(endpoint: Endpoint) -> AsyncIterator[Send]:
    """Both eras, set up as they are meant to be: modern may stream, legacy answers JSON, neither keeps state."""
    open_to_tests = TransportSecuritySettings(enable_dns_rebinding_protection=False)
    managers = [
        StreamableHTTPSessionManager(
            reference_server(endpoint), json_response=not modern, stateless=True, security_settings=open_to_tests
        )
        for modern in (False, True)
    ]
    async with managers[0].run(), managers[1].run():

        async def send(request: HttpRequest) -> HttpAnswer:
            legacy = request.header("mcp-protocol-version").strip() in (
                "",
                "2024-11-05",
                "2025-03-26",
                "2025-06-18",
                "2025-11-25",
            )
            return await _asgi(managers[0 if legacy else 1].handle_request, request)

        yield send


async def _asgi(app: Any, request: HttpRequest) -> HttpAnswer:
    answer, left = HttpAnswer(status=0), [{"type": "http.request", "body": request.body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        if left:
            return left.pop()
        await anyio.sleep_forever()
        raise AssertionError

    async def send(event: Any) -> None:
        if event["type"] == "http.response.start":
            answer.status = event["status"]
            answer.headers = [(name.decode().lower(), value.decode()) for name, value in event["headers"]]
        else:
            answer.body += event.get("body", b"")

    scope = {
        "type": "http", "method": request.method, "path": request.path, "query_string": b"", "root_path": "", "scheme": "http",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in request.headers],
    }  # fmt: skip
    await app(scope, receive, send)
    return answer
