"""Traces of real requests: where they come from, what they hold, and what upstreams are told."""

from __future__ import annotations

import pytest

from controlled import JOBS, controlled

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
STEPS = JOBS.replace(
    "  exposes:\n",
    """  aggregates:
  - namespace: jobs-flows
    functions:
    - name: first-job
      steps:
      - {type: call, name: one, call: jobs.get-job, with: {id: '1'}}
      - {type: call, name: two, call: jobs.get-job, with: {id: '2'}}
  exposes:
""",
).replace(
    "    - {name: get-job, description: One job., call: jobs.get-job, with: {id: tools.id}}\n",
    "    - {name: get-job, description: One job., call: jobs.get-job, with: {id: tools.id}}\n"
    "    - {name: both, description: Two jobs., ref: jobs-flows.first-job}\n",
)


@pytest.fixture
async def running(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    async with controlled(tmp_path, STEPS, upstream) as found:
        yield found


async def latest(running, **filters):
    listed = (await running.control("GET", "/traces")).json()["traces"]
    return (await running.control("GET", f"/traces/{listed[0]['traceId']}")).json()


def tree(trace):
    """(span, the span above it) by name."""
    names = {span["spanId"]: span["name"] for span in trace["spans"]}
    return [(span["name"], names.get(span.get("parentSpanId"), "")) for span in trace["spans"]]


async def test_a_rest_request_is_a_trace(running):
    await running.get("/jobs/1")

    trace = await latest(running)

    assert (trace["operation"], trace["status"], trace["spanCount"]) == ("/jobs/{id} GET", "OK", 2)
    assert tree(trace) == [("rest.request", ""), ("http.client.GET", "rest.request")]
    assert trace["spans"][0]["kind"] == "SERVER"


async def test_a_tool_call_is_a_trace(running):
    await running.tool("get-job", id="1")

    trace = await latest(running)

    assert trace["operation"] == "get-job"
    assert tree(trace) == [("mcp.request", ""), ("mcp.tool", "mcp.request"), ("http.client.GET", "mcp.tool")]


async def test_steps_of_an_aggregate_stand_between(running):
    await running.tool("both")

    found = tree(await latest(running))

    assert found.count(("step.call", "aggregate.flow")) == 2
    assert found.count(("http.client.GET", "step.call")) == 2
    assert ("aggregate.flow", "mcp.tool") in found


async def test_a_failed_request_is_a_trace_that_failed(running, upstream):
    upstream.refuse()

    await running.get("/jobs/1")
    trace = await latest(running)

    assert trace["status"] == "ERROR"
    assert {span["name"] for span in trace["spans"]} == {"rest.request", "http.client.GET"}


async def test_traces_can_be_filtered_and_the_oldest_make_room(running):
    await running.get("/jobs/1")
    await running.get("/nothing")
    for _ in range(10):
        await running.tool("get-job", id="1")
    everything = (await running.control("GET", "/traces")).json()
    tools = (await running.control("GET", "/traces?operation=get-j")).json()["traces"]
    failed = (await running.control("GET", "/traces?status=error")).json()["traces"]

    assert (everything["bufferSize"], everything["bufferUsed"], len(tools), failed) == (10, 10, 10, [])


async def test_an_unknown_trace_is_not_found(running):
    answer = await running.control("GET", "/traces/" + "0" * 32)

    assert (answer.status_code, answer.json().keys()) == (404, {"error"})


# ---- propagation


async def test_a_callers_trace_goes_on_to_the_upstream(running, upstream):
    await running.get("/jobs/1", traceparent=PARENT, tracestate="vendor=1")

    sent = upstream.request.header("traceparent").split("-")
    trace = await latest(running)

    assert (sent[0], sent[1], sent[3]) == ("00", "0af7651916cd43dd8448eb211c80319c", "01")
    assert sent[2] == trace["spans"][1]["spanId"]
    assert upstream.request.header("tracestate") == "vendor=1"
    assert (trace["spans"][0]["kind"], trace["spans"][0]["parentSpanId"]) == ("INTERNAL", "b7ad6b7169203331")


async def test_a_tool_callers_meta_carries_the_trace(running, upstream):
    await running.tool("get-job", meta={"traceparent": PARENT, "baggage": "team=a"}, id="1")

    assert upstream.request.header("traceparent").split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert upstream.request.header("baggage") == "team=a"


async def test_every_attempt_is_told_of_its_own_span(running, upstream):
    upstream.replies(status=503, path="/jobs/7")
    upstream.replies(json={}, path="/jobs/7")

    await running.get("/jobs/7")

    first, second = (request.header("traceparent") for request in upstream.requests)
    assert first != second
    assert len([name for name, _ in upstream.request.headers if name.lower() == "traceparent"]) == 1


async def test_a_caller_that_samples_nothing_is_obeyed(running, upstream):
    await running.get("/jobs/1", traceparent=PARENT[:-1] + "0")

    assert upstream.request.header("traceparent").endswith("-00")
    assert (await running.control("GET", "/traces")).json()["traces"] == []


async def test_b3_is_spoken_where_it_is_asked_for(tmp_path, upstream):
    upstream.replies(json={})
    b3 = JOBS.replace("{traces: {local", "{traces: {propagation: b3, local")
    async with controlled(tmp_path, b3, upstream) as running:
        await running.get("/jobs/1", **{"x-b3-traceid": "463ac35c9f6413ad48485a3953bb6124", "x-b3-spanid": "a2fb4a1d1a96d312"})

        assert upstream.request.header("x-b3-traceid") == "463ac35c9f6413ad48485a3953bb6124"
        assert upstream.request.header("x-b3-sampled") == "1"
        assert upstream.request.header("traceparent") == ""


async def test_sampling_nothing_keeps_nothing_and_still_counts(tmp_path, upstream):
    upstream.replies(json={})
    none = JOBS.replace("{traces: {local", "{traces: {sampling: 0, local")
    async with controlled(tmp_path, none, upstream) as running:
        await running.get("/jobs/1")

        assert (await running.control("GET", "/traces")).json()["traces"] == []
        assert "naftiko_request_total{" in (await running.control("GET", "/metrics")).text


async def test_without_telemetry_upstreams_are_told_nothing(tmp_path, upstream):
    upstream.replies(json={})
    off = JOBS.replace("observability: {traces", "observability: {enabled: false, traces")
    async with controlled(tmp_path, off, upstream) as running:
        await running.get("/jobs/1", traceparent=PARENT)

        assert running.process.telemetry is None
        assert upstream.request.header("traceparent") == ""
