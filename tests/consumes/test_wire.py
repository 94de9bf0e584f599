"""The fast transport's own business: which connections are kept, for how long, and on which event loop."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys

import pytest

from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.messages import Deadline, UpstreamRequest
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.errors import UpstreamTimeout
from naftiko_run.limits import Limits
from upstream import Upstream


def ask(upstream: Upstream, method: str = "GET", **more: object) -> UpstreamRequest:
    return UpstreamRequest(method=method, origin=upstream.origin, target="/", **more)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("headers", "connections"),
    [
        ({"Keep-Alive": "timeout=60"}, 1),
        ({"Keep-Alive": "timeout=1, max=5"}, 2),
        ({"Keep-Alive": "timeout=soon"}, 1),
        ({"Connection": "close"}, 2),
    ],
    ids=str,
)
async def test_a_connection_is_kept_as_long_as_the_upstream_says(upstream, headers, connections):
    upstream.replies(headers=headers)
    client = HttpClient("training")

    for _ in range(2):
        await client.send(ask(upstream), Deadline(5))
    await client.close()

    assert upstream.connections == connections


async def test_an_answer_in_the_old_version_ends_its_connection(upstream):
    upstream.replies(raw=b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok")
    client = HttpClient("training")

    for _ in range(2):
        await client.send(ask(upstream), Deadline(5))
    await client.close()

    assert upstream.connections == 2


async def test_idle_connections_make_room_for_another_origin(upstream):
    upstream.replies()
    client = HttpClient("training", ClientSettings(limits=Limits(namespace_connections=2)))
    await asyncio.gather(*(client.send(ask(upstream), Deadline(5)) for _ in range(2)))
    async with Upstream() as other:
        other.replies(body="other")

        reply = await client.send(ask(other), Deadline(5))

        assert reply.body == b"other"
        await client.close()


async def test_a_steady_stream_has_no_idle_limit_but_an_attempt_limit(upstream):
    upstream.replies(fault="slow")
    client = HttpClient("training", ClientSettings(limits=Limits(idle_time=0.1, attempt_time=0.4)))
    loop = asyncio.get_running_loop()
    start = loop.time()

    with pytest.raises(UpstreamTimeout):
        await client.send(ask(upstream), Deadline(5))
    await client.close()

    assert 0.35 < loop.time() - start < 0.7


async def test_a_silence_in_the_middle_ends_the_attempt(upstream):
    upstream.replies(delay=0.6)
    client = HttpClient("training", ClientSettings(limits=Limits(idle_time=0.1, attempt_time=5.0)))
    loop = asyncio.get_running_loop()
    start = loop.time()

    with pytest.raises(UpstreamTimeout):
        await client.send(ask(upstream), Deadline(5))
    await client.close()

    assert loop.time() - start < 0.35


async def test_a_thousand_requests_share_few_connections(upstream):
    upstream.replies(json={"ok": True})
    client = HttpClient("training", ClientSettings(limits=Limits(namespace_in_flight=8, namespace_queue=1000, pool_wait=30.0)))

    replies = await asyncio.gather(*(client.send(ask(upstream), Deadline(30)) for _ in range(500)))
    await client.close()

    assert {reply.body for reply in replies} == {b'{"ok":true}'}
    assert upstream.connections <= 8
    assert client.status()["inFlight"] == 0


async def test_closing_ends_requests_in_flight(upstream):
    upstream.replies(fault="hang")
    client = HttpClient("training")
    tasks = [asyncio.create_task(client.send(ask(upstream, "POST"), Deadline(30))) for _ in range(5)]
    while len(upstream.requests) < 5:
        await asyncio.sleep(0.01)

    await client.close()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)

    assert {type(outcome).__name__ for outcome in outcomes} == {"UpstreamUnreachable"}


def test_the_other_event_loop_serves_as_well(authority):
    """uvloop's transports and errors are not asyncio's own: plain, TLS and faults once more on it."""
    uvloop = pytest.importorskip("uvloop")

    async def exchange() -> list[object]:
        seen: list[object] = []
        limits = Limits(connect_time=3.0, idle_time=0.4, attempt_time=1.0)
        async with Upstream() as plain, Upstream(tls=authority.server_context("localhost")) as secure:
            client = HttpClient("training", ClientSettings(limits=limits, ca_file=authority.ca_file))
            for server in (plain, secure):
                for fault in ("", "", "cut", "hang", "reset", "garbage", "early-close"):
                    server.replies(body="ok", fault=fault)
                    try:
                        seen.append((await client.send(ask(server, "POST"), Deadline(5))).body)
                    except Exception as error:
                        seen.append(type(error).__name__)
                    server._queues.clear()
            distrustful = HttpClient("training", ClientSettings(limits=limits))
            try:
                await distrustful.send(ask(secure, "POST"), Deadline(5))
            except Exception as error:
                seen.append(str(getattr(error, "code", error)))
            assert client.status()["connections"] == 0
            await client.close()
            await distrustful.close()
        return seen

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        seen = runner.run(exchange())

    each = [b"ok", b"ok", "UpstreamBroken", "UpstreamTimeout", "UpstreamUnreachable", "UpstreamBroken", "UpstreamUnreachable"]
    assert seen == [*each, *each, "E-UPSTREAM-TLS"]


@pytest.mark.parametrize("loop_factory", ["asyncio:new_event_loop", "uvloop:new_event_loop"])
def test_a_connection_that_is_no_longer_wanted_takes_no_room(loop_factory):
    """Whoever waits for it may leave at any moment, that of its opening included."""
    module, _, name = loop_factory.partition(":")
    factory = getattr(pytest.importorskip(module), name)

    async def open_connections() -> int:
        async with Upstream() as upstream:
            upstream.replies(body="ok", headers={"Connection": "close"})
            client = HttpClient("training")
            for turns in [*range(10)] * 5:
                task = asyncio.create_task(client.send(ask(upstream), Deadline(5)))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await asyncio.sleep(0.005)
            return client._transport.open_connections

    with asyncio.Runner(loop_factory=factory) as runner:
        assert runner.run(open_connections()) == 0


def test_the_fast_transport_loads_no_http_library():
    code = "import sys, naftiko_run.consumes.client as c; c.HttpClient('n'); print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert {"httpx2", "httpcore2", "anyio", "h11"}.isdisjoint(done.stdout.split())


def test_settings_show_no_secret():
    settings = dataclasses.replace(ClientSettings(), proxy="http://user:canary@proxy.test")

    assert "canary" not in repr(settings)


async def test_a_burst_finds_the_connections_of_the_one_before(upstream):
    upstream.replies(delay=0.02)
    client = HttpClient("training", ClientSettings(limits=Limits(namespace_idle=2)))

    for _ in range(3):
        await asyncio.gather(*(client.send(ask(upstream), Deadline(5)) for _ in range(6)))
    await client.close()

    assert upstream.connections == 6
