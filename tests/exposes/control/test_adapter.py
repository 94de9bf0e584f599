"""The control port as operators meet it: what exists, in which shapes, and what it never says."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from controlled import JOBS, SECRET, controlled

PLAIN = JOBS[: JOBS.index("    management:")]


@pytest.fixture
async def running(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    async with controlled(tmp_path, JOBS, upstream) as found:
        yield found


async def json_of(running, target):
    answer = await running.control("GET", target)
    assert answer.status_code == 200, answer.text
    return answer.json()


# ---- health and status


async def test_a_live_process_says_so(running):
    assert await json_of(running, "/health/live") == {"status": "UP"}


async def test_a_ready_process_lists_its_adapters(running):
    found = await json_of(running, "/health/ready")

    assert found["status"] == "UP"
    assert [(one["type"], one.get("namespace"), one["state"]) for one in found["adapters"]] == [
        ("rest", "jobs-rest", "started"),
        ("mcp", "jobs-mcp", "started"),
        ("control", None, "started"),
    ]
    assert all(one["port"] > 0 for one in found["adapters"])


async def test_a_draining_process_is_not_ready_but_alive(running):
    running.process.server.state.draining = True

    ready, live = await running.control("GET", "/health/ready"), None
    live = await running.control("GET", "/health/live")

    assert (ready.status_code, ready.json()["status"]) == (503, "DEGRADED")
    assert {one["state"] for one in ready.json()["adapters"]} == {"stopped"}
    assert live.status_code == 200


async def test_a_loop_that_lags_is_not_alive(running):
    running.process.server.state.lag = 6.0

    answer = await running.control("GET", "/health/live")

    assert (answer.status_code, answer.json()) == (503, {"status": "DOWN"})


async def test_status_says_what_is_served_since_when(running):
    await running.get("/jobs/1")

    found = await json_of(running, "/status")

    assert found["capability"] == {"label": "Jobs", "specVersion": "1.0.0-alpha2"}
    assert {"version", "java", "native"} <= found["engine"].keys()
    assert found["uptime"].startswith("PT")
    assert found["otel"] == {"status": "active"}
    assert len(found["adapters"]) == 3
    assert found["upstreams"]["jobs"]["breakers"] == {running.upstream.url: "closed"}


# ---- what exists


@pytest.mark.parametrize("target", ["/status", "/config", "/scripting", "/logs", "/logs/root", "/nothing", "/"])
async def test_what_is_not_switched_on_does_not_exist(tmp_path, upstream, target):
    async with controlled(tmp_path, PLAIN, upstream) as running:
        answer = await running.control("GET", target)

        assert answer.status_code == 404
        assert "error" in answer.json()


async def test_health_metrics_and_traces_exist_by_default(tmp_path, upstream):
    async with controlled(tmp_path, PLAIN, upstream) as running:
        for target in ("/health/live", "/health/ready", "/metrics", "/traces"):
            assert (await running.control("GET", target)).status_code == 200
        for target in ("/config/reload", "/config/validate"):
            assert (await running.control("POST", target)).status_code == 404


async def test_health_can_be_switched_off(tmp_path, upstream):
    async with controlled(tmp_path, PLAIN + "    management: {health: false}\n", upstream) as running:
        assert (await running.control("GET", "/health/live")).status_code == 404


async def test_telemetry_switched_off_is_unavailable_rather_than_unknown(tmp_path, upstream):
    off = PLAIN + "    management: {info: true}\n    observability: {enabled: false}\n"
    async with controlled(tmp_path, off, upstream) as running:
        assert (await running.control("GET", "/metrics")).status_code == 503
        assert (await running.control("GET", "/traces")).status_code == 503
        assert (await running.control("GET", "/status")).json()["otel"] == {"status": "inactive"}


async def test_another_method_is_refused_with_those_that_are_served(running):
    answer = await running.control("DELETE", "/scripting")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, PUT")


async def test_callers_without_the_credential_see_nothing(tmp_path, upstream):
    closed = JOBS.replace("    port: 9099\n", "    port: 9099\n    authentication: {type: bearer, token: '{{JOBS_KEY}}'}\n")
    async with controlled(tmp_path, closed, upstream) as running:
        refused = await running.control("GET", "/health/live")
        served = await running.control("GET", "/health/live", Authorization=f"Bearer {SECRET}")

        assert (refused.status_code, served.status_code) == (401, 200)


async def test_failed_callers_are_counted_over_all_adapters_of_the_process(tmp_path, upstream):
    guard = "    authentication: {type: bearer, token: '{{JOBS_KEY}}'}\n"
    closed = JOBS.replace("    port: 9099\n", "    port: 9099\n" + guard).replace(
        "    port: 8080\n", "    port: 8080\n" + guard
    )
    async with controlled(tmp_path, closed, upstream) as running:
        for _ in range(10):
            assert (await running.control("GET", "/health/live", Authorization="Bearer guess")).status_code == 401

        assert (await running.get("/jobs/1", Authorization=f"Bearer {SECRET}")).status_code == 429


# ---- configuration


async def test_the_plan_is_shown_without_secrets(running):
    found = await running.control("GET", "/config")

    assert found.json()["capabilities"][0]["variables"] == ["JOBS_KEY"]
    assert SECRET not in found.text


async def test_a_document_can_be_judged_before_it_is_served(running):
    wrong = JOBS.replace("UPSTREAM", "http://localhost:1").replace("call: jobs.get-job", "call: jobs.get-jbo", 1)

    good = await running.control("POST", "/config/validate", content=JOBS.replace("UPSTREAM", "http://localhost:1"))
    bad = await running.control("POST", "/config/validate", content=wrong)

    assert good.json()["valid"] is True
    codes = {one["code"]: one for one in bad.json()["findings"]}
    assert codes["E-CALL-UNRESOLVED"]["line"] == wrong[: wrong.index("jobs.get-jbo")].count("\n") + 1


async def test_a_text_that_is_no_document_is_invalid(running):
    answer = await running.control("POST", "/config/validate", content="a: [")

    assert answer.status_code == 200
    assert answer.json()["valid"] is False
    assert answer.json()["findings"][0]["code"] == "E-YAML"


# ---- scripting


async def test_scripting_is_shown_and_changed(running):
    before = await json_of(running, "/scripting")
    changed = await running.control("PUT", "/scripting", json={"timeout": 500, "allowedLanguages": ["python"]})

    assert (before["timeout"], before["stats"]["totalExecutions"]) == (1000, 0)
    assert (changed.json()["timeout"], changed.json()["allowedLanguages"]) == (500, ["python"])
    assert (await json_of(running, "/scripting"))["timeout"] == 500


@pytest.mark.parametrize("change", [{"timeout": 0}, {"defaultLocation": "file:///tmp"}, {"nonsense": 1}, []])
async def test_a_change_that_may_not_be_is_refused_whole(running, change):
    answer = await running.control("PUT", "/scripting", json=change)

    assert answer.status_code == 400
    assert answer.json().keys() == {"error"}
    assert (await json_of(running, "/scripting"))["timeout"] == 1000


# ---- logs


async def test_levels_of_loggers_are_shown_and_changed(running):
    logger = logging.getLogger("naftiko_run.server")
    try:
        changed = await running.control("PUT", "/logs/naftiko_run.server", json={"level": "debug"})

        assert changed.json() == {"name": "naftiko_run.server", "level": "DEBUG", "effectiveLevel": "DEBUG"}
        assert logger.level == logging.DEBUG
        listed = (await json_of(running, "/logs"))["loggers"]
        assert {"name": "naftiko_run.server", "level": "DEBUG", "effectiveLevel": "DEBUG"} in listed
        assert (await running.control("PUT", "/logs/naftiko_run.server", json={"level": None})).json()["level"] is None
    finally:
        logger.setLevel("NOTSET")


async def test_unknown_loggers_and_levels_are_refused(running):
    assert (await running.control("GET", "/logs/no.such.logger")).status_code == 404
    assert (await running.control("PUT", "/logs/naftiko_run.server", json={"level": "loud"})).status_code == 400
    assert "no.such.logger" not in logging.Logger.manager.loggerDict


async def test_records_are_streamed_to_as_many_as_are_allowed(running):
    hub, logger = running.process.logs, logging.getLogger("naftiko_run.tested")
    logger.addHandler(hub)
    try:
        async with running.client.stream("GET", running.url("control") + "/logs/stream") as first:
            lines = first.aiter_lines()
            assert await anext(lines) == ": connected"
            refused = await running.control("GET", "/logs/stream")
            logger.warning("job %s was late", "j-1")
            event = await asyncio.wait_for(_next_event(lines), 5)
    finally:
        logger.removeHandler(hub)

    assert refused.status_code == 503
    assert (event["level"], event["logger"], event["message"]) == ("WARNING", "naftiko_run.tested", "job j-1 was late")


async def _next_event(lines):
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))
    raise AssertionError("the stream ended")


async def test_a_stream_ends_when_the_process_drains(running):
    async with running.client.stream("GET", running.url("control") + "/logs/stream") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        running.process.server.state.draining = True

        async with asyncio.timeout(5):
            rest = [line async for line in lines]

    assert all(not line.startswith("data:") for line in rest)
