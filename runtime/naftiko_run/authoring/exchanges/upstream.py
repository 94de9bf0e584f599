"""The upstream of an exchange test: one loopback server for each consumed namespace, answering from the test's own list."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Self

import httptools

from naftiko_run.authoring.exchanges.document import Exchange
from naftiko_run.document.nodes import Plain
from naftiko_run.records import field, record
from naftiko_run.values import dump_json


@record(frozen=False)
class Seen:
    """A request as it arrived."""

    namespace: str
    method: str
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class ScriptedUpstream:
    """``async with``; ``urls`` are where each namespace is served, ``seen`` what arrived, in order."""

    def __init__(self, namespaces: Iterable[str], exchanges: Sequence[Exchange]) -> None:
        self._namespaces = list(dict.fromkeys(namespaces))
        self._exchanges = exchanges
        self._servers: list[asyncio.Server] = []
        self.urls: dict[str, str] = {}
        self.seen: list[Seen] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for namespace in self._namespaces:
            server = await loop.create_server(partial(_Connection, self, namespace), "127.0.0.1", 0)
            self._servers.append(server)
            self.urls[namespace] = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        for server in self._servers:
            server.close()

    def reply(self, seen: Seen) -> Mapping[str, Plain]:
        """The answer to the request that has just been seen: the next one in the list, the last one again and again."""
        position = len(self.seen)
        self.seen.append(seen)
        if not self._exchanges:
            return {"status": 500, "text": "the test names no upstream answer"}
        return self._exchanges[min(position, len(self._exchanges) - 1)].reply


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: ScriptedUpstream, namespace: str) -> None:
        self._upstream, self._namespace = upstream, namespace
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._begin()

    def _begin(self) -> None:
        self._target, self._body = b"", bytearray()
        self._headers: list[tuple[str, str]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # what a stream server hands over
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        seen = Seen(
            namespace=self._namespace, method=self._parser.get_method().decode(), target=self._target.decode("latin-1"),
            headers=self._headers, body=bytes(self._body),
        )  # fmt: skip
        self._begin()
        self._send(self._upstream.reply(seen))

    def _send(self, reply: Mapping[str, Plain]) -> None:
        transport = self._transport
        if transport is None:
            return
        fault = reply.get("fault")
        if fault == "reset":
            transport.abort()
            return
        if fault == "empty":
            transport.close()
            return
        transport.write(answer_bytes(reply, cut=fault == "cut"))
        if fault == "cut":
            transport.close()


def answer_bytes(reply: Mapping[str, Plain], *, cut: bool = False) -> bytes:
    """An HTTP/1.1 response: ``body`` as JSON, or ``text`` as it is."""
    status = reply.get("status", 200)
    assert isinstance(status, int)  # YAML numbers
    headers = reply.get("headers")
    given = {str(name).lower(): str(value) for name, value in headers.items()} if isinstance(headers, dict) else {}
    if "text" in reply:
        content = str(reply["text"]).encode()
        given.setdefault("content-type", "text/plain")
    else:
        content = dump_json(reply["body"]) if "body" in reply else b""
        if content:
            given.setdefault("content-type", "application/json")
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Status"
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in given.items())]
    if status not in (204, 304):
        lines.append(f"content-length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + (content[: len(content) // 2] if cut else content)
