"""What calls leave behind: nothing, however they end."""

from __future__ import annotations

import asyncio
import gc
import json
from dataclasses import replace

import pytest

from naftiko_run.document.nodes import Node
from naftiko_run.expressions.argument import compile_body
from naftiko_run.expressions.reference import Names
from naftiko_run.flows.progress import report_step
from naftiko_run.flows.result import Result
from naftiko_run.flows.steps import LookupStep
from naftiko_run.server.listener import Listener
from naftiko_run.server.server import Server

STEP = LookupStep(name="step", index="a", match="b", value=compile_body(Node("x", None, "f.yaml"), Names()), outputs=())
TOKEN = {"_meta": {"progressToken": "t-1"}}
# A result, a shaped result, a refusal, a wrong input, an unknown name that is never the same twice.
CALLS = [("list-jobs", {}), ("get-job", {"job-id": 1}), ("refused", {}), ("get-job", {"job-id": "x"}), ("no-{}", {})]
SPARE = 100  # objects that caches and counters may come to


@pytest.fixture
def make_calls(upstream, request_body):
    """``await make_calls(mcp, COUNT)``: calls of every kind, one after the other."""
    # The exception that the fixture raises again and again keeps every traceback it ever had.
    upstream.answers["refused"] = lambda inputs: Result(status=404, data={})

    async def calls(mcp, count):
        for number in range(count):
            name, arguments = CALLS[number % len(CALLS)]
            params = {"name": name.format(number), "arguments": arguments}
            await mcp.send(request_body("tools/call", params, modern=mcp.modern))
            upstream.calls.clear()

    return calls


def living():
    gc.collect()
    return len(gc.get_objects())


@pytest.mark.parametrize("count", [1_000, pytest.param(20_000, marks=pytest.mark.slow)])
async def test_memory_does_not_grow_with_calls(mcp, make_calls, count):
    await make_calls(mcp, 200)
    before = living()

    await make_calls(mcp, count)

    assert living() - before < SPARE
    assert len(asyncio.all_tasks()) == 1


@pytest.fixture
def exposure(exposure):
    """``list-jobs`` has two steps."""
    first, *rest = exposure.tools
    return replace(exposure, tools=(replace(first, flow=replace(first.flow, steps=(STEP, STEP))), *rest))


@pytest.fixture
def opened(upstream):
    """``list-jobs`` reports its first step and waits for this."""
    event = asyncio.Event()

    async def steps():
        report_step(1, 2, "first")
        await event.wait()
        return Result(data=[])

    upstream.answers["list-jobs"] = lambda inputs: steps()
    return event


async def settled(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_streams_that_are_left_leave_nothing(mcp, request_body, opened):
    body = request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=mcp.modern)
    streams = [(await mcp.send(body)).stream for _ in range(60)]

    never, left, read = streams[:20], streams[20:40], streams[40:]
    for stream in left + read:
        await anext(stream)
    for stream in never + left:
        await stream.aclose()
    opened.set()
    ends = [[event async for event in stream][-1] for stream in read]

    await settled(lambda: len(asyncio.all_tasks()) == 1)
    assert not mcp.adapter.whole.streaming
    assert all(b'"result"' in end for end in ends)


async def test_connections_that_break_during_a_stream_leave_nothing(adapter, posted, request_body, opened):
    server = Server([Listener(port=0, handler=adapter.handle)])
    server.bind()
    await server.accept()
    request = posted(request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=True), modern=True)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    wire = f"POST /mcp HTTP/1.1\r\n{head}content-length: {len(request.body)}\r\n\r\n".encode() + request.body
    writers = []
    for _ in range(30):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.ports[0])
        writer.write(wire.replace(b"127.0.0.1:4100", b"127.0.0.1:%d" % server.ports[0]))
        assert b"200 OK" in await reader.readline()
        writers.append(writer)
    await settled(lambda: len(adapter.whole.streaming) == 30)

    for writer in writers:
        writer.transport.abort()

    await settled(lambda: not adapter.whole.streaming)
    await server.drain()
    await server.close()


async def test_lines_leave_nothing(adapter, request_body, upstream):
    upstream.answers["refused"] = lambda inputs: Result(status=404, data={})
    reader, written = asyncio.StreamReader(), []

    class Writer:
        def write(self, data):
            written.append(data)

        async def drain(self):
            return None

    serving = asyncio.create_task(adapter.serve_stdio(reader, Writer()))

    async def lines(count):
        for number in range(count):
            name, arguments = CALLS[number % len(CALLS)]
            message = request_body("tools/call", {"name": name, "arguments": arguments}, modern=False, number=number)
            reader.feed_data(json.dumps(message).encode() + b"\n")
        await settled(lambda: len(written) == count)
        written.clear()
        upstream.calls.clear()
        await asyncio.sleep(0.01)

    await lines(100)
    before = living()
    await lines(500)

    assert living() - before < SPARE
    reader.feed_eof()
    await serving
