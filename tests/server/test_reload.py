"""Reloading under traffic: which version answers, what a mistake changes (nothing), and when the old one ends."""

from __future__ import annotations

import asyncio

import pytest

from controlled import JOBS, controlled

SECOND = JOBS.replace("    - name: jobs\n      path: /jobs/{id}\n", "    - name: jobs\n      path: /v2/jobs/{id}\n")


@pytest.fixture
async def running(tmp_path, upstream):
    upstream.replies(json={"id": "1"})
    async with controlled(tmp_path, JOBS, upstream) as found:
        yield found


async def test_another_version_is_served_on_the_same_ports(running):
    ports = running.process.server.ports
    running.write(SECOND)

    answer = await running.control("POST", "/config/reload")

    assert (answer.status_code, answer.json()["status"]) == (200, "reloaded")
    assert running.process.server.ports == ports
    assert (await running.get("/v2/jobs/1")).status_code == 200
    assert (await running.get("/jobs/1")).status_code == 404


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("naftiko: [", "E-YAML", id="no YAML"),
        pytest.param("other: {}", "E-NOT-CAPABILITY", id="no capability"),
        pytest.param(
            JOBS.replace("JOBS_KEY: JOBS_KEY", "JOBS_KEY: NOWHERE"), "E-SECRET-MISSING", id="a variable without value"
        ),
    ],
)
async def test_a_version_that_cannot_be_served_changes_nothing(running, text, code):
    running.write(text)

    answer = await running.control("POST", "/config/reload")

    assert (answer.status_code, answer.json()["status"]) == (422, "kept")
    assert code in {one["code"] for one in answer.json()["findings"]}
    assert (await running.get("/jobs/1")).status_code == 200
    assert (await running.control("GET", "/health/ready")).status_code == 200
    assert (await running.control("GET", "/status")).json()["lastReload"]["ok"] is False


async def test_a_request_in_flight_ends_on_the_version_it_began_with(running, upstream):
    upstream.replies(json={"slow": True}, delay=0.5, path="/jobs/slow")
    old = running.reloader.current
    request = asyncio.create_task(running.get("/jobs/slow"))
    while not any(one.path == "/jobs/slow" for one in upstream.requests):
        await asyncio.sleep(0.01)
    running.write(SECOND)

    await running.control("POST", "/config/reload")

    assert running.reloader.current is not old
    assert (await running.get("/jobs/1")).status_code == 404
    answer = await request
    assert (answer.status_code, answer.json()) == (200, {"slow": True})


async def test_the_old_version_closes_its_connections_when_it_is_done(running, upstream):
    await running.get("/jobs/1")
    await running.control("POST", "/config/reload")
    async with asyncio.timeout(5):
        while upstream.connected:
            await asyncio.sleep(0.02)

    assert (await running.get("/jobs/1")).status_code == 200


async def test_no_request_is_lost_or_mixed_while_versions_change(running, upstream):
    upstream.replies(json={"v": 1})
    stopped, statuses = asyncio.Event(), []

    async def traffic():
        while not stopped.is_set():
            answers = [await running.get(target) for target in ("/jobs/1", "/v2/jobs/1")]
            statuses.extend(answer.status_code for answer in answers)

    callers = [asyncio.create_task(traffic()) for _ in range(4)]
    for number in range(6):
        running.write(JOBS if number % 2 else SECOND)
        assert (await running.control("POST", "/config/reload")).status_code == 200
    stopped.set()
    await asyncio.gather(*callers)

    assert set(statuses) == {200, 404}


async def test_several_reloads_at_once_happen_one_after_the_other(running):
    answers = await asyncio.gather(*(running.control("POST", "/config/reload") for _ in range(3)))

    assert [answer.status_code for answer in answers] == [200, 200, 200]


async def test_numbers_outlive_a_version(running):
    await running.get("/jobs/1")
    await running.control("POST", "/config/reload")

    assert 'naftiko_operation_id="/jobs/{id} GET",status="200"} 1' in (await running.control("GET", "/metrics")).text


async def test_a_process_that_drains_does_not_reload(running):
    running.process.server.state.draining = True

    outcome = await running.reloader.reload()

    assert not outcome.ok
