"""Sending to an upstream, over both transports: what travels, what comes back, and what every fault becomes."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from naftiko_run.binds import Secret
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.faults import CONNECT_TIMEOUT, CUT, TLS
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.settings import ClientCertificate, ClientSettings
from naftiko_run.errors import (
    BindingError,
    CircuitOpen,
    MalformedRequest,
    Overloaded,
    RequestError,
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from naftiko_run.limits import Limits
from upstream import Upstream

QUICK = Limits(connect_time=0.2, idle_time=0.2, attempt_time=0.3, pool_wait=0.1)
STEADY = Limits(connect_time=3.0, idle_time=4.0, attempt_time=5.0, pool_wait=1.0)
Open = Callable[..., HttpClient]


@pytest.fixture(params=[False, True], ids=["fast", "general"])
async def open_client(request: pytest.FixtureRequest) -> AsyncIterator[Open]:
    """Makes clients on one transport or the other, closes them, and insists that nothing is left over."""
    clients: list[HttpClient] = []

    async def no_pause(seconds: float) -> None:
        await asyncio.sleep(0)

    def make(limits: Limits = STEADY, *, on_exchange: Any = None, **settings: Any) -> HttpClient:
        chosen = ClientSettings(limits=limits, force_general=request.param, **{"sleep": no_pause, **settings})
        clients.append(HttpClient("training", chosen, on_exchange=on_exchange))
        return clients[-1]

    before = _tasks()
    yield make
    for client in clients:
        await client.close()
        assert client.status()["connections"] == 0
        assert client.status()["inFlight"] == 0
    assert _tasks() == before


def _tasks() -> set[str]:
    """The tasks that run, but for this one and those of scripted upstreams."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return {repr(task.get_coro()) for task in others if "Upstream." not in repr(task)}


def ask(origin: Origin, method: str = "GET", target: str = "/jobs", **more: Any) -> UpstreamRequest:
    return UpstreamRequest(method=method, origin=origin, target=target, **more)


async def send(client: HttpClient, origin: Origin, method: str = "GET", seconds: float = 5.0, **more: Any) -> UpstreamReply:
    return await client.send(ask(origin, method, **more), Deadline(seconds))


async def quiet(upstream: Upstream) -> None:
    """Wait until the upstream has noticed that nobody is connected any more."""
    for _ in range(100):
        if upstream.connected == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{upstream.connected} connections are left")


# ---- what travels


async def test_a_request_arrives_as_it_was_written(upstream, open_client):
    upstream.replies(json={"id": 1})
    headers = [("X-Trace", "a"), ("Accept", "application/json"), ("x-trace", "b")]

    reply = await send(open_client(), upstream.origin, "POST", target="/a%2Fb/c?q=%20x&q=%7E", headers=headers, body=b'{"a":1}')

    assert (reply.status, reply.body, reply.media_type) == (200, b'{"id":1}', "application/json")
    assert (upstream.request.method, upstream.request.target) == ("POST", "/a%2Fb/c?q=%20x&q=%7E")
    assert upstream.request.headers == [
        ("Host", upstream.origin.authority),
        *headers,
        ("User-Agent", "naftiko-run"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Content-Length", "7"),
    ]
    assert upstream.request.body == b'{"a":1}'


@pytest.mark.parametrize(("method", "length"), [("GET", ""), ("DELETE", ""), ("POST", "0"), ("PUT", "0"), ("PATCH", "0")])
async def test_only_methods_with_a_body_announce_an_empty_one(upstream, open_client, method, length):
    upstream.replies()

    await send(open_client(), upstream.origin, method)

    assert upstream.request.header("content-length") == length


async def test_a_large_body_arrives_whole(upstream, open_client):
    upstream.replies()
    body = bytes(range(256)) * 4096

    await send(open_client(), upstream.origin, "POST", body=body)

    assert upstream.request.body == body


@pytest.mark.parametrize("status", [200, 201, 301, 302, 303, 307, 308, 400, 401, 404, 429, 500, 501])
async def test_any_status_is_a_reply_and_no_redirect_is_followed(upstream, open_client, status):
    upstream.replies(status, json={}, headers={"Location": "http://127.0.0.1:1/elsewhere"})

    reply = await send(open_client(), upstream.origin, headers=[("Authorization", "Bearer canary")])

    assert reply.status == status
    assert len(upstream.requests) == 1


async def test_reply_headers_are_lower_case_and_keep_their_duplicates(upstream, open_client):
    upstream.replies(headers=[("Set-Cookie", "a=1"), ("X-Odd", "caf\xe9"), ("Set-Cookie", "b=2"), ("Keep-Alive", "timeout=9")])

    reply = await send(open_client(), upstream.origin)

    assert reply.headers == [("set-cookie", "a=1"), ("x-odd", "caf\xe9"), ("set-cookie", "b=2"), ("content-length", "0")]


async def test_no_cookie_is_kept(upstream, open_client):
    upstream.replies(headers={"Set-Cookie": "session=canary; Path=/"})
    client = open_client()

    await send(client, upstream.origin)
    await send(client, upstream.origin)

    assert upstream.request.header("cookie") == ""


@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
async def test_a_body_arrives_whatever_its_framing(upstream, open_client, framing):
    upstream.replies(body="x" * 200_000, framing=framing)

    reply = await send(open_client(), upstream.origin)

    assert reply.body == b"x" * 200_000


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_ends_with_its_head(upstream, open_client, status):
    upstream.replies(raw=b"HTTP/1.1 %d Nothing\r\nContent-Length: 12\r\nContent-Encoding: gzip\r\n\r\n" % status)
    client = open_client()

    first, second = await send(client, upstream.origin), await send(client, upstream.origin)

    assert (first.status, first.body, second.status) == (status, b"", status)
    assert upstream.connections == 1


async def test_the_answer_to_head_has_no_body_and_leaves_the_connection_usable(upstream, open_client):
    upstream.replies(body="0123456789")
    client = open_client()

    head = await send(client, upstream.origin, "HEAD")
    get = await send(client, upstream.origin)

    assert (head.body, head.header("content-length"), get.body) == (b"", "10", b"0123456789")
    assert upstream.connections == 1


async def test_interim_answers_are_passed_over(upstream, open_client):
    interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
    upstream.replies(raw=interim + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    reply = await send(open_client(), upstream.origin)

    assert (reply.status, reply.headers, reply.body) == (200, [("content-length", "2")], b"ok")


@pytest.mark.parametrize(
    ("coding", "squeezed"),
    [
        pytest.param("gzip", gzip.compress(b"content" * 9999), id="gzip"),
        pytest.param("x-gzip", gzip.compress(b"content" * 5000) + gzip.compress(b"content" * 4999), id="gzip in two members"),
        pytest.param("deflate", zlib.compress(b"content" * 9999), id="deflate"),
        pytest.param("deflate", zlib.compress(b"content" * 9999)[2:-4], id="bare deflate"),
        pytest.param("identity", b"content" * 9999, id="identity"),
    ],
)
@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_compressed_body_is_inflated(upstream, open_client, coding, squeezed, framing):
    upstream.replies(body=squeezed, headers={"Content-Encoding": coding}, framing=framing)

    reply = await send(open_client(), upstream.origin)

    assert reply.body == b"content" * 9999
    assert reply.header("content-encoding") == ""


@pytest.mark.parametrize(
    "spoilt",
    [
        {"method": "GET / HTTP/1.1\r\nX: y"},
        {"target": "/a\r\nX-Evil: 1"},
        {"target": "/a b"},
        {"target": "//\x00"},
        {"target": "http://elsewhere.test/"},
        {"target": "/caf\xe9"},
        {"headers": [("X-A", "b\r\nX-Evil: 1")]},
        {"headers": [("X-A", "b\nX-Evil: 1")]},
        {"headers": [("X-A", "b\rX-Evil: 1")]},
        {"headers": [("X-A", "nul\x00")]},
        {"headers": [("X-A", "caf\xe9")]},
        {"headers": [("X-A: b\r\nX-Evil", "1")]},
        {"headers": [("X A", "1")]},
        {"headers": [("", "1")]},
        {"headers": [("Host", "elsewhere.test")]},
        {"headers": [("content-length", "0")]},
        {"headers": [("Transfer-Encoding", "chunked")]},
        {"headers": [("Connection", "close")]},
        {"headers": [("Expect", "100-continue")]},
    ],
    ids=str,
)
async def test_no_value_can_add_to_the_request(upstream, open_client, spoilt):
    upstream.replies()

    with pytest.raises(MalformedRequest):
        await open_client().send(
            UpstreamRequest(**{"method": "GET", "origin": upstream.origin, "target": "/", **spoilt}), Deadline(5)
        )

    assert upstream.requests == []


# ---- faults


FAULTS: list[tuple[str, type[RequestError], str, bool]] = [
    ("refuse", UpstreamUnreachable, "", True),
    ("reset", UpstreamUnreachable, "", True),
    ("early-close", UpstreamUnreachable, "", True),
    ("hang", UpstreamTimeout, "", False),
    ("slow", UpstreamTimeout, "", False),
    ("slow-header", UpstreamTimeout, "", False),
    ("half-header", UpstreamBroken, "", False),
    ("garbage", UpstreamBroken, "", False),
    ("big-headers", UpstreamBroken, "", False),
    ("endless-header", UpstreamBroken, "", False),
    ("cut", UpstreamBroken, CUT, False),
    ("two-lengths", UpstreamBroken, "", False),
    ("length-and-chunks", UpstreamBroken, "", False),
    ("bad-chunk", UpstreamBroken, "", False),
    ("cut-chunk", UpstreamBroken, CUT, False),
    ("bad-gzip", UpstreamBroken, "", False),
    ("truncated-gzip", UpstreamBroken, CUT, False),
    ("bomb", UpstreamBroken, "", False),
    ("two-codings", UpstreamBroken, "", False),
    ("unknown-coding", UpstreamBroken, "", False),
    ("endless-body", UpstreamBroken, "", False),
]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("fault", "expected", "code", "repeated"), FAULTS, ids=[fault[0] for fault in FAULTS])
async def test_a_fault_becomes_its_error_in_time_and_leaves_nothing(
    upstream, open_client, fault, expected, code, repeated, method
):
    upstream.replies(fault=fault)
    attempts: list[int] = []
    limits = dataclasses.replace(QUICK if expected is UpstreamTimeout else STEADY, response_body=1 << 20)
    client = open_client(limits, on_exchange=lambda *seen: attempts.append(seen[3]))
    start = time.monotonic()

    with pytest.raises(expected) as caught:
        await send(client, upstream.origin, method, body=b"{}" if method == "POST" else None)

    assert code in ("", caught.value.code)
    assert "'training'" in caught.value.message
    assert attempts == ([1, 2, 3] if repeated and method == "GET" else [1])
    assert time.monotonic() - start < (limits.attempt_time + 0.35) * len(attempts)
    await client.close()
    await quiet(upstream)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_host_without_an_address_is_unreachable(open_client, method):
    async def nowhere(host: str, port: int) -> list[str]:
        raise OSError("no such host")

    with pytest.raises(UpstreamUnreachable):
        await send(open_client(resolve=nowhere), Origin(scheme="http", host="nowhere.test", port=80), method)


@pytest.mark.parametrize("host", ["a\x00b", "a" * 70 + ".test", "..", "not a host"])
async def test_what_cannot_be_a_host_is_unreachable(open_client, host):
    with pytest.raises((UpstreamUnreachable, MalformedRequest)):
        await send(open_client(), Origin(scheme="http", host=host, port=80))


async def test_a_resolver_that_hangs_counts_as_connecting(open_client):
    async def hangs(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(UpstreamTimeout) as caught:
        await send(open_client(QUICK, resolve=hangs), Origin(scheme="http", host="slow.test", port=80), "POST")

    assert caught.value.code == CONNECT_TIMEOUT


async def test_bytes_after_an_answer_close_the_connection(upstream, open_client):
    upstream.replies(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
    upstream.replies(body="honest")
    client = open_client()

    first, second = await send(client, upstream.origin), await send(client, upstream.origin)

    assert (first.body, second.body) == (b"ok", b"honest")
    assert upstream.connections == 2


async def test_bytes_nobody_asked_for_close_a_kept_connection(upstream, open_client):
    upstream.replies(body="first", fault="push")
    upstream.replies(body="honest")
    client = open_client()
    await send(client, upstream.origin)
    await asyncio.sleep(0.1)

    assert (await send(client, upstream.origin, "POST")).body == b"honest"
    assert upstream.connections == 2


# ---- limits


async def test_a_response_over_its_own_limit_is_refused_before_it_is_read(upstream, open_client):
    upstream.replies(body="x" * 2000)
    client = open_client()

    with pytest.raises(UpstreamBroken):
        await send(client, upstream.origin, max_body=1999)
    reply = await send(client, upstream.origin, max_body=2000)

    assert len(reply.body) == 2000


async def test_the_deadline_is_shorter_than_the_attempt(upstream, open_client):
    upstream.replies(fault="hang")
    start = time.monotonic()

    with pytest.raises(UpstreamTimeout):
        await send(open_client(Limits()), upstream.origin, seconds=0.2)

    assert 0.15 < time.monotonic() - start < 0.6


async def test_a_spent_deadline_sends_nothing(upstream, open_client):
    upstream.replies()

    with pytest.raises(UpstreamTimeout):
        await send(open_client(), upstream.origin, seconds=0.0)

    assert upstream.requests == []


async def test_places_are_few_and_the_queue_is_short(upstream, open_client):
    upstream.replies(delay=0.15)
    limits = dataclasses.replace(
        STEADY, namespace_in_flight=2, namespace_queue=1, attempt_time=2.0, idle_time=2.0, pool_wait=2.0
    )
    client = open_client(limits)

    outcomes = await asyncio.gather(*(send(client, upstream.origin) for _ in range(4)), return_exceptions=True)

    refused = [outcome for outcome in outcomes if isinstance(outcome, Overloaded)]
    assert len(refused) == 1
    assert refused[0].retry_after == 1.0
    assert upstream.connections == 2


async def test_a_request_does_not_wait_long_for_a_connection(upstream, open_client):
    upstream.replies(delay=0.3)
    limits = dataclasses.replace(STEADY, namespace_connections=1, pool_wait=0.1)
    client = open_client(limits)

    outcomes = await asyncio.gather(*(send(client, upstream.origin) for _ in range(2)), return_exceptions=True)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Overloaded", "UpstreamReply"]
    assert upstream.connections == 1


async def test_a_connection_that_becomes_free_serves_who_waited(upstream, open_client):
    upstream.replies(delay=0.02)
    client = open_client(dataclasses.replace(STEADY, namespace_connections=1, pool_wait=2.0))

    replies = await asyncio.gather(*(send(client, upstream.origin) for _ in range(5)))

    assert [reply.status for reply in replies] == [200] * 5
    assert upstream.connections == 1


async def test_one_hung_upstream_does_not_delay_another_namespace(upstream, open_client):
    upstream.replies(fault="hang")
    hung, healthy = open_client(QUICK), open_client()
    stuck = [asyncio.create_task(send(hung, upstream.origin)) for _ in range(20)]
    async with Upstream() as other:
        other.replies(body="well")
        await send(healthy, other.origin)
        start = time.monotonic()

        replies = [await send(healthy, other.origin) for _ in range(20)]

        assert {reply.body for reply in replies} == {b"well"}
        assert time.monotonic() - start < 1.0
        await healthy.close()
    await asyncio.gather(*stuck, return_exceptions=True)


async def test_a_kept_connection_serves_again(upstream, open_client):
    upstream.replies(body="x")
    client = open_client()

    for _ in range(5):
        await send(client, upstream.origin)

    assert upstream.connections == 1


async def test_no_more_connections_are_kept_than_allowed(upstream, open_client):
    upstream.replies(delay=0.05)
    client = open_client(dataclasses.replace(STEADY, namespace_idle=2))

    await asyncio.gather(*(send(client, upstream.origin) for _ in range(6)))
    async with asyncio.timeout(3):
        while client.status()["connections"] > 2:
            await asyncio.sleep(0.05)

    await send(client, upstream.origin)

    assert client.status()["connections"] == 2


async def test_cancelling_a_request_gives_its_connection_back(upstream, open_client):
    upstream.replies(fault="hang")
    client = open_client(Limits())
    tasks = [asyncio.create_task(send(client, upstream.origin)) for _ in range(10)]
    while len(upstream.requests) < 10:
        await asyncio.sleep(0.01)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    await quiet(upstream)
    assert client.status()["inFlight"] == 0
    assert client.status()["breakers"] == {upstream.url: "closed"}


async def test_cancelling_while_connecting_leaves_nothing(open_client):
    async def hangs(host: str, port: int) -> list[str]:
        await asyncio.sleep(60)
        return []

    client = open_client(Limits(), resolve=hangs)
    task = asyncio.create_task(send(client, Origin(scheme="http", host="slow.test", port=80)))
    await asyncio.sleep(0.05)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert client.status()["connections"] == 0


async def test_a_closed_client_sends_nothing(upstream, open_client):
    upstream.replies()
    client = open_client()
    await send(client, upstream.origin)
    await client.close()

    with pytest.raises(UpstreamUnreachable):
        await send(client, upstream.origin, "POST")

    assert len(upstream.requests) == 1


# ---- stale connections and retries


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_a_kept_connection_that_was_closed_is_replaced_unseen(upstream, open_client, method):
    attempts: list[int] = []
    client = open_client(on_exchange=lambda *seen: attempts.append(seen[3]))
    upstream.replies(body="first")
    upstream.replies(fault="early-close")
    upstream.replies(body="third")

    await send(client, upstream.origin)
    reply = await send(client, upstream.origin, method)

    assert reply.body == b"third"
    assert attempts == [1, 1]


async def test_a_post_is_never_sent_twice(upstream, open_client):
    client = open_client()
    upstream.replies(body="first")
    upstream.replies(fault="reset")
    await send(client, upstream.origin)

    with pytest.raises(UpstreamUnreachable):
        await send(client, upstream.origin, "POST", body=b"{}")

    assert [request.method for request in upstream.requests] == ["GET", "POST"]


async def test_a_post_avoids_a_connection_that_the_upstream_has_closed(upstream, open_client):
    client = open_client()
    upstream.replies(body="first", close=True)
    upstream.replies(body="second")
    await send(client, upstream.origin)
    await asyncio.sleep(0.05)

    assert (await send(client, upstream.origin, "POST", body=b"{}")).body == b"second"


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_passing_failure_is_tried_again(upstream, open_client, status):
    upstream.replies(status)
    upstream.replies(status)
    upstream.replies(json={"at": "last"})

    reply = await send(open_client(), upstream.origin)

    assert (reply.status, len(upstream.requests)) == (200, 3)


async def test_after_two_retries_the_last_answer_stands(upstream, open_client):
    upstream.replies(503, body="no")

    reply = await send(open_client(), upstream.origin)

    assert (reply.status, reply.body, len(upstream.requests)) == (503, b"no", 3)


@pytest.mark.parametrize(
    ("more", "sent"),
    [({}, 1), ({"idempotent": True}, 3), ({"headers": [("idempotency-key", "k-1")]}, 3)],
    ids=["plain", "marked idempotent", "with a key"],
)
async def test_a_post_is_tried_again_only_where_it_is_safe(upstream, open_client, more, sent):
    upstream.replies(503)

    await send(open_client(), upstream.origin, "POST", **more)

    assert len(upstream.requests) == sent


async def test_a_retry_waits_as_long_as_it_is_asked_to(upstream, open_client):
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    upstream.replies(429, headers={"Retry-After": "3"})
    upstream.replies(200)

    reply = await send(open_client(sleep=note), upstream.origin)

    assert (reply.status, pauses) == (200, [3.0])


async def test_a_wait_beyond_the_deadline_is_not_begun(upstream, open_client):
    upstream.replies(429, headers={"Retry-After": "9"})

    reply = await send(open_client(), upstream.origin, seconds=5)

    assert (reply.status, len(upstream.requests)) == (429, 1)


# ---- the breaker, live


async def test_a_dead_upstream_is_left_alone_and_then_tried_again(upstream, open_client):
    now = 1000.0
    client = open_client(clock=lambda: now, random=lambda: 0.5)
    upstream.replies(500)
    for _ in range(5):
        await send(client, upstream.origin, "POST")

    with pytest.raises(CircuitOpen) as caught:
        await send(client, upstream.origin)
    assert len(upstream.requests) == 5
    assert caught.value.retry_after == 10.0
    assert client.status()["breakers"] == {upstream.url: "open"}

    now += 10.1
    upstream.replies(200)
    await send(client, upstream.origin, "POST")  # the first probe still meets the last answer of old
    assert client.status()["breakers"] == {upstream.url: "open"}

    now += 20.1
    for _ in range(3):
        await send(client, upstream.origin, "POST")
    assert client.status()["breakers"] == {upstream.url: "closed"}


async def test_a_dead_upstream_sees_little_of_the_traffic(upstream, open_client):
    now = 0.0
    client = open_client(clock=lambda: now)
    upstream.replies(500)

    for _ in range(2000):
        now += 0.05
        with contextlib.suppress(CircuitOpen):
            await send(client, upstream.origin)

    assert len(upstream.requests) <= 100


async def test_refusals_of_ours_and_of_the_caller_do_not_open_the_breaker(upstream, open_client):
    client = open_client()
    upstream.replies(404)
    for _ in range(30):
        await send(client, upstream.origin)

    assert client.status()["breakers"] == {upstream.url: "closed"}


# ---- TLS


@pytest.fixture
async def secure(authority) -> AsyncIterator[Upstream]:
    async with Upstream(tls=authority.server_context("localhost", "127.0.0.1")) as running:
        running.replies(body="secret")
        yield running


async def test_an_unknown_authority_is_refused(secure, open_client):
    with pytest.raises(UpstreamUnreachable) as caught:
        await send(open_client(), secure.origin)

    assert caught.value.code == TLS
    assert "not trusted" in caught.value.message
    assert secure.requests == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_private_authority_is_trusted_where_it_is_named(secure, open_client, authority, host):
    client = open_client(ca_file=authority.ca_file)
    origin = dataclasses.replace(secure.origin, host=host)

    replies = [await send(client, origin) for _ in range(3)]

    assert {reply.body for reply in replies} == {b"secret"}
    assert secure.connections == 1


@pytest.mark.parametrize(
    ("hosts", "expired"), [(("elsewhere.test",), False), (("localhost",), True)], ids=["another host", "expired"]
)
async def test_a_certificate_that_does_not_fit_is_refused(open_client, authority, hosts, expired):
    async with Upstream(tls=authority.server_context(*hosts, expired=expired)) as wrong:
        with pytest.raises(UpstreamUnreachable) as caught:
            await send(open_client(ca_file=authority.ca_file), wrong.origin)

    assert caught.value.code == TLS


async def test_plain_http_at_a_secure_port_is_no_answer(open_client):
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        origin = Origin(scheme="https", host="127.0.0.1", port=server.sockets[0].getsockname()[1])
        with pytest.raises(UpstreamUnreachable) as caught:
            await send(open_client(), origin, "POST")

    assert caught.value.code == TLS


async def test_a_client_certificate_is_shown(open_client, authority):
    issued = authority.issue("runtime.test", password=b"opens")
    shown = ClientCertificate(issued.certfile, issued.keyfile, Secret("opens"))
    async with Upstream(tls=authority.server_context("localhost", ask_client=True)) as strict:
        strict.replies(body="welcome")

        reply = await send(open_client(ca_file=authority.ca_file, client_cert=shown), strict.origin)
        with pytest.raises(UpstreamUnreachable):
            await send(open_client(ca_file=authority.ca_file), strict.origin)

    assert reply.body == b"welcome"


@pytest.mark.parametrize("settings", [{"ca_file": "/nowhere.pem"}, {"client_cert": ClientCertificate("/nowhere.pem")}], ids=str)
async def test_certificates_that_cannot_be_read_are_found_at_start(open_client, settings):
    with pytest.raises(BindingError):
        open_client(**settings)


async def test_a_cut_secure_body_is_cut(secure, open_client, authority):
    secure._queues.clear()
    secure.replies(fault="cut")

    with pytest.raises(UpstreamBroken) as caught:
        await send(open_client(ca_file=authority.ca_file), secure.origin)

    assert caught.value.code == CUT


# ---- watching


async def test_every_attempt_is_reported(upstream, open_client):
    seen: list[tuple[str, object, int]] = []
    client = open_client(on_exchange=lambda request, outcome, seconds, attempt: seen.append((request.target, outcome, attempt)))
    upstream.replies(503)
    upstream.replies(200)

    reply = await send(client, upstream.origin)

    assert [(target, attempt) for target, _, attempt in seen] == [("/jobs", 1), ("/jobs", 2)]
    assert seen[1][1] is reply
