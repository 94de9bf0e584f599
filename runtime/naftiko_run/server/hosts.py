"""Which ``Host`` and ``Origin`` values a listener answers to (requirement S11).

By default the loopback names and the listener's own address; an operator adds others. A page on a foreign site can point its
name at a loopback address, but it cannot choose what the browser writes into ``Host`` and ``Origin``: that is what is checked.
Ports are not compared, they differ behind every proxy and container.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from naftiko_run.server.heads import Heads

_AUTHORITY = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._\-]+)(?::(?P<port>[0-9]{1,5}))?")
_ORIGIN = re.compile(r"https?://(?P<authority>[^/?#@]+)", re.IGNORECASE)
_ROOM = 128  # distinct accepted raw values remembered


def host_name(authority: str) -> str:
    """The lower-case name or address of ``name``, ``name:port`` or ``[address]:port``; empty when it is none of these."""
    found = _AUTHORITY.fullmatch(authority)
    if found is None or int(found["port"] or 0) > 65535:
        return ""
    return found["name"].strip("[]").rstrip(".").lower()


def is_loopback(name: str) -> bool:
    """Whether a name or address can only mean this machine."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    address = _address(name)
    return address is not None and address.is_loopback


def is_wildcard(name: str) -> bool:
    """Whether an address stands for all addresses of this machine."""
    address = _address(name)
    return address is not None and address.is_unspecified


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None


class HostRules:
    """The allow-lists of one listener, with a memory of the raw values already accepted."""

    __slots__ = ("_any_address", "_hosts", "_names", "_origins", "_suffixes", "_tolerant", "heads")

    def __init__(self, *, address: str = "127.0.0.1", names: Iterable[str] = (), origins: Iterable[str] = ()) -> None:
        """``names``: more host names; ``*.example.com`` means every name below it, ``*`` any name at all."""
        added = [name.lower().rstrip(".").strip("[]") for name in names]
        self._tolerant = "*" in added
        self._suffixes = tuple(name[1:] for name in added if name.startswith("*."))
        self._names = {name for name in added if not name.startswith("*")} | {address.lower()}
        # On a wildcard address the caller's idea of our address is unknown, but a foreign page's is always a name.
        self._any_address = is_wildcard(address)
        self._hosts: set[str] = set()
        self.heads = Heads()
        self._origins = {origin.lower().rstrip("/") for origin in origins}

    def accepts_host(self, value: str) -> bool:
        if value in self._hosts:
            return True
        if not self._accepts_name(host_name(value)):
            return False
        if len(self._hosts) < _ROOM:
            self._hosts.add(value)
        return True

    def accepts_origin(self, value: str) -> bool:
        origin = value.lower()
        if origin in self._origins or "*" in self._origins:
            return True
        found = _ORIGIN.fullmatch(origin)
        # An origin from every site is what `*` among the names must not allow.
        return found is not None and self._accepts_name(host_name(found["authority"]), tolerant=False)

    def _accepts_name(self, name: str, *, tolerant: bool = True) -> bool:
        if not name:
            return False
        if (tolerant and self._tolerant) or name in self._names or name.endswith(self._suffixes or ("\0",)):
            return True
        return is_loopback(name) or (self._any_address and _address(name) is not None)
