"""Where a request may go: every address of a host is checked, and only checked addresses are dialled."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network

import pytest

from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.egress import EgressPolicy, is_global
from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamRequest
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.errors import EgressRefused, UpstreamUnreachable
from naftiko_run.limits import Limits

STEADY = Limits(connect_time=3.0, attempt_time=5.0)

PUBLIC = ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001:80b::200e"]
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "fc00::1", "fd12:3456::1", "fec0::1", "ff02::1", "100::1", "2001:db8::1", "2001::1",
    "3fff::1", "5f00::1",
]  # fmt: skip
CARRIERS = [
    "::ffff:8.8.8.8", "::ffff:10.0.0.1", "::ffff:0:8.8.8.8", "::8.8.8.8", "64:ff9b::8.8.8.8", "64:ff9b:1::a00:1",
    "2002:0808:0808::1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]  # fmt: skip
NEVER = [
    "169.254.0.1", "169.254.169.254", "fe80::1", "fe80::1%eth0", "100.100.100.200", "168.63.129.16", "192.0.0.192",
    "fd00:ec2::254", "fd20:ce::254",
    "::ffff:169.254.169.254", "64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "::169.254.169.254", "2001:db8::5efe:a9fe:a9fe",
    "2001:0:a9fe:a9fe:0:0:0:0",
]  # fmt: skip


def policy(**settings: object) -> EgressPolicy:
    return EgressPolicy(ClientSettings(**settings), Faults("training"))  # type: ignore[arg-type]  # fields by name


def origin(host: str, *, literal: bool, port: int = 80) -> Origin:
    return Origin(scheme="http", host=host, port=port, literal=literal)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_open_to_everyone(address):
    assert is_global(ip_address(address))
    assert policy(strict=True).allows(ip_address(address), literal=False)


@pytest.mark.parametrize("address", PRIVATE + CARRIERS)
def test_any_other_address_needs_a_host_that_the_document_names(address):
    assert not policy().allows(ip_address(address), literal=False)
    assert not policy(strict=True).allows(ip_address(address), literal=True)
    assert policy().allows(ip_address(address), literal=True)


@pytest.mark.parametrize("address", NEVER)
def test_link_local_and_metadata_addresses_are_never_called(address):
    everything = (ip_network("0.0.0.0/0"), ip_network("::/0"))

    assert not policy(allow_net=everything).allows(ip_address(address), literal=True)


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd12::7"])
def test_an_allowed_network_is_open_in_every_spelling(address):
    allowed = policy(allow_net=(ip_network("10.1.0.0/16"), ip_network("fd12::/16")), strict=True)

    assert allowed.allows(ip_address(address), literal=False)
    assert not allowed.allows(ip_address("10.2.0.1"), literal=False)


@pytest.mark.parametrize("general", [False, True], ids=["fast", "general"])
@pytest.mark.parametrize(
    "host",
    [*PRIVATE[:8], *CARRIERS, *NEVER, "localhost", "127.1", "0x7f.1", "2130706433", "0177.0.0.1"],
)
async def test_no_socket_is_opened_to_a_refused_destination(upstream, host, general):
    upstream.replies()
    client = HttpClient("training", ClientSettings(limits=STEADY, force_general=general))
    request = UpstreamRequest(method="GET", origin=origin(host, literal=False, port=upstream.port), target="/")

    with pytest.raises((EgressRefused, UpstreamUnreachable)) as caught:
        await client.send(request, Deadline(5))

    assert upstream.connections == 0
    assert host not in str(caught.value)
    await client.close()


@pytest.mark.parametrize("general", [False, True], ids=["fast", "general"])
async def test_one_bad_address_spoils_a_host(upstream, general):
    async def both(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "169.254.169.254"]

    client = HttpClient("training", ClientSettings(limits=STEADY, force_general=general, resolve=both))
    request = UpstreamRequest(method="GET", origin=origin("both.test", literal=True, port=upstream.port), target="/")

    with pytest.raises(EgressRefused):
        await client.send(request, Deadline(5))

    assert upstream.connections == 0
    await client.close()


@pytest.mark.parametrize("general", [False, True], ids=["fast", "general"])
async def test_a_resolver_that_changes_its_mind_gains_nothing(upstream, general):
    """The name is resolved once; what was checked is what is dialled."""
    asked: list[str] = []

    async def flips(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]

    upstream.replies(body="ok")
    client = HttpClient("training", ClientSettings(limits=STEADY, force_general=general, resolve=flips))
    request = UpstreamRequest(method="GET", origin=origin("flip.test", literal=True, port=upstream.port), target="/")

    replies = [await client.send(request, Deadline(5)) for _ in range(3)]

    assert {reply.body for reply in replies} == {b"ok"}
    assert asked == ["flip.test"]
    assert upstream.request.header("host") == f"flip.test:{upstream.port}"
    await client.close()


@pytest.mark.parametrize("general", [False, True], ids=["fast", "general"])
async def test_a_connection_of_a_literal_host_does_not_serve_others(upstream, general):
    upstream.replies(body="inside")
    client = HttpClient("training", ClientSettings(limits=STEADY, force_general=general))
    named = UpstreamRequest(method="GET", origin=origin("127.0.0.1", literal=True, port=upstream.port), target="/")
    found = UpstreamRequest(method="GET", origin=origin("127.0.0.1", literal=False, port=upstream.port), target="/")
    await client.send(named, Deadline(5))

    with pytest.raises(EgressRefused):
        await client.send(found, Deadline(5))

    assert len(upstream.requests) == 1
    await client.close()


@pytest.mark.parametrize("general", [False, True], ids=["fast", "general"])
async def test_the_next_address_is_tried_when_one_refuses(upstream, general):
    async def two(host: str, port: int) -> list[str]:
        return ["127.0.0.2", "127.0.0.1"]  # the upstream listens on the second only

    upstream.replies(body="ok")
    client = HttpClient("training", ClientSettings(limits=STEADY, force_general=general, resolve=two))
    request = UpstreamRequest(method="GET", origin=origin("two.test", literal=True, port=upstream.port), target="/")

    assert (await client.send(request, Deadline(5))).body == b"ok"
    await client.close()


async def test_an_address_that_never_answers_is_a_connect_timeout():
    """A listener whose queue is full: the handshake never completes."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        client = HttpClient("training", ClientSettings(limits=Limits(connect_time=0.2)))
        request = UpstreamRequest(method="POST", origin=origin("127.0.0.1", literal=True, port=port), target="/")

        with pytest.raises(Exception, match="too long to connect"):
            await client.send(request, Deadline(5))

        for filler in fillers:
            filler.close()
        await client.close()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [("api.test", True), ("8.8.8.8", True), ("10.0.0.1", False), ("localhost", False), ("metadata.google.internal", False)],
)
def test_a_proxied_destination_is_judged_by_what_it_says(host, allowed):
    assert policy().allows_host(host, literal=False) is allowed


def test_a_proxy_opens_no_way_to_metadata():
    assert not policy().allows_host("169.254.169.254", literal=True)
