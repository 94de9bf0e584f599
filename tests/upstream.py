"""A scripted HTTP upstream on loopback: tests say what it answers, or how it fails, and read what it was sent.

    async with Upstream() as upstream:
        upstream.replies(json={"id": 1})
        ...
        assert upstream.request.target == "/v1/jobs?state=RUNNING"

Answers queue up, for all paths or for one; the last of a queue is given again and again. It is a plain socket server that knows
no HTTP library, so it can say things that no library would.
"""

from __future__ import annotations

import asyncio
import gzip
import json as json_text
import socket
import ssl
import struct
import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from naftiko_run.consumes.messages import Origin

Fault = Literal[
    "",
    "refuse",  # nobody listens (any more)
    "reset",  # the connection is reset instead of an answer
    "early-close",  # the connection is closed in good order instead of an answer
    "hang",  # no answer, ever
    "slow",  # one byte of the body at a time, for as long as anyone listens
    "slow-header",  # one byte of the head at a time
    "half-header",  # the head stops in the middle
    "garbage",  # something that is not HTTP
    "big-headers",  # a head of 80 KiB
    "endless-header",  # one header line that does not end
    "cut",  # half the announced body, then closed
    "wrong-length",  # more bytes than announced
    "two-lengths",  # two different Content-Length fields
    "length-and-chunks",  # Content-Length and Transfer-Encoding at once
    "bad-chunk",  # a chunk size that is no number
    "cut-chunk",  # chunks without an end
    "bad-gzip",  # said to be gzip, and is not
    "truncated-gzip",  # gzip that merely stops, its framing intact
    "bomb",  # 16 MiB of zeros
    "two-codings",  # gzip within gzip
    "unknown-coding",  # a coding nobody asked for
    "push",  # a good answer, and soon after it another that nobody asked for
    "endless-body",  # a body without length that does not end
]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A request as it arrived. Header names are as sent; ``connection`` counts connections from 1."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str, default: str = "") -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), default)

    def json(self) -> object:
        return json_text.loads(self.body)


@dataclass(frozen=True, slots=True)
class _Answer:
    head: bytes
    body: bytes
    delay: float
    fault: Fault
    close: bool


class Upstream:
    """``async with Upstream()`` listens on a free port of 127.0.0.1; with ``tls`` it speaks TLS."""

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "localhost", port: int = 0) -> None:
        self.requests: list[Recorded] = []
        self.connections = 0  # ever accepted
        self.connected = 0  # now
        self.host, self.port = host, port
        self._tls = tls
        self._queues: dict[str | None, deque[_Answer]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def origin(self) -> Origin:
        return Origin(scheme="https" if self._tls else "http", host=self.host, port=self.port)

    @property
    def url(self) -> str:
        return str(self.origin)

    @property
    def request(self) -> Recorded:
        """The latest request."""
        return self.requests[-1]

    def replies(
        self,
        status: int = 200,
        *,
        json: object = None,
        body: bytes | str | None = None,
        headers: dict[str, str] | Sequence[tuple[str, str]] = (),
        delay: float = 0.0,
        fault: Fault = "",
        path: str | None = None,
        close: bool = False,
        raw: bytes | None = None,
        framing: Literal["length", "chunked", "close"] = "length",
    ) -> None:
        """Queue one answer, for any path or for ``path`` (without query). ``raw`` replaces head and body altogether."""
        if fault == "refuse":
            self.refuse()
            return
        answer = _Answer(*_compose(status, json, body, headers, fault, raw, framing), delay, fault, close or framing == "close")
        self._queues.setdefault(path, deque()).append(answer)

    def refuse(self) -> None:
        """Stop listening: new connections are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None

    # ---- serving

    def _next(self, path: str) -> _Answer:
        queue = self._queues.get(path) or self._queues.get(None)
        if not queue:
            return _Answer(*_compose(404, {"error": "nothing scripted"}, None, (), "", None, "length"), 0.0, "", False)
        return queue.popleft() if len(queue) > 1 else queue[0]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.connected += 1
        try:
            await self._serve(reader, writer, self.connections)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self.connected -= 1
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            first, *lines = head[:-4].decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
            length = next((int(value) for name, value in fields if name.lower() == "content-length"), 0)
            recorded = Recorded(method, target, fields, await reader.readexactly(length), connection)
            self.requests.append(recorded)
            answer = self._next(recorded.path)
            if answer.delay:
                await asyncio.sleep(answer.delay)
            if not await _send(answer, method, reader, writer):
                return


def _compose(
    status: int, json: object, body: bytes | str | None, headers: dict[str, str] | Sequence[tuple[str, str]], fault: Fault,
    raw: bytes | None, framing: str,
) -> tuple[bytes, bytes]:  # fmt: skip
    if raw is not None:
        return raw, b""
    fields = list(headers.items() if isinstance(headers, dict) else headers)
    if json is not None:
        body = json_text.dumps(json, separators=(",", ":"))
        if not any(name.lower() == "content-type" for name, _ in fields):
            fields.insert(0, ("Content-Type", "application/json"))
    content = body.encode() if isinstance(body, str) else body or b""
    content, extra = (
        _spoil(content or b'{"some":"content","long":"enough to be cut in the middle"}', fault) if fault else (content, [])
    )
    fields += extra
    lengths = {"two-lengths": [b"%d" % len(content), b"5"], "wrong-length": [b"5"]}.get(fault, [b"%d" % len(content)])
    head = f"HTTP/1.1 {status} Status\r\n".encode() + b"".join(f"{n}: {v}\r\n".encode("latin-1") for n, v in fields)
    if framing == "chunked" or fault in ("bad-chunk", "cut-chunk", "length-and-chunks"):
        head += b"Transfer-Encoding: chunked\r\n"
        half = len(content) // 2
        content = (
            b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (content[:half], content[half:]) if part) + b"0\r\n\r\n"
        )
    if framing == "length" and fault not in ("bad-chunk", "cut-chunk", "endless-body") and status >= 200 and status != 204:
        head += b"".join(b"Content-Length: %s\r\n" % length for length in lengths)
    return head + b"\r\n", content


def _spoil(content: bytes, fault: Fault) -> tuple[bytes, list[tuple[str, str]]]:
    gzipped = [("Content-Encoding", "gzip")]
    if fault == "bad-gzip":
        return b"this is no gzip at all", gzipped
    if fault == "truncated-gzip":
        return gzip.compress(content)[:-12], gzipped
    if fault == "bomb":
        squeeze = zlib.compressobj(3, zlib.DEFLATED, 31)
        return squeeze.compress(bytes(16 << 20)) + squeeze.flush(), gzipped
    if fault == "two-codings":
        return gzip.compress(gzip.compress(content)), [("Content-Encoding", "gzip, gzip")]
    if fault == "unknown-coding":
        return content, [("Content-Encoding", "br")]
    if fault == "big-headers":
        return content, [(f"X-Filler-{number}", "x" * 1000) for number in range(80)]
    return content, []


async def _send(answer: _Answer, method: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Write the answer, spoilt as its fault says; whether the connection may serve another request."""
    head, body = answer.head, answer.body if method != "HEAD" else b""
    match answer.fault:
        case "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        case "early-close":
            return await _end(writer)
        case "hang":
            await reader.read()
            return False
        case "slow":
            writer.write(head)
            return await _drip(writer, body * 1000)
        case "slow-header":
            return await _drip(writer, head)
        case "half-header":
            writer.write(head[: len(head) // 2])
            return await _end(writer)
        case "garbage":
            writer.write(b"\x16\x03\x01 220 smtp.test ready\r\n\r\n")
            return await _end(writer)
        case "push":
            writer.write(head + body)
            await asyncio.sleep(0.03)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
            return True
        case "endless-header":
            writer.write(b"HTTP/1.1 200 OK\r\nX-Endless: ")
            return await _flood(writer)
        case "endless-body":
            writer.write(head)
            return await _flood(writer)
        case "cut":
            writer.write(head + body[: len(body) // 2])
            return await _end(writer)
        case "bad-chunk":
            writer.write(head + b"5\r\nhello\r\nzz\r\n" + body)
            return await _end(writer)
        case "cut-chunk":
            writer.write(head + body.removesuffix(b"0\r\n\r\n"))
            return await _end(writer)
    writer.write(head + body)
    await writer.drain()
    return not answer.close or await _end(writer)


async def _end(writer: asyncio.StreamWriter) -> Literal[False]:
    """Let everything written arrive, then close in good order."""
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    return False


async def _drip(writer: asyncio.StreamWriter, data: bytes) -> Literal[False]:
    for place in range(len(data)):
        writer.write(data[place : place + 1])
        await writer.drain()
        await asyncio.sleep(0.02)
    return False


async def _flood(writer: asyncio.StreamWriter) -> Literal[False]:
    for _ in range(2000):
        writer.write(b"x" * 65536)
        await writer.drain()
    return False
