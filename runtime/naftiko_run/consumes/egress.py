"""Which addresses an upstream's host may lead to: a host in, checked addresses out, or ``EgressRefused`` (requirement S40).

A host is resolved once and *every* address it has must be allowed; the caller dials those addresses and never the name, so a
resolver that changes its mind gains nothing. Link-local and metadata addresses are never called. Any other address that is not
globally routed needs ``allow_net`` or, outside the strict profile, a host that the document itself names.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Origin
from naftiko_run.consumes.settings import ClientSettings, Network, Resolve

Address = IPv4Address | IPv6Address

_NEVER = tuple(map(ip_network, (
    "169.254.0.0/16", "fe80::/10",  # link-local, and with it most clouds' metadata
    "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fd00:ec2::/32", "fd20:ce::254/128",
)))  # fmt: skip
_NOT_GLOBAL_4 = tuple(map(ip_network, (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)))  # fmt: skip
_GLOBAL_6 = ip_network("2000::/3")
_NOT_GLOBAL_6 = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
# Networks whose last 32 bits are an IPv4 address: mapped, translated, compatible, NAT64 (well-known and local).
_ENDS_IN_4 = tuple(map(ip_network, ("::ffff:0:0/96", "::ffff:0:0:0/96", "::/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_CACHE_SECONDS, _CACHE_ENTRIES = 5.0, 256


class EgressPolicy:
    """The rules of one client, and a short memory of what its hosts resolved to."""

    def __init__(self, settings: ClientSettings, faults: Faults) -> None:
        self._allow, self._strict, self._faults = settings.allow_net, settings.strict, faults
        self._resolve: Resolve = settings.resolve or resolve
        self._cache: dict[tuple[str, int], tuple[float, Sequence[str]]] = {}

    async def addresses(self, origin: Origin) -> list[str]:
        """The addresses to dial, all of them checked. ``socket.gaierror`` where the host has none."""
        found = await self._lookup(origin.host, origin.port)
        addresses = [_parse(text) for text in found]
        if not all(address is not None and self.allows(address, literal=origin.literal) for address in addresses):
            raise self._faults.egress()
        return [str(address) for address in addresses]

    def allows(self, address: Address, *, literal: bool) -> bool:
        inner = list(_with_embedded(address))
        if any(_within(one, _NEVER) for one in inner):
            return False
        if literal and not self._strict:
            return True
        return is_global(address) or any(_within(one, self._allow) for one in inner)

    def allows_host(self, host: str, *, literal: bool) -> bool:
        """For a request through a proxy, which resolves names itself: what an address in place of a name tells."""
        address = _parse(host)
        if address is not None:
            return self.allows(address, literal=literal)
        name = host.lower().rstrip(".")
        return (literal and not self._strict) or not (name == "localhost" or name.endswith((".localhost", ".internal")))

    async def _lookup(self, host: str, port: int) -> Sequence[str]:
        if _parse(host) is not None:
            return (host,)
        cached = self._cache.get((host, port))
        now = time.monotonic()
        if cached is not None and cached[0] > now:
            return cached[1]
        found = await self._resolve(host, port)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        if len(self._cache) >= _CACHE_ENTRIES:
            self._cache.clear()
        self._cache[host, port] = (now + _CACHE_SECONDS, found)
        return found


def is_global(address: Address) -> bool:
    """Whether the address is globally routed unicast. Addresses that carry another one inside do not count as such."""
    if isinstance(address, IPv4Address):
        return not _within(address, _NOT_GLOBAL_4)
    return address in _GLOBAL_6 and not _within(address, _NOT_GLOBAL_6)


async def resolve(host: str, port: int) -> list[str]:
    """The system's resolver, each address once."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _with_embedded(address: Address) -> Iterator[Address]:
    """The address and every IPv4 address it carries (mapped, NAT64, 6to4, Teredo, ISATAP)."""
    yield address
    if isinstance(address, IPv4Address):
        return
    number = int(address)
    if _within(address, _ENDS_IN_4) or (number >> 32) & 0xFCFFFFFF == 0x00005EFE:
        yield IPv4Address(number & 0xFFFFFFFF)
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo


def _within(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _parse(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
