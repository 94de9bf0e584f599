"""What only the general transport does: proxies, HTTP/2; and what stays the same through them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from importlib.util import find_spec

import pytest

from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.errors import BindingError, EgressRefused, UpstreamUnreachable
from naftiko_run.limits import Limits
from upstream import Upstream

STEADY = Limits(connect_time=3.0, attempt_time=5.0)


async def send(client: HttpClient, origin: Origin, target: str = "/jobs?a=%20b", **more: object) -> UpstreamReply:
    request = UpstreamRequest(method="GET", origin=origin, target=target, **more)  # type: ignore[arg-type]  # fields by name
    try:
        return await client.send(request, Deadline(5))
    finally:
        await client.close()


class TunnelProxy:
    """Answers CONNECT and relays bytes; notes where it was asked to go."""

    def __init__(self, refuse: bool = False) -> None:
        self.asked: list[str] = []
        self._refuse = refuse
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> TunnelProxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://user:canary@127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.append(task)
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split(" ")[1])
        try:
            if self._refuse:
                writer.write(b"HTTP/1.1 403 No\r\n\r\n")
                await writer.drain()
                return
            host, _, port = self.asked[-1].partition(":")
            upstream_reader, upstream_writer = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Go\r\n\r\n")
            back = asyncio.create_task(self._pump(upstream_reader, writer))
            try:
                await self._pump(reader, upstream_writer)
            finally:
                back.cancel()
                upstream_writer.transport.abort()
        finally:
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@pytest.fixture
async def secure(authority) -> AsyncIterator[Upstream]:
    async with Upstream(tls=authority.server_context("localhost")) as running:
        running.replies(body="secret")
        yield running


async def test_a_plain_request_goes_through_the_proxy(upstream):
    upstream.replies(body="proxied")
    client = HttpClient("training", ClientSettings(limits=STEADY, proxy=f"http://user:pass@127.0.0.1:{upstream.port}"))

    reply = await send(client, Origin(scheme="http", host="api.test", port=80))

    assert reply.body == b"proxied"
    assert upstream.request.target == "http://api.test/jobs?a=%20b"
    assert upstream.request.header("host") == "api.test"
    assert upstream.request.header("proxy-authorization") == "Basic dXNlcjpwYXNz"


async def test_a_secure_request_goes_through_a_tunnel(secure, authority):
    async with TunnelProxy() as proxy:
        client = HttpClient("training", ClientSettings(limits=STEADY, proxy=proxy.url, ca_file=authority.ca_file))

        reply = await send(client, secure.origin)

    assert reply.body == b"secret"
    assert proxy.asked == [f"localhost:{secure.port}"]
    assert secure.request.target == "/jobs?a=%20b"
    assert secure.request.header("proxy-authorization") == ""


async def test_a_proxy_that_refuses_is_unreachable(secure, authority):
    async with TunnelProxy(refuse=True) as proxy:
        client = HttpClient("training", ClientSettings(limits=STEADY, proxy=proxy.url, ca_file=authority.ca_file))

        with pytest.raises(UpstreamUnreachable) as caught:
            await send(client, secure.origin, headers=[("Idempotency-Key", "k")])

    assert "proxy" in caught.value.message
    assert "canary" not in repr(client.settings) + str(caught.value)


async def test_a_proxy_is_no_way_around_the_egress_rules(upstream):
    upstream.replies()
    client = HttpClient("training", ClientSettings(limits=STEADY, proxy=f"http://127.0.0.1:{upstream.port}"))

    with pytest.raises(EgressRefused):
        await send(client, Origin(scheme="http", host="169.254.169.254", port=80))

    assert upstream.requests == []


async def test_proxies_of_the_environment_are_not_used(upstream, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    upstream.replies(body="direct")

    reply = await send(HttpClient("training", ClientSettings(limits=STEADY, force_general=True)), upstream.origin)

    assert reply.body == b"direct"


@pytest.mark.parametrize(
    "settings",
    [
        {"proxy": "ftp://127.0.0.1:1"},
        {"proxy": "nonsense"},
        pytest.param(
            {"proxy": "socks5://127.0.0.1:1"},
            marks=pytest.mark.skipif(find_spec("socksio") is not None, reason="socksio is here"),
        ),
        pytest.param({"http2": True}, marks=pytest.mark.skipif(find_spec("h2") is not None, reason="h2 is here")),
    ],
    ids=str,
)
def test_settings_that_cannot_work_are_found_at_start(settings):
    with pytest.raises(BindingError):
        HttpClient("training", ClientSettings(**settings))


# ---- HTTP/2


async def h2_upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers every HTTP/2 request with its own path."""
    from h2.config import H2Configuration
    from h2.connection import H2Connection
    from h2.events import RequestReceived

    connection = H2Connection(H2Configuration(client_side=False))
    connection.initiate_connection()
    writer.write(connection.data_to_send())
    while data := await reader.read(65536):
        for event in connection.receive_data(data):
            if isinstance(event, RequestReceived):
                path = dict(event.headers)[b":path"]
                connection.send_headers(event.stream_id, [(":status", "200"), ("content-type", "text/plain")])
                connection.send_data(event.stream_id, path, end_stream=True)
        writer.write(connection.data_to_send())
    writer.close()


async def test_http2_is_spoken_where_it_is_offered(authority):
    pytest.importorskip("h2", reason="the http2 extra is not installed")
    context = authority.server_context("localhost")
    context.set_alpn_protocols(["h2"])
    async with await asyncio.start_server(h2_upstream, "127.0.0.1", 0, ssl=context) as server:
        origin = Origin(scheme="https", host="localhost", port=server.sockets[0].getsockname()[1])
        client = HttpClient("training", ClientSettings(limits=STEADY, http2=True, ca_file=authority.ca_file))
        requests = [UpstreamRequest(method="GET", origin=origin, target=f"/{number}?q=%20") for number in range(5)]

        replies = await asyncio.gather(*(client.send(request, Deadline(5)) for request in requests))
        await client.close()
        await asyncio.sleep(0.05)

    assert [reply.body for reply in replies] == [b"/0?q=%20", b"/1?q=%20", b"/2?q=%20", b"/3?q=%20", b"/4?q=%20"]


async def test_http2_falls_back_to_what_the_upstream_speaks(secure, authority):
    pytest.importorskip("h2", reason="the http2 extra is not installed")
    client = HttpClient("training", ClientSettings(limits=STEADY, http2=True, ca_file=authority.ca_file))

    assert (await send(client, secure.origin)).body == b"secret"
