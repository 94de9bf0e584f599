"""The process of the built-in upstream: a table on the first line of its input, a port on the first line of its output.

It lives as long as its input stays open, so it ends with whoever started it, whatever way that one ends.
"""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus

import httptools

from naftiko_run.mock.answer import MockReply
from naftiko_run.mock.service import MockService, RawRequest
from naftiko_run.mock.table import load_table
from naftiko_run.values import load_json

MAX_BODY = 16 * 1024 * 1024


class Connection(asyncio.Protocol):
    """One caller: requests in, replies out, in order."""

    def __init__(self, service: MockService) -> None:
        self._service = service
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def _begin(self) -> None:
        self._target, self._body = b"", bytearray()
        self._headers: list[tuple[str, str]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # what a stream server hands over
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._send(MockReply(status=400, body=b"this is not HTTP"), close=True)

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_BODY:
            self._send(MockReply(status=413, body=b"the body is too large"), close=True)

    def on_message_complete(self) -> None:
        request = RawRequest(
            method=self._parser.get_method().decode(), target=self._target.decode("latin-1"),
            headers=tuple(self._headers), body=bytes(self._body),
        )  # fmt: skip
        self._begin()
        self._send(self._service.answer(request), close=not self._parser.should_keep_alive(), head=request.method == "HEAD")

    def _send(self, reply: MockReply, *, close: bool, head: bool = False) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        phrase = HTTPStatus(reply.status).phrase if reply.status in HTTPStatus._value2member_map_ else "Status"
        lines = [f"HTTP/1.1 {reply.status} {phrase}", *(f"{name}: {value}" for name, value in reply.headers)]
        if reply.status not in (204, 304):
            lines.append(f"Content-Length: {len(reply.body)}")
        lines.append("Connection: close" if close else "Connection: keep-alive")
        content = b"" if head or reply.status in (204, 304) else reply.body
        self._transport.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + content)
        if close:
            self._transport.close()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    table = load_json(await loop.run_in_executor(None, sys.stdin.buffer.readline))
    if not isinstance(table, dict):
        raise ValueError("the first line is no table")
    service = MockService(load_table(table))
    server = await loop.create_server(lambda: Connection(service), "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


if __name__ == "__main__":
    try:
        asyncio.run(serve())
    except KeyboardInterrupt:
        sys.exit(130)
