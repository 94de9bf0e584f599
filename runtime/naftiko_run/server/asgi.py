"""The bridge between handlers and ASGI, both ways.

``AsgiMount`` makes any ASGI app (Starlette, the MCP SDK's) a handler, with its lifespan; ``asgi_app`` makes a handler an ASGI
app, so that a test can call it without a socket. Requests are complete before they come here, answers may be streams.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote

from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest

Message = MutableMapping[str, Any]  # as the ASGI specification has it: the values differ per message type
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

LOGGER = logging.getLogger("naftiko_run.server")
_STOP_TIME = 5.0
_VERSION = {"version": "3.0", "spec_version": "2.3"}


class AsgiMount:
    """An ASGI app as a handler. ``start`` and ``stop`` run its lifespan; an app without one is served all the same."""

    def __init__(self, app: AsgiApp, *, root_path: str = "") -> None:
        self.app = app
        self.root_path = root_path
        self.state: dict[str, Any] = {}
        self._lifespan: _Lifespan | None = None
        self._cycles: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._lifespan = _Lifespan(self.app, self.state)
        await self._lifespan.start()

    async def stop(self) -> None:
        for cycle in list(self._cycles):
            cycle.cancel()
        await asyncio.gather(*self._cycles, return_exceptions=True)
        if self._lifespan is not None:
            await self._lifespan.stop()

    async def __call__(self, request: HttpRequest) -> HttpAnswer:
        exchange = _AsgiExchange(request)
        cycle = asyncio.create_task(exchange.run(self.app, self._scope(request)))
        self._cycles.add(cycle)
        cycle.add_done_callback(self._cycles.discard)
        try:
            return await exchange.answer
        except asyncio.CancelledError:
            cycle.cancel()
            raise

    def _scope(self, request: HttpRequest) -> dict[str, Any]:
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
        host, _, port = request.header("host", "localhost").rpartition(":")
        server = (host, int(port)) if host and port.isdigit() else (port, 80)
        return {
            "type": "http",
            "asgi": _VERSION,
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(request.path),
            "raw_path": request.path.encode("ascii"),
            "query_string": request.query.encode("ascii"),
            "root_path": self.root_path,
            "headers": headers,
            "client": (request.peer, 0),
            "server": server,
            "state": self.state.copy(),
        }


class _Chunks:
    """What an app sends, one chunk ahead of what the caller takes; closing it is how the app learns that nobody listens.

    Not a generator: one that was never begun would not notice being closed.
    """

    def __init__(self) -> None:
        self.gone = asyncio.Event()
        self.failure: Exception | None = None
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(1)

    async def put(self, chunk: bytes | None) -> None:
        if not self.gone.is_set():
            await self._queue.put(chunk)

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._queue.get()
        if chunk is not None:
            return chunk
        if self.failure is not None:
            raise self.failure
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self.gone.set()
        while not self._queue.empty():  # whoever waits to put is let go
            self._queue.get_nowait()


class _AsgiExchange:
    """One request inside an ASGI app: what it receives and what it sends."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.answer: asyncio.Future[HttpAnswer] = asyncio.get_running_loop().create_future()
        self.chunks = _Chunks()
        self.is_received = False
        self.status = 0
        self.headers: list[tuple[str, str]] = []
        request.on_disconnect = self.chunks.gone.set

    async def run(self, app: AsgiApp, scope: dict[str, Any]) -> None:
        try:
            await app(scope, self.receive, self.send)
            if not self.status:
                raise RuntimeError("the app returned without an answer")
        except Exception as exc:
            self._failed(exc)
        finally:
            if not self.answer.done():
                self.answer.cancel()
            await self.chunks.put(None)

    def _failed(self, exc: Exception) -> None:
        self.chunks.failure = exc
        if not self.answer.done():
            self.answer.set_exception(exc)
            if self.chunks.gone.is_set():
                self.answer.exception()  # nobody waits for it any more
        elif not self.chunks.gone.is_set() or not isinstance(exc, OSError):
            LOGGER.error("request %s failed in a mounted app", self.request.request_id, exc_info=exc)

    async def receive(self) -> Message:
        if not self.is_received:
            self.is_received = True
            return {"type": "http.request", "body": self.request.body, "more_body": False}
        await self.chunks.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if self.chunks.gone.is_set():
            await asyncio.sleep(0)  # an app that goes on sending must not keep the event loop to itself
            raise OSError("the caller is gone")
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
            # A body that follows at once travels with the head; otherwise the head must not wait for it.
            asyncio.get_running_loop().call_soon(self._begin_stream)
        elif message["type"] == "http.response.body":
            await self._send_body(bytes(message.get("body", b"")), message.get("more_body", False))

    async def _send_body(self, body: bytes, has_more: bool) -> None:
        if not has_more and not self.answer.done():
            self.answer.set_result(HttpAnswer(status=self.status, headers=self.headers, body=body))
            self.chunks.gone.set()
            return
        self._begin_stream()
        await self.chunks.put(body)

    def _begin_stream(self) -> None:
        if not self.answer.done():
            self.answer.set_result(HttpAnswer(status=self.status, headers=self.headers, stream=self.chunks))


class _Lifespan:
    """The lifespan of one app: started, then stopped, in a task of its own."""

    def __init__(self, app: AsgiApp, state: dict[str, Any]) -> None:
        self.app = app
        self.state = state
        self.incoming: asyncio.Queue[Message] = asyncio.Queue()
        self.started: asyncio.Future[None] | None = None
        self.task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self.started = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self._run())
        await self.incoming.put({"type": "lifespan.startup"})
        await self.started

    async def stop(self) -> None:
        if self.task is not None and not self.task.done():
            await self.incoming.put({"type": "lifespan.shutdown"})
            _, late = await asyncio.wait({self.task}, timeout=_STOP_TIME)
            for task in late:
                LOGGER.warning("a mounted app did not stop within %s seconds", _STOP_TIME)
                task.cancel()
                await asyncio.wait({task})

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": _VERSION, "state": self.state}
        try:
            await self.app(scope, self.incoming.get, self._send)
        except Exception:
            # An app that knows no lifespan fails here, before it said anything: that is how the specification wants it.
            if self.started is not None and self.started.done():
                LOGGER.exception("the lifespan of a mounted app failed")
        finally:
            if self.started is not None and not self.started.done():
                self.started.set_result(None)

    async def _send(self, message: Message) -> None:
        if self.started is None or self.started.done():
            return
        if message["type"] == "lifespan.startup.failed":
            self.started.set_exception(RuntimeError(f"a mounted app failed to start: {message.get('message', '')}"))
        elif message["type"] == "lifespan.startup.complete":
            self.started.set_result(None)


def asgi_app(handler: Handler, *, peer: str = "127.0.0.1") -> AsgiApp:
    """A handler as an ASGI app."""

    async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"only http is served, not '{scope['type']}'")
        answer = await handler(await _read_request(scope, receive, peer))
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        if answer.stream is None and answer.status not in (204, 304):
            headers.append((b"content-length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.stream is not None:
            async for chunk in answer.stream:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        body = b"" if answer.stream is not None or scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body, "more_body": False})

    return app


async def _read_request(scope: MutableMapping[str, Any], receive: Receive, peer: str) -> HttpRequest:
    body = bytearray()
    has_more = True
    while has_more:
        message = await receive()
        body += message.get("body", b"")
        has_more = message.get("more_body", False)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    return HttpRequest(
        method=scope["method"],
        path=raw_path.decode("ascii").partition("?")[0],
        query=scope.get("query_string", b"").decode("ascii"),
        headers=[(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]],
        body=bytes(body),
        peer=(scope.get("client") or (peer, 0))[0],
        request_id="test",
    )
