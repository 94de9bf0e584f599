"""A server on a free loopback port, and a caller that speaks raw bytes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.listener import Listener
from naftiko_run.server.server import Server

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Caller:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> Answer:
        """Status and headers; the body is left unread."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = text.rstrip("\r\n").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        return Answer(int(status_line.split(" ")[1]), headers, b"")

    async def answer(self, *, has_body: bool = True) -> Answer:
        head = await self.head()
        if has_body and head.headers.get("transfer-encoding") == "chunked":
            while chunk := await self.chunk():
                head.body += chunk
        elif has_body and "content-length" in head.headers:
            head.body = await self.reader.readexactly(int(head.headers["content-length"]))
        return head

    async def chunk(self) -> bytes:
        size = int(await self.reader.readline(), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def ask(self, data: bytes) -> Answer:
        self.send(data)
        return await self.answer()

    async def rest(self, seconds: float = 3) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()


@dataclass
class Serving:
    server: Server
    connect: Callable[[], Any]

    async def ask(self, data: bytes) -> Answer:
        caller: Caller = await self.connect()
        return await caller.ask(data)


async def echo(request: HttpRequest) -> HttpAnswer:
    seen = {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "body": request.body.decode("latin-1"),
        "peer": request.peer,
        "id": request.request_id,
    }
    return HttpAnswer(status=200, headers=[("content-type", "application/json")], body=json.dumps(seen).encode())


@pytest.fixture
async def serving() -> AsyncIterator[Callable[..., Any]]:
    """``await serving(handler, limits={...}, **listener)`` starts a server that the test's end stops."""
    servers: list[Server] = []
    callers: list[Caller] = []

    async def start(handler: Handler = echo, *, limits: dict[str, Any] | None = None, **listener: Any) -> Serving:
        bounds: Limits = replace(DEFAULT_LIMITS, **(limits or {}))
        server = Server([Listener(port=0, handler=handler, **listener)], limits=bounds)
        server.bind()
        servers.append(server)
        await server.accept()

        async def connect() -> Caller:
            caller = Caller(*await asyncio.open_connection("127.0.0.1", server.ports[0]))
            callers.append(caller)
            return caller

        return Serving(server, connect)

    yield start
    for caller in callers:
        await caller.close()
    for server in servers:
        await server.close()
    await asyncio.sleep(0.01)  # transports close in the turn after
