"""How httpx2's engine reaches the network here: host in, a watched connection to a checked address out (requirement S40)."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from time import monotonic
from typing import Any

import httpcore2

from naftiko_run.consumes.egress import EgressPolicy
from naftiko_run.consumes.messages import Origin


class Unanswered(httpcore2.ReadError):
    """The connection ended before any byte of a response: a kept one may simply have been too old."""


class Unresolved(httpcore2.ConnectError):
    """The host has no address."""


class WatchedStream(httpcore2.AsyncNetworkStream):
    """A connection that knows whether anything was heard since it was last spoken to."""

    def __init__(self, inner: httpcore2.AsyncNetworkStream) -> None:
        self._inner, self._heard = inner, False

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        try:
            data = await self._inner.read(max_bytes, timeout)
        except httpcore2.ReadError as error:
            if self._heard:
                raise
            raise Unanswered("reset") from error
        if not data and not self._heard:
            raise Unanswered("closed")
        self._heard = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._heard = False
        await self._inner.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.AsyncNetworkStream:
        return WatchedStream(await self._inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Dials what the egress policy has checked; the proxy itself is the operator's and not checked."""

    def __init__(self, egress: EgressPolicy, *, literal: bool, proxied: bool) -> None:
        self._egress, self._literal, self._proxied = egress, literal, proxied
        self._inner = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:  # fmt: skip
        until = monotonic() + (timeout or 0.0)
        addresses = await self._addresses(host, port, timeout)
        for place, address in enumerate(addresses):
            left = len(addresses) - place
            share = (until - monotonic()) / left if timeout else None
            try:
                return WatchedStream(await self._inner.connect_tcp(address, port, share, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if left == 1:
                    raise
        raise Unresolved("no address")

    async def _addresses(self, host: str, port: int, timeout: float | None) -> list[str]:
        if self._proxied:
            return [host]
        origin = Origin(scheme="", host=host, port=port, literal=self._literal)
        try:
            async with asyncio.timeout(timeout):
                return await self._egress.addresses(origin)
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout("resolving") from error
        except (OSError, ValueError) as error:
            raise Unresolved("resolving") from error

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
