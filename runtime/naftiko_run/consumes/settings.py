"""How one namespace's client behaves: an operator's choices in, one frozen value and the TLS context it implies out.

The clock, the random source, the sleep and the resolver are settings too, so that retries, breaker and egress rules can be
tested without waiting and without a network.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import NamedTuple

from naftiko_run.binds import Secret
from naftiko_run.errors import BindingError
from naftiko_run.limits import DEFAULT_LIMITS, Limits

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""``await resolve(host, port)``: the addresses as text, in the order to try them; ``socket.gaierror`` where there are none."""


class ClientCertificate(NamedTuple):
    certfile: str
    keyfile: str = ""
    password: Secret | None = None


class Digest(NamedTuple):
    """Credentials for an upstream that sends digest challenges."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSettings:
    limits: Limits = DEFAULT_LIMITS
    allow_net: tuple[Network, ...] = ()
    ca_file: str = ""  # trusted in addition to the platform's authorities
    client_cert: ClientCertificate | None = None
    proxy: str = field(default="", repr=False)  # may hold user info
    http2: bool = False
    force_general: bool = False
    digest: Digest | None = None
    strict: bool = False
    user_agent: str = "naftiko-run"
    resolve: Resolve | None = None
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    random: Callable[[], float] = random.random
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    @property
    def general(self) -> bool:
        """Whether something is asked for that only the general transport can do."""
        return bool(self.force_general or self.http2 or self.proxy or self.digest)

    @property
    def own_trust(self) -> bool:
        """Whether files of the operator's decide about TLS."""
        return bool(self.ca_file or self.client_cert)


def build_tls_context(settings: ClientSettings) -> ssl.SSLContext:
    """Verified TLS 1.2 or later, with the operator's authority and client certificate where there are any."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.ca_file:
        _load_authority(context, settings.ca_file)
    if settings.client_cert is not None:
        _load_client_certificate(context, settings.client_cert)
    return context


def _load_authority(context: ssl.SSLContext, path: str) -> None:
    try:
        context.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError) as error:
        raise BindingError(f"certificate authority file {path!r} cannot be used", hint="it must be PEM text") from error


def _load_client_certificate(context: ssl.SSLContext, certificate: ClientCertificate) -> None:
    # An empty password rather than none: without one OpenSSL would ask for it on the terminal.
    password = certificate.password.reveal() if certificate.password else ""
    try:
        context.load_cert_chain(certificate.certfile, certificate.keyfile or None, password)
    except (OSError, ssl.SSLError) as error:
        hint = "it must be PEM text, with its key and the key's password"
        raise BindingError(f"client certificate {certificate.certfile!r} cannot be used", hint=hint) from error
