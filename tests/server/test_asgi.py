"""ASGI apps as handlers on a real listener, and handlers as ASGI apps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Route

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.server.asgi import AsgiMount, asgi_app
from naftiko_run.server.listener import with_fallback


def get(path: str, method: str = "GET", *fields: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost:8080", f"Content-Length: {len(body)}", *fields, "\r\n"]
    return "\r\n".join(lines).encode() + body


async def show(request: Request) -> JSONResponse:
    body = (await request.body()).decode()
    return JSONResponse(
        {
            "path": request.url.path,
            "query": request.url.query,
            "body": body,
            "port": request.url.port,
            "a": request.headers.get("x-a"),
        }
    )


def starlette(*routes: Route, **options) -> AsgiMount:
    return AsgiMount(Starlette(routes=[Route("/app/{rest:path}", show, methods=["GET", "POST"]), *routes], **options))


async def test_a_mounted_app_gets_its_prefix_and_the_handler_the_rest(serving):
    running = await serving(mounts=[("/app", starlette())])

    mounted = await running.ask(get("/app/x%20y?q=1", "POST", "X-A: b", body=b"hello"))
    own = await running.ask(get("/application"))

    assert mounted.json == {"path": "/app/x y", "query": "q=1", "body": "hello", "port": 8080, "a": "b"}
    assert own.json["path"] == "/application"


async def test_a_mounted_answer_of_one_piece_has_a_length(serving):
    answer = await (await serving(mounts=[("/app", starlette())])).ask(get("/app/a"))

    assert int(answer.headers["content-length"]) == len(answer.body)


async def test_head_of_a_mounted_app(serving):
    caller = await (await serving(mounts=[("/app", starlette())])).connect()
    caller.send(get("/app/a", "HEAD"))
    answer = await caller.answer(has_body=False)

    assert answer.status == 200
    assert (await caller.ask(get("/app/b"))).json["path"] == "/app/b"


async def test_events_are_sent_as_the_app_makes_them(serving):
    more = asyncio.Event()

    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await more.wait()
        yield b"data: 2\n\n"

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(events(), media_type="text/event-stream")

    caller = await (await serving(mounts=[("/", starlette(Route("/events", stream)))])).connect()
    caller.send(get("/events"))

    assert (await caller.head()).headers["transfer-encoding"] == "chunked"
    assert await caller.chunk() == b"data: 1\n\n"
    more.set()
    assert [await caller.chunk(), await caller.chunk()] == [b"data: 2\n\n", b""]
    assert (await caller.ask(get("/app/a"))).status == 200


async def test_the_head_of_a_stream_does_not_wait_for_its_first_chunk(serving):
    async def silent() -> AsyncIterator[bytes]:
        await asyncio.sleep(30)
        yield b""

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(silent())

    caller = await (await serving(mounts=[("/", starlette(Route("/events", stream)))])).connect()
    caller.send(get("/events"))

    async with asyncio.timeout(1):
        assert (await caller.head()).status == 200


async def test_a_mounted_stream_ends_when_the_caller_leaves(serving):
    ended = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick\n"
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async def stream(request: Request) -> StreamingResponse:
        return StreamingResponse(endless())

    mount = starlette(Route("/events", stream))
    caller = await (await serving(mounts=[("/", mount)])).connect()
    caller.send(get("/events"))
    await caller.head()
    await caller.close()

    await asyncio.wait_for(ended.wait(), 1)
    async with asyncio.timeout(1):
        while mount._cycles:
            await asyncio.sleep(0.01)


async def test_head_of_a_mounted_stream_ends_the_stream(serving):
    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError("only http")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"tick", "more_body": True})

    mount = AsgiMount(app)
    caller = await (await serving(mounts=[("/", mount)])).connect()
    caller.send(get("/", "HEAD"))
    await caller.head()

    async with asyncio.timeout(1):
        while mount._cycles:
            await asyncio.sleep(0.01)


async def test_work_after_an_answer_does_not_hold_it_back(serving):
    is_done = asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError("only http")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"now"})
        await asyncio.sleep(0.05)
        is_done.set()

    answer = await (await serving(mounts=[("/", AsgiMount(app))])).ask(get("/"))

    assert (answer.body, is_done.is_set()) == (b"now", False)
    await asyncio.wait_for(is_done.wait(), 1)


async def test_an_app_waiting_before_its_answer_learns_that_the_caller_left(serving):
    told, started = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        if scope["type"] != "http":
            raise RuntimeError("only http")
        await receive()
        started.set()
        assert (await receive())["type"] == "http.disconnect"
        told.set()

    caller = await (await serving(mounts=[("/", AsgiMount(app))])).connect()
    caller.send(get("/"))
    await started.wait()
    await caller.close()

    await asyncio.wait_for(told.wait(), 1)


@pytest.mark.parametrize("is_late", [False, True], ids=["before its answer", "within its answer"])
async def test_a_failing_app_shows_nothing(serving, caplog, is_late):
    async def app(scope, receive, send):
        if is_late and scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"part", "more_body": True})
        raise RuntimeError("swordfish")

    caller = await (await serving(mounts=[("/", AsgiMount(app))])).connect()
    caller.send(get("/"))
    try:
        seen = await caller.head()
        rest = b"" if not is_late else await caller.rest()
    except ConnectionResetError:
        rest = b""

    assert seen.status == (200 if is_late else 500)
    assert b"swordfish" not in rest
    assert not rest.endswith(b"0\r\n\r\n")


async def test_an_app_that_answers_nothing_is_an_internal_error(serving, caplog):
    async def app(scope, receive, send):
        return None

    assert (await (await serving(mounts=[("/", AsgiMount(app))])).ask(get("/"))).status == 500


async def test_a_lifespan_starts_before_the_first_request_and_ends_with_the_server(serving):
    events = []

    async def lifespan(app):
        events.append("started")
        yield {"answer": 42}
        events.append("stopped")

    async def state(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.state.answer))

    running = await serving(mounts=[("/", starlette(Route("/state", state), lifespan=_context(lifespan)))])

    assert (await running.ask(get("/state"))).body == b"42"
    await running.server.close()
    assert events == ["started", "stopped"]


def _context(generator):
    from contextlib import asynccontextmanager

    return asynccontextmanager(generator)


async def test_what_a_handler_declines_goes_to_the_app_behind_it(serving):
    async def picky(request: HttpRequest) -> HttpAnswer | None:
        return HttpAnswer(status=200, body=b"mine") if request.path == "/mine" else None

    events = []

    async def lifespan(app):
        events.append("started")
        yield
        events.append("stopped")

    app = starlette(lifespan=_context(lifespan))
    running = await serving(with_fallback(picky, app), fallbacks=[app])

    assert (await running.ask(get("/mine"))).body == b"mine"
    assert (await running.ask(get("/app/x"))).json["path"] == "/app/x"
    await running.server.close()
    assert events == ["started", "stopped"]


async def test_a_lifespan_that_fails_stops_the_start(serving, caplog):
    async def lifespan(app):
        raise ValueError("no database")
        yield

    with pytest.raises(RuntimeError, match="failed to start"):
        await serving(mounts=[("/", starlette(lifespan=_context(lifespan)))])


async def test_an_official_mcp_app_works_when_mounted(serving):
    from mcp.client.client import Client
    from mcp.server.mcpserver import MCPServer

    server = MCPServer("probe")

    @server.tool()
    def add(a: int, b: int) -> int:
        return a + b

    app = server.streamable_http_app(streamable_http_path="/mcp")
    running = await serving(mounts=[("/mcp", AsgiMount(app))])

    async with Client(f"http://127.0.0.1:{running.server.ports[0]}/mcp") as client:
        result = await client.call_tool("add", {"a": 2, "b": 3})

    assert result.content[0].text == "5"


# ---- the other way


async def test_a_handler_as_an_asgi_app_answers_a_client_without_a_socket():
    async def handler(request: HttpRequest) -> HttpAnswer:
        text = f"{request.method} {request.path} {request.query} {request.header('x-a')} {request.body.decode()}"
        return HttpAnswer(status=201, headers=[("X-B", "c")], body=text.encode())

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app(handler)), base_url="http://localhost") as client:
        answer = await client.post("/a%2Fb?q=%31", content="hello", headers={"X-A": "1"})

    assert (answer.status_code, answer.headers["x-b"], answer.text) == (201, "c", "POST /a%2Fb q=%31 1 hello")


async def test_a_stream_of_a_handler_goes_through_asgi():
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def handler(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, stream=parts())

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app(handler)), base_url="http://localhost") as client:
        answer = await client.get("/")

    assert answer.text == "onetwo"
