"""Calls that report progress: which do, what is sent meanwhile, and what happens when the client leaves."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from naftiko_run.document.nodes import Node
from naftiko_run.expressions.argument import compile_body
from naftiko_run.expressions.reference import Names
from naftiko_run.flows.progress import report_step
from naftiko_run.flows.result import Result
from naftiko_run.flows.steps import LookupStep

TOKEN = {"_meta": {"progressToken": "t-1"}}
STEP = LookupStep(name="step", index="a", match="b", value=compile_body(Node("x", None, "f.yaml"), Names()), outputs=())


@pytest.fixture
def exposure(exposure):
    """The tools have two steps each."""
    tools = tuple(replace(tool, flow=replace(tool.flow, steps=(STEP, STEP))) for tool in exposure.tools)
    return replace(exposure, tools=tools)


@pytest.fixture
def second_step(upstream):
    """``list-jobs`` reports its first step, waits for this event, and reports its second."""
    opened = asyncio.Event()

    async def steps():
        report_step(1, 2, "first")
        await opened.wait()
        report_step(2, 2, "second")
        return Result(data=[])

    upstream.answers["list-jobs"] = lambda inputs: steps()
    return opened


def parsed(event):
    lines = event.decode().split("\n")
    assert lines[0] == "event: message"
    return json.loads(lines[1].removeprefix("data: "))


async def test_steps_are_reported_while_they_finish_and_the_answer_ends_the_stream(mcp, request_body, second_step):
    answer = await mcp.send(request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=mcp.modern))

    assert (answer.status, dict(answer.headers)["content-type"]) == (200, "text/event-stream")
    first = parsed(await anext(answer.stream))
    second_step.set()
    rest = [parsed(event) async for event in answer.stream]

    assert first == {
        "jsonrpc": "2.0",
        "method": "notifications/progress",
        "params": {"progressToken": "t-1", "progress": 1, "total": 2, "message": "first"},
    }
    assert rest[0]["params"]["progress"] == 2
    assert rest[1]["id"] == 1
    assert rest[1]["result"]["content"] == [{"type": "text", "text": "[]"}]
    assert len(rest) == 2


@pytest.mark.parametrize(
    ("params", "accept"),
    [
        ({"name": "list-jobs"}, "*/*"),
        ({"name": "unknown", **TOKEN}, "*/*"),
        ({"name": "list-jobs", "_meta": {"progressToken": 1.5}}, "*/*"),
    ],
    ids=str,
)
async def test_everything_else_is_answered_at_once(mcp, request_body, second_step, params, accept):
    second_step.set()

    answer = await mcp.send(request_body("tools/call", params, modern=mcp.modern), {"accept": accept})

    assert answer.stream is None
    assert dict(answer.headers)["content-type"] == "application/json"


async def test_a_legacy_client_that_takes_no_events_gets_the_answer_alone(legacy, request_body, second_step):
    second_step.set()
    body = request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=False)

    answer = await legacy.send(body, {"accept": "application/json"})

    assert "result" in json.loads(answer.body)


async def test_a_failure_ends_the_stream_like_an_answer(mcp, request_body):
    answer = await mcp.send(request_body("tools/call", {"name": "refused", **TOKEN}, modern=mcp.modern))

    (event,) = [parsed(event) async for event in answer.stream]

    assert event["result"]["isError"] is True


async def test_a_silent_stream_is_kept_open(serve, caller, exposure, request_body, second_step):
    modern = caller(serve(exposure, keep_alive=0.01), modern=True)
    answer = await modern.send(request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=True))

    await anext(answer.stream)
    comment = await anext(answer.stream)
    second_step.set()

    assert comment.startswith(b":")
    assert [parsed(e)["jsonrpc"] async for e in answer.stream if not e.startswith(b":")] == ["2.0", "2.0"]


async def test_closing_the_stream_cancels_a_modern_call_and_no_legacy_one(mcp, request_body, second_step, upstream):
    ended = []

    async def steps():
        report_step(1, 2, "first")
        try:
            await second_step.wait()
            ended.append("done")
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        return Result(data=[])

    upstream.answers["list-jobs"] = lambda inputs: steps()
    answer = await mcp.send(request_body("tools/call", {"name": "list-jobs", **TOKEN}, modern=mcp.modern))
    await anext(answer.stream)

    await answer.stream.aclose()
    await asyncio.sleep(0)
    second_step.set()
    await asyncio.sleep(0.01)

    assert ended == ["cancelled" if mcp.modern else "done"]
