"""Numbers: how they are counted, and how Prometheus reads them."""

from __future__ import annotations

import re

from controlled import JOBS, controlled
from naftiko_run.telemetry.metrics import MOST_SERIES, OVERFLOW, Metrics, render

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? [0-9.e+-]+')


async def test_requests_and_upstream_calls_are_counted(tmp_path, upstream):
    upstream.replies(json={}, path="/jobs/1")
    upstream.replies(status=404, path="/jobs/2")
    async with controlled(tmp_path, JOBS, upstream) as running:
        for target in ("/jobs/1", "/jobs/2", "/nothing"):
            await running.get(target)
        await running.tool("get-job", id="2")
        answer = await running.control("GET", "/metrics")

    assert answer.headers["content-type"].startswith("text/plain")
    lines = answer.text.splitlines()
    labels = 'naftiko_adapter_type="rest",naftiko_operation_id="/jobs/{id} GET"'
    assert f'naftiko_request_total{{{labels},status="200"}} 1' in lines
    assert f'naftiko_request_total{{{labels},status="404"}} 1' in lines
    assert f'naftiko_request_errors{{{labels},error_type="UpstreamStatus"}} 1' in lines
    assert 'naftiko_request_total{naftiko_adapter_type="rest",naftiko_operation_id="(none)",status="404"} 1' in lines
    assert 'naftiko_request_total{naftiko_adapter_type="mcp",naftiko_operation_id="get-job",status="ERROR"} 1' in lines
    client = 'http_request_method="GET",server_address="localhost",http_response_status_code="404"'
    assert f"naftiko_http_client_total{{{client}}} 2" in lines
    assert 'naftiko_capability_active{naftiko_capability="Jobs"} 1' in lines
    assert all(line.startswith("# ") or LINE.fullmatch(line) for line in lines)


def test_buckets_count_up_in_seconds():
    metrics = Metrics()
    for seconds in (0.004, 0.02, 100):
        metrics.request_seconds.observe(seconds, "rest", "x", "200")

    lines = [line for line in render(metrics).splitlines() if "duration_seconds_bucket" in line or "_count" in line]

    assert lines[0].endswith('le="0.005"} 1')
    assert lines[2].endswith('le="0.025"} 2')
    assert lines[-2].endswith('le="+Inf"} 3')
    assert lines[-1].endswith("} 3")


def test_labels_are_escaped():
    metrics = Metrics()
    metrics.active.replace({('a "quoted"\\\nlabel',): 1.0})

    assert 'naftiko_capability_active{naftiko_capability="a \\"quoted\\"\\\\\\nlabel"} 1' in render(metrics)


def test_labels_that_a_caller_invents_cannot_fill_the_memory():
    metrics = Metrics()
    for number in range(MOST_SERIES + 50):
        metrics.requests.add("rest", f"/{number}", "404")

    assert len(metrics.requests.values) == MOST_SERIES + 1
    assert metrics.requests.values[(OVERFLOW,) * 3] == 50
