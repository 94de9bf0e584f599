"""Failed authentication is limited by address: ten in a minute, then 429 until the oldest is a minute old (requirement S20).

An IPv6 caller owns a whole /64, so that counts as one address. Memory is bounded: the address that failed longest ago is
forgotten.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable

from naftiko_run.errors import TooManyRequests

ADDRESSES = 10_000


class FailureLimit:
    def __init__(
        self, *, limit: int = 10, window: float = 60.0, clock: Callable[[], float] = time.monotonic, addresses: int = ADDRESSES
    ) -> None:
        self._limit, self._window, self._clock, self._addresses = limit, window, clock, addresses
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def admit(self, peer: str) -> None:
        """Raise ``TooManyRequests`` for an address that failed too often; before any secret is compared."""
        if not self._failures:
            return
        times = self._failures.get(_address(peer))
        if times is None:
            return
        now = self._clock()
        while times and times[0] <= now - self._window:
            times.popleft()
        if len(times) >= self._limit:
            wait = math.ceil(times[0] + self._window - now)
            raise TooManyRequests("authentication failed too often from this address", retry_after=max(1, wait))

    def record(self, peer: str) -> None:
        address = _address(peer)
        times = self._failures.setdefault(address, deque(maxlen=self._limit))
        times.append(self._clock())
        self._failures.move_to_end(address)
        while len(self._failures) > self._addresses:
            self._failures.popitem(last=False)

    def __len__(self) -> int:
        return len(self._failures)


def _address(peer: str) -> str:
    if ":" not in peer:
        return peer
    try:
        address = ipaddress.IPv6Address(peer.partition("%")[0])
    except ValueError:
        return peer
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
