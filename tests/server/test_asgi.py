"""Handlers as ASGI apps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.limits import Limits
from naftiko_run.server.asgi import asgi_app


async def test_a_handler_answers_an_asgi_client():
    async def handler(request: HttpRequest) -> HttpAnswer:
        text = f"{request.method} {request.path} {request.query} {request.header('x-a')} {request.body.decode()}"
        return HttpAnswer(status=201, headers=[("X-B", "c")], body=text.encode())

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app(handler)), base_url="http://localhost") as client:
        answer = await client.post("/a%2Fb?q=%31", content="hello", headers={"X-A": "1"})

    assert (answer.status_code, answer.headers["x-b"], answer.text) == (201, "c", "POST /a%2Fb q=%31 1 hello")


async def test_a_stream_of_a_handler_goes_through():
    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def handler(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, stream=parts())

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app(handler)), base_url="http://localhost") as client:
        answer = await client.get("/")

    assert answer.text == "onetwo"


async def test_a_body_over_the_limit_is_refused_before_the_handler_sees_it():
    async def handler(request: HttpRequest) -> HttpAnswer:
        raise AssertionError("called")

    app = asgi_app(handler, limits=Limits(request_body=4))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as client:
        answer = await client.post("/", content=b"12345")

    assert (answer.status_code, answer.json()["title"]) == (413, "Request body too large")


async def test_every_request_has_an_id_of_its_own():
    async def handler(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body=request.request_id.encode())

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=asgi_app(handler)), base_url="http://localhost") as client:
        first, second = await client.get("/"), await client.get("/")

    assert first.text
    assert first.text != second.text
