"""The general transport: the same contract as ``pool.py`` on httpx2's engine, for proxies and HTTP/2.

Requests go straight to httpx2's connection pool: its client object would add headers, keep cookies and rewrite the target. The
network backend dials checked addresses only. Imported only where settings ask for it.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from time import monotonic

import httpcore2
import httpx2

from naftiko_run.consumes.checked_backend import CheckedBackend, Unanswered, Unresolved
from naftiko_run.consumes.egress import EgressPolicy
from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.request_head import RequestHead
from naftiko_run.consumes.response import Response
from naftiko_run.consumes.retry import may_repeat
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.consumes.tls import TlsContext
from naftiko_run.errors import BindingError, RequestError

Headers = list[tuple[bytes, bytes]]
KEEP = 30.0


class General:
    """The connections of one namespace to all its origins, or to its proxy."""

    def __init__(self, settings: ClientSettings, faults: Faults, egress: EgressPolicy) -> None:
        self._settings, self._limits, self._faults, self._egress = settings, settings.limits, faults, egress
        self._head = RequestHead(settings.user_agent)
        self._proxy = _proxy(settings)
        if settings.http2 and find_spec("h2") is None:
            raise BindingError("HTTP/2 to an upstream needs the package 'h2'", hint="install naftiko-run[http2]")
        self._tls = TlsContext(settings)  # httpx2 sets the protocols
        # By literal and secure: a host that the document names has rights that it has not when it comes from elsewhere.
        self._pools: dict[tuple[bool, bool], httpcore2.AsyncConnectionPool] = {}
        self._closed = False

    @property
    def open_connections(self) -> int:
        return sum(len(pool.connections) for pool in self._pools.values())

    async def send(self, request: UpstreamRequest, seconds: float) -> UpstreamReply:
        fields = self._head.fields(request)
        self._head.encode(request, fields)  # refuses what must not be sent; the bytes are httpx2's business
        if self._closed:
            raise self._faults.closed()
        expires = monotonic() + seconds
        try:
            async with asyncio.timeout(seconds):
                headers = [(name.encode(), value.encode()) for name, value in fields]
                return await self._once(request, headers, expires)
        except TimeoutError as error:
            raise self._faults.timeout() from error

    async def close(self) -> None:
        self._closed = True
        for pool in self._pools.values():
            await pool.aclose()
        self._pools.clear()

    # ---- one exchange

    async def _once(self, request: UpstreamRequest, headers: Headers, expires: float) -> UpstreamReply:
        """One exchange; on a kept connection that turns out to be closed, once more where that is allowed."""
        pool = await self._pool(request)
        response = Response(self._faults, self._limits)
        for again in (may_repeat(request), False):
            response.begin(request.method, request.max_body)
            await _drop_spoilt(pool)
            kept = any(connection.is_idle() for connection in pool.connections)
            try:
                with self._translated():
                    return await self._exchange(pool, request, headers, expires, response)
            except RequestError as error:
                if not (again and kept and isinstance(error.__cause__, Unanswered)):
                    raise
        raise AssertionError("unreachable")

    async def _exchange(
        self, pool: httpcore2.AsyncConnectionPool, request: UpstreamRequest, headers: Headers, expires: float,
        response: Response,
    ) -> UpstreamReply:  # fmt: skip
        limits, origin = self._limits, request.origin
        left = max(0.0, expires - monotonic())
        port = None if origin.port == (443 if origin.scheme == "https" else 80) else origin.port
        url = httpcore2.URL(scheme=origin.scheme.encode(), host=_host(origin), port=port, target=request.target.encode())
        timeout = {"connect": min(limits.connect_time, left), "read": limits.idle_time, "write": limits.idle_time}
        message = httpcore2.Request(
            request.method, url, headers=headers, content=request.body or None,
            extensions={"timeout": {**timeout, "pool": min(limits.pool_wait, left)}},
        )  # fmt: skip
        answer = await pool.handle_async_request(message)
        try:
            for name, value in answer.headers:
                response.on_header(name, value)
            response.head_complete(answer.status)
            async for part in answer.aiter_stream():
                response.on_body(part)
        finally:
            await answer.aclose()
        response.on_message_complete()
        return response.reply()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """httpx2's errors as ours."""
        faults = self._faults
        try:
            yield
        except httpcore2.PoolTimeout as error:
            raise faults.no_connection() from error
        except httpcore2.ConnectTimeout as error:
            raise faults.connect_timeout() from error
        except httpcore2.TimeoutException as error:
            raise faults.timeout() from error
        except httpcore2.ProxyError as error:
            raise faults.proxy() from error
        except httpcore2.ConnectError as error:
            raise self._connect_fault(error) from error
        except Unanswered as error:
            raise faults.reset() from error
        except httpcore2.NetworkError as error:
            raise faults.cut() from error
        except httpcore2.ProtocolError as error:
            ended = any(phrase in str(error) for phrase in _ENDED)
            raise (faults.cut() if ended else faults.broken("is not HTTP")) from error

    def _connect_fault(self, error: Exception) -> RequestError:
        chain: BaseException | None = error
        while chain is not None:
            if isinstance(chain, ssl.SSLCertVerificationError):
                return self._faults.untrusted()
            if isinstance(chain, ssl.SSLError):
                return self._faults.tls()
            if isinstance(chain, Unresolved):
                return self._faults.unresolved()
            chain = chain.__cause__ or chain.__context__
        return self._faults.refused()

    # ---- pools

    async def _pool(self, request: UpstreamRequest) -> httpcore2.AsyncConnectionPool:
        literal = request.origin.literal
        if self._proxy is not None and not self._egress.allows_host(request.origin.host, literal=literal):
            raise self._faults.egress()
        key = (literal, request.origin.scheme == "https")
        pool = self._pools.get(key)
        if pool is None:
            tls = await self._tls.get() if key[1] else None
            pool = self._pools.get(key) or self._pools.setdefault(key, self._new_pool(literal, tls))
        return pool

    def _new_pool(self, literal: bool, tls: ssl.SSLContext | None) -> httpcore2.AsyncConnectionPool:
        limits = self._limits
        return httpcore2.AsyncConnectionPool(
            ssl_context=tls,
            proxy=self._proxy,
            max_connections=limits.namespace_connections,
            max_keepalive_connections=limits.namespace_idle,
            keepalive_expiry=KEEP,
            http2=self._settings.http2,
            network_backend=CheckedBackend(self._egress, literal=literal, proxied=self._proxy is not None),
        )


# How httpx2 words the end of a connection in the middle of an answer.
_ENDED = ("disconnected without", "closed connection without", "ConnectionTerminated")


def _proxy(settings: ClientSettings) -> httpcore2.Proxy | None:
    if not settings.proxy:
        return None
    try:
        proxy = httpx2.Proxy(settings.proxy)
        if proxy.url.scheme not in ("http", "https", "socks5", "socks5h"):
            raise ValueError(proxy.url.scheme)
    except (ValueError, httpx2.InvalidURL) as error:
        raise BindingError("the proxy setting is not a proxy's URL", hint="http://HOST:PORT or socks5://HOST:PORT") from error
    if proxy.url.scheme.startswith("socks5") and find_spec("socksio") is None:
        raise BindingError("a SOCKS proxy needs the package 'socksio'", hint="install naftiko-run[proxy]")
    url = httpcore2.URL(scheme=proxy.url.raw_scheme, host=proxy.url.raw_host, port=proxy.url.port, target=b"/")
    return httpcore2.Proxy(url, auth=proxy.raw_auth)


def _host(origin: Origin) -> bytes:
    return f"[{origin.host}]".encode() if ":" in origin.host else origin.host.encode()


async def _drop_spoilt(pool: httpcore2.AsyncConnectionPool) -> None:
    """Close kept connections that hold bytes after their last answer: httpx2 would take them for the next one."""
    for connection in pool.connections:
        if connection.is_idle() and _leftover(connection):
            await connection.aclose()


def _leftover(connection: object) -> bool:
    """The parser is nowhere public; a connection wraps another, down to the one that has it."""
    while connection is not None:
        parser = getattr(connection, "_h11_state", None)
        if parser is not None:
            return bool(parser.trailing_data[0])
        connection = getattr(connection, "_connection", None)
    return False
