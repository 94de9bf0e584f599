"""MCP over a pair of streams: one JSON-RPC message per line, many in flight, answers in the order they are ready.

The first request decides the era of the connection. When the client closes its side, what is in flight may finish for a short
while, so that a list of requests can be piped in; then the connection ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Protocol

from naftiko_run.exposes.mcp.endpoint import Endpoint
from naftiko_run.exposes.mcp.message import Message, Unreadable, check_envelope, read_message
from naftiko_run.exposes.mcp.protocol import (
    INVALID_REQUEST,
    META_VERSION,
    MODERN_VERSION,
    RpcError,
    failure,
    success,
    unsupported_version,
)
from naftiko_run.exposes.mcp.streaming import progress_token, report_to
from naftiko_run.limits import Limits
from naftiko_run.values import dump_json

_CHUNK = 64 * 1024


class Reader(Protocol):
    async def read(self, n: int, /) -> bytes: ...


class Writer(Protocol):
    def write(self, data: bytes, /) -> object: ...

    async def drain(self) -> None: ...


async def serve(endpoint: Endpoint, reader: Reader, writer: Writer, limits: Limits) -> None:
    """Serve one client; returns when ``reader`` has ended and nothing is in flight."""
    connection = _Connection(endpoint, writer, limits)
    try:
        async for line in _lines(reader, limits.request_body):
            await connection.receive(line)
    finally:
        await connection.finish()


async def _lines(reader: Reader, limit: int) -> AsyncIterator[bytes | None]:
    """Lines without their end, blank ones left out; ``None`` for each line that was longer than ``limit``."""
    buffer, skipping = bytearray(), False
    while chunk := await reader.read(_CHUNK):
        first, *rest = chunk.split(b"\n")
        buffer += first if not skipping else b""
        for following in rest:
            if skipping or len(buffer) > limit:
                yield None
            elif line := bytes(buffer).strip():
                yield line
            buffer, skipping = bytearray(following), False
        if len(buffer) > limit:
            buffer, skipping = bytearray(), True
    if line := bytes(buffer).strip():
        yield line


class _Connection:
    """The state that a pair of streams has and HTTP has not: an era, and what is in flight by request id."""

    def __init__(self, endpoint: Endpoint, writer: Writer, limits: Limits) -> None:
        self.endpoint, self.writer, self.limits = endpoint, writer, limits
        self.modern: bool | None = None
        self.tasks: dict[bytes, asyncio.Task[None]] = {}
        self.numbers = itertools.count(1)
        self.room = asyncio.Semaphore(limits.in_flight)
        self.writing = asyncio.Lock()
        self.flushing: set[asyncio.Task[None]] = set()

    async def receive(self, line: bytes | None) -> None:
        try:
            if line is None:
                text = f"the message is longer than {self.limits.request_body} bytes"
                raise Unreadable(RpcError(INVALID_REQUEST, text))
            message = read_message(line, self.limits)
        except Unreadable as unreadable:
            await self.send(failure(unreadable.id, unreadable.error))
            return
        if message.kind == "request":
            await self.start(message)
        elif message.method == "notifications/cancelled":
            self.cancel(message.params.get("requestId"))

    async def start(self, message: Message) -> None:
        if self.modern is None:
            self.modern = message.method != "initialize" and META_VERSION in message.meta
        if message.id in self.tasks:
            await self.send(failure(message.id, RpcError(INVALID_REQUEST, "a request with this id is in flight")))
            return
        await self.room.acquire()
        task = asyncio.create_task(self.answer(message))
        self.tasks[message.id] = task
        task.add_done_callback(lambda _: self.done(message.id))

    def done(self, request_id: bytes) -> None:
        del self.tasks[request_id]
        self.room.release()

    def cancel(self, request_id: object) -> None:
        task = self.tasks.get(dump_json(request_id)) if isinstance(request_id, (str, int)) else None
        if task is not None:
            task.cancel()

    async def answer(self, message: Message) -> None:
        try:
            modern = self.checked_era(message)
            answer = success(message.id, await self.result(message, modern))
        except RpcError as error:
            answer = failure(message.id, error)
        # From here on a cancellation comes too late: half a line would spoil the channel.
        await asyncio.shield(self.send(answer))

    async def result(self, message: Message, modern: bool) -> bytes:
        async def work() -> bytes:
            return await self.endpoint.answer(message, modern=modern, request_id=f"stdio-{next(self.numbers)}")

        token = progress_token(self.endpoint, message)
        return await work() if token is None else await report_to(self.notify, token, work)

    def checked_era(self, message: Message) -> bool:
        """Whether the connection is modern, with the message held against that."""
        if not self.modern:
            if message.method != "initialize" and META_VERSION in message.meta:
                raise RpcError(INVALID_REQUEST, "this connection began with the handshake; its requests carry no version")
            return False
        if message.method == "initialize":
            raise unsupported_version(message.params.get("protocolVersion"))
        version = check_envelope(message)
        if version != MODERN_VERSION:
            raise unsupported_version(version)
        return True

    def notify(self, line: bytes) -> None:
        """Written without waiting: it stands whole in the buffer, before the answer that comes after it."""
        self.writer.write(line + b"\n")
        task = asyncio.create_task(self.flush())
        self.flushing.add(task)
        task.add_done_callback(self.flushing.discard)

    async def send(self, answer: bytes) -> None:
        self.writer.write(answer + b"\n")
        await self.flush()

    async def flush(self) -> None:
        # A client that no longer reads is gone; the end of its other stream is what ends the connection.
        with contextlib.suppress(OSError):
            async with self.writing:
                await self.writer.drain()

    async def finish(self) -> None:
        if self.tasks:
            _, late = await asyncio.wait(list(self.tasks.values()), timeout=self.limits.shutdown_grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
