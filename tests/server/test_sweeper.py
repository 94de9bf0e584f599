"""Deadlines of a connection: slow heads, slow bodies, idle connections, callers that do not read."""

from __future__ import annotations

import asyncio
import time

import pytest

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SHORT = {"header_time": 0.2, "body_time": 0.3, "keep_alive": 0.4}


async def drip(caller, data: bytes) -> None:
    for byte in data:
        caller.send(bytes([byte]))
        await asyncio.sleep(0.03)


@pytest.mark.parametrize(
    ("begun", "dripped"),
    [
        (b"GET / HTTP/1.1\r\n", b"X-Slow: aaaaaaaaaaaaaaaaaaaaaaaaa"),
        (b"G", b"ET /aaaaaaaaaaaaaaaaaaaaaaaa"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n", b"aaaaaaaaaaaaaaaaaaaaaaaaaaa"),
        (
            b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"1\r\na\r\n1\r\na\r\n1\r\na\r\n1\r\na\r\n",
        ),
    ],
    ids=["head", "request line", "body", "chunks"],
)
async def test_a_caller_that_drips_is_told_and_closed(serving, begun, dripped):
    caller = await (await serving(limits=SHORT)).connect()
    begin = time.monotonic()
    caller.send(begun)
    dripping = asyncio.create_task(drip(caller, dripped))

    answer = await caller.answer()
    took = time.monotonic() - begin
    dripping.cancel()

    assert (answer.status, answer.headers["connection"]) == (408, "close")
    assert took < 0.6


async def test_a_caller_that_sends_nothing_is_closed(serving):
    caller = await (await serving(limits=SHORT)).connect()

    assert await caller.rest(1) == b""


async def test_an_idle_connection_is_closed_later(serving):
    caller = await (await serving(limits=SHORT)).connect()
    await caller.ask(GET)
    begin = time.monotonic()

    assert await caller.rest(2) == b""
    assert 0.25 < time.monotonic() - begin < 0.8


async def test_a_slow_handler_is_no_deadline_of_the_connection(serving):
    async def slow(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.8)
        return HttpAnswer(status=200, body=b"late")

    assert (await (await serving(slow, limits=SHORT)).ask(GET)).body == b"late"


async def test_a_caller_that_never_reads_its_answer_is_dropped(serving):
    async def large(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body=b"x" * 20_000_000)

    running = await serving(large, limits=SHORT)
    caller = await running.connect()
    caller.send(GET)
    await caller.head()

    async with asyncio.timeout(2):
        while running.server.state.connections:
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("field", [b"", b"Connection: close\r\n"], ids=["kept", "closed"])
async def test_a_caller_that_reads_slowly_but_steadily_gets_its_answer(serving, field):
    body = b"x" * 20_000_000

    async def large(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body=body)

    caller = await (await serving(large, limits={"body_time": 0.8, "keep_alive": 0.3})).connect()
    caller.send(GET[:-2] + field + b"\r\n")
    head = await caller.head()
    got = 0
    while got < int(head.headers["content-length"]):
        got += len(await caller.reader.readexactly(500_000))
        await asyncio.sleep(0.03)

    assert got == len(body)


async def test_slow_callers_do_not_slow_a_normal_one(serving):
    running = await serving(limits=SHORT)
    slow = [await running.connect() for _ in range(100)]
    for caller in slow:
        caller.send(b"GET / HTTP/1.1\r\nX: ")
    normal = await running.connect()

    longest = 0.0
    for _ in range(50):
        begin = time.monotonic()
        assert (await normal.ask(GET)).status == 200
        longest = max(longest, time.monotonic() - begin)
        await asyncio.sleep(0.01)

    assert longest < 0.25
    assert running.server.state.connections == 1  # only the normal one is left
