"""Answers on a connection: whole and streamed, failing handlers, callers that leave or do not read."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


async def eventually(condition, seconds: float = 2.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_failing_handler_shows_nothing_but_an_id(serving, caplog):
    async def failing(request: HttpRequest) -> HttpAnswer:
        raise ValueError("the password is swordfish")

    caller = await (await serving(failing)).connect()
    answer = await caller.ask(GET)

    assert (answer.status, answer.headers["content-type"]) == (500, "application/problem+json")
    assert b"swordfish" not in answer.body
    assert answer.json["requestId"] == answer.headers["x-request-id"]
    assert answer.json["requestId"] in caplog.text
    assert (await caller.ask(GET)).status == 500  # and the connection lives on


@pytest.mark.parametrize(
    "answer",
    [
        HttpAnswer(status=200, headers=[("x-a", "1\r\nset-cookie: x")]),
        HttpAnswer(status=200, headers=[("x-a", "1\n")]),
        HttpAnswer(status=200, headers=[("x-a\r\nx-b", "1")]),
        HttpAnswer(status=200, headers=[("x a", "1")]),
        HttpAnswer(status=200, headers=[("x-a", "snow ☃")]),
        HttpAnswer(status=200, headers=[("x-a", "a\0b")]),
        HttpAnswer(status=99),
    ],
    ids=["line break", "line feed", "line break in name", "space in name", "beyond latin-1", "null", "status"],
)
async def test_an_answer_that_would_break_the_framing_becomes_an_internal_error(serving, answer, caplog):
    caplog.set_level(logging.CRITICAL)

    async def broken(request: HttpRequest) -> HttpAnswer:
        return answer

    caller = await (await serving(broken)).connect()

    assert (await caller.ask(GET)).status == 500
    assert (await caller.ask(GET)).status == 500


async def test_a_handler_that_returns_nothing_is_an_internal_error(serving, caplog):
    async def forgetful(request: HttpRequest) -> None:
        return None

    assert (await (await serving(forgetful)).ask(GET)).status == 500


async def test_a_body_that_is_not_bytes_ends_the_connection(serving, caplog):
    async def careless(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body="text")

    running = await serving(careless)
    caller = await running.connect()
    caller.send(GET)

    with contextlib.suppress(ConnectionResetError):
        assert await caller.rest() == b""
    await eventually(lambda: running.server.state.connections == 0)


async def test_framing_fields_of_a_handler_are_replaced(serving):
    async def meddling(request: HttpRequest) -> HttpAnswer:
        headers = [("Content-Length", "999"), ("Transfer-Encoding", "chunked"), ("Connection", "upgrade"), ("x-kept", "1")]
        return HttpAnswer(status=200, headers=headers, body=b"four")

    caller = await (await serving(meddling)).connect()
    answer = await caller.ask(GET)

    assert (answer.headers["content-length"], answer.body, answer.headers["x-kept"]) == ("4", b"four", "1")
    assert "transfer-encoding" not in answer.headers
    assert "connection" not in answer.headers
    assert (await caller.ask(GET)).status == 200


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_has_no_length(serving, status):
    async def empty(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=status, body=b"ignored")

    caller = await (await serving(empty)).connect()
    answer = await caller.ask(GET)

    assert (answer.status, "content-length" in answer.headers) == (status, False)
    assert (await caller.ask(GET)).status == status


async def test_a_large_answer_arrives_whole(serving):
    body = b"0123456789" * 300_000

    async def large(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, body=body)

    assert (await (await serving(large)).ask(GET)).body == body


# ---- streams


def streaming(source):
    async def handler(request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(status=200, headers=[("content-type", "text/event-stream")], stream=source())

    return handler


async def three() -> AsyncIterator[bytes]:
    for part in (b"one", b"", b"two", b"three"):
        yield part


async def test_a_stream_is_chunked_and_the_connection_kept(serving):
    caller = await (await serving(streaming(three))).connect()
    answer = await caller.ask(GET)

    assert (answer.headers["transfer-encoding"], answer.body) == ("chunked", b"onetwothree")
    assert (await caller.ask(GET)).body == b"onetwothree"


async def test_chunks_are_sent_as_they_come(serving):
    more = asyncio.Event()

    async def waiting() -> AsyncIterator[bytes]:
        yield b"first"
        await more.wait()
        yield b"second"

    caller = await (await serving(streaming(waiting))).connect()
    caller.send(GET)
    await caller.head()

    assert await caller.chunk() == b"first"
    more.set()
    assert await caller.chunk() == b"second"
    assert await caller.chunk() == b""


async def test_a_stream_to_http_1_0_ends_with_the_connection(serving):
    caller = await (await serving(streaming(three))).connect()
    caller.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert "transfer-encoding" not in (await caller.head()).headers
    assert await caller.rest() == b"onetwothree"


async def test_head_of_a_stream_sends_no_chunk(serving):
    caller = await (await serving(streaming(three))).connect()
    caller.send(b"HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await caller.head()

    assert (await caller.ask(GET)).body == b"onetwothree"


async def test_a_stream_that_fails_is_cut_so_that_nobody_takes_it_for_complete(serving, caplog):
    async def failing() -> AsyncIterator[bytes]:
        yield b"one"
        raise ValueError("no more")

    caller = await (await serving(streaming(failing))).connect()
    caller.send(GET)
    await caller.head()

    rest = b""
    with contextlib.suppress(ConnectionResetError):
        rest = await caller.rest()
    assert not rest.endswith(b"0\r\n\r\n")


async def test_a_stream_waits_for_a_caller_that_does_not_read(serving):
    made = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * 65_536

    caller = await (await serving(streaming(endless))).connect()
    caller.send(GET)
    await caller.head()
    await asyncio.sleep(0.2)
    seen = made
    await asyncio.sleep(0.1)

    assert made == seen < 500


async def test_a_caller_that_leaves_ends_the_stream(serving):
    is_closed = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        try:
            yield b"one"
            await asyncio.sleep(60)
        finally:
            is_closed.set()

    running = await serving(streaming(endless))
    caller = await running.connect()
    caller.send(GET)
    await caller.head()
    await caller.close()

    await asyncio.wait_for(is_closed.wait(), 1)
    await eventually(lambda: running.server.state.streams == 0 and running.server.state.connections == 0)


async def test_one_stream_too_many_is_turned_away(serving):
    async def endless() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(60)

    running = await serving(streaming(endless), limits={"streams": 1})
    caller = await running.connect()
    caller.send(GET)
    await caller.head()

    assert (await running.ask(GET)).status == 503


async def test_a_stream_does_not_count_as_a_request_in_flight(serving):
    async def handler(request: HttpRequest) -> HttpAnswer:
        if request.path == "/plain":
            return HttpAnswer(status=200)
        return await streaming(endless)(request)

    async def endless() -> AsyncIterator[bytes]:
        yield b"one"
        await asyncio.sleep(60)

    running = await serving(handler, limits={"in_flight": 1})
    caller = await running.connect()
    caller.send(GET)
    await caller.head()

    assert (await running.ask(b"GET /plain HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 200


# ---- callers that leave


async def test_a_handler_is_told_at_once_that_its_caller_left(serving):
    told, started = asyncio.Event(), asyncio.Event()

    async def slow(request: HttpRequest) -> HttpAnswer:
        request.on_disconnect = told.set
        started.set()
        await asyncio.sleep(30)
        return HttpAnswer(status=200)

    caller = await (await serving(slow)).connect()
    caller.send(GET)
    await started.wait()
    await caller.close()

    await asyncio.wait_for(told.wait(), 0.5)


async def test_a_handler_is_not_told_after_it_has_answered(serving):
    told = []

    async def quick(request: HttpRequest) -> HttpAnswer:
        request.on_disconnect = lambda: told.append(request.path)
        return HttpAnswer(status=200)

    running = await serving(quick)
    caller = await running.connect()
    await caller.ask(GET)
    await caller.close()
    await eventually(lambda: running.server.state.connections == 0)

    assert told == []


async def test_a_handler_ends_its_work_when_the_caller_left_without_being_asked_for(serving, caplog):
    done, started = asyncio.Event(), asyncio.Event()

    async def slow(request: HttpRequest) -> HttpAnswer:
        started.set()
        await asyncio.sleep(0.05)
        done.set()
        return HttpAnswer(status=200)

    caller = await (await serving(slow)).connect()
    caller.send(GET)
    await started.wait()
    await caller.close()

    await asyncio.wait_for(done.wait(), 1)
    assert caplog.text == ""


# ---- overload


async def test_above_the_limit_a_request_waits_for_a_place(serving):
    async def slow(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.05)
        return HttpAnswer(status=200)

    running = await serving(slow, limits={"in_flight": 1})

    answers = await asyncio.gather(*(running.ask(GET) for _ in range(3)))

    assert [answer.status for answer in answers] == [200, 200, 200]


async def test_a_request_that_waited_too_long_is_turned_away_with_a_time_to_come_back(serving):
    release = asyncio.Event()

    async def stuck(request: HttpRequest) -> HttpAnswer:
        await release.wait()
        return HttpAnswer(status=200)

    running = await serving(stuck, limits={"in_flight": 1, "admission_wait": 0.05})
    first = asyncio.create_task(running.ask(GET))
    await eventually(lambda: running.server.state.admission.in_flight == 1)

    answer = await running.ask(GET)

    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    release.set()
    assert (await first).status == 200
    assert running.server.state.admission.in_flight == 0


async def test_a_health_listener_answers_in_overload(serving):
    running = await serving(limits={"in_flight": 0, "connections": 0}, is_exempt=True)

    assert (await running.ask(GET)).status == 200
