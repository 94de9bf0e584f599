"""How one namespace's client behaves: an operator's choices and limits as one frozen value.

The clock, the random source, the sleep and the resolver are settings too, so that retries, breaker and egress rules can be
tested without waiting and without a network.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from naftiko_run.binds import Secret
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""``await resolve(host, port)``: the addresses as text, in the order to try them; ``socket.gaierror`` where there are none."""


class ClientCertificate(NamedTuple):
    certfile: str
    keyfile: str = ""
    password: Secret | None = None


def chance() -> float:
    """From 0 up to 1, to spread retries with."""
    import random

    return random.random()  # noqa: S311  # not for secrets


@record
class ClientSettings:
    """What an operator decides about all clients of a process."""

    limits: Limits = DEFAULT_LIMITS
    allow_net: tuple[Network, ...] = ()
    ca_file: str = ""  # trusted in addition to the platform's authorities
    client_cert: ClientCertificate | None = None
    proxy: str = field(default="", repr=False)  # may hold user info
    http2: bool = False
    force_general: bool = False
    strict: bool = False
    user_agent: str = "naftiko-run"
    resolve: Resolve | None = None
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    random: Callable[[], float] = chance
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def general(self) -> bool:
        """Whether something is asked for that only the general transport can do."""
        return bool(self.force_general or self.http2 or self.proxy)
