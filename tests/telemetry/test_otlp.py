"""Traces and metrics at a collector: what arrives there, and what must not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra 'telemetry' is not installed")
sys.path.insert(0, str(Path(__file__).parent))

from collector import Collector

from controlled import JOBS, SECRET, controlled

COLLECTED = JOBS.replace(
    "    observability: {", "    observability: {exporters: {otlp: {endpoint: '{{COLLECTOR}}'}}, "
).replace("{JOBS_KEY: JOBS_KEY}", "{JOBS_KEY: JOBS_KEY, COLLECTOR: COLLECTOR}")


def attributes(span):
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


async def test_a_request_arrives_as_spans_below_each_other(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    with Collector() as collector:
        async with controlled(tmp_path, COLLECTED, upstream, {"COLLECTOR": collector.url}) as running:
            await running.get("/jobs/1")

    request, call = collector.spans["rest.request"], collector.spans["http.client.GET"]
    assert (call.trace_id, call.parent_span_id) == (request.trace_id, request.span_id)
    assert (request.kind, call.kind, request.parent_span_id) == (2, 3, b"")  # server, client, a root
    assert attributes(request)["naftiko.operation.id"] == "/jobs/{id} GET"
    assert attributes(request)["naftiko.capability"] == "Jobs"
    assert attributes(call)["http.response.status_code"] == 200
    assert attributes(call)["url.full"] == f"{upstream.url}/jobs/1"
    assert collector.resource["service.name"] == "Jobs"


async def test_metrics_arrive_with_the_names_and_labels_of_the_control_port(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    with Collector() as collector:
        async with controlled(tmp_path, COLLECTED, upstream, {"COLLECTOR": f"{collector.url}/v1/traces"}) as running:
            await running.get("/jobs/1")

    point = collector.metrics["naftiko_request_total"].sum.data_points[0]
    assert point.as_double == 1
    assert {one.key: one.value.string_value for one in point.attributes} == {
        "naftiko_adapter_type": "rest",
        "naftiko_operation_id": "/jobs/{id} GET",
        "status": "200",
    }
    times = collector.metrics["naftiko_request_duration_seconds"].histogram.data_points[0]
    assert (times.count, times.explicit_bounds[0]) == (1, 0.005)
    assert sorted(set(collector.paths)) == ["/v1/metrics", "/v1/traces"]


async def test_no_secret_leaves_in_any_byte(tmp_path, upstream):
    upstream.replies(status=500, body=SECRET)
    with Collector() as collector:
        async with controlled(tmp_path, COLLECTED, upstream, {"COLLECTOR": collector.url}) as running:
            await running.get(f"/jobs/{SECRET}?token={SECRET}")
            await running.tool("get-job", id=SECRET)
            shown = [(await running.control("GET", target)).text for target in ("/traces", "/metrics", "/status", "/config")]

    assert "http.client.GET" in collector.spans
    assert SECRET.encode() not in collector.raw
    assert all(SECRET not in text for text in shown)


async def test_a_collector_that_is_down_hurts_nobody(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    with Collector() as collector:
        gone = collector.url
    async with controlled(tmp_path, COLLECTED, upstream, {"COLLECTOR": gone, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}) as running:
        assert (await running.get("/jobs/1")).status_code == 200


async def test_the_standard_variables_alone_name_a_collector(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    uncontrolled = JOBS[: JOBS.index("  - type: control")]
    with Collector() as collector:
        async with controlled(tmp_path, uncontrolled, upstream, {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}) as running:
            await running.get("/jobs/1")
        async with controlled(
            tmp_path,
            uncontrolled,
            upstream,
            {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SDK_DISABLED": "true"},
        ) as running:
            assert running.process.telemetry is None

    assert {"rest.request", "http.client.GET"} <= collector.spans.keys()


async def test_without_a_control_port_or_a_collector_nothing_is_measured(tmp_path, upstream):
    async with controlled(tmp_path, JOBS[: JOBS.index("  - type: control")], upstream) as running:
        assert running.process.telemetry is None
