"""A handler becomes an ASGI app, for whoever has an ASGI server already (``embed.py``).

Handlers take complete requests, so a body is read to its end here, and no further than a body may be long (requirement L4).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server import refusals

Message = MutableMapping[str, Any]  # as the ASGI specification has it: the values differ per message type
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


def asgi_app(handler: Handler, *, limits: Limits = DEFAULT_LIMITS) -> AsgiApp:
    """``handler`` as an ASGI app. What it raises is the outer server's to answer."""

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"only http is served, not '{scope['type']}'")
        request_id = secrets.token_hex(8)
        body = await _read_body(receive, limits.request_body)
        if body is None:
            await _send_answer(refusals.BODY_TOO_LARGE.answer(request_id), scope["method"], send)
        else:
            await _send_answer(await handler(_request(scope, body, request_id)), scope["method"], send)

    return app


async def _read_body(receive: Receive, most: int) -> bytes | None:
    """The whole body; ``None`` as soon as it is longer than ``most`` bytes."""
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most:
            return None
        has_more = message.get("more_body", False)
    return bytes(body)


def _request(scope: Message, body: bytes, request_id: str) -> HttpRequest:
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return HttpRequest(
        method=scope["method"],
        path=raw_path.decode("ascii").partition("?")[0],
        query=scope.get("query_string", b"").decode("ascii"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        body=body,
        peer=(scope.get("client") or ("", 0))[0],
        request_id=request_id,
    )


async def _send_answer(answer: HttpAnswer, method: str, send: Send) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if answer.stream is None and answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.stream is not None:
        async for chunk in answer.stream:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    body = b"" if answer.stream is not None or method == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body, "more_body": False})
