"""TLS towards upstreams: an operator's trust settings in, verified contexts out.

The operator's own files are read at once, so that a bad one is found at start. Loading the platform's authorities takes tens of
milliseconds; that happens with the first secure connection, once, and off the event loop.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from naftiko_run.consumes.settings import ClientCertificate, ClientSettings
from naftiko_run.errors import BindingError


class TlsContext:
    """The context of one client, made when it is first needed."""

    def __init__(self, settings: ClientSettings, protocols: Sequence[str] = ()) -> None:
        self._settings, self._protocols = settings, protocols
        self._made = self._make() if settings.ca_file or settings.client_cert else None
        self._making: asyncio.Task[ssl.SSLContext] | None = None

    async def get(self) -> ssl.SSLContext:
        if self._made is None:
            if self._making is None:
                self._making = asyncio.create_task(asyncio.to_thread(self._make))
            self._made = await asyncio.shield(self._making)
        return self._made

    def _make(self) -> ssl.SSLContext:
        context = build_tls_context(self._settings)
        if self._protocols:
            context.set_alpn_protocols(list(self._protocols))
        return context


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
