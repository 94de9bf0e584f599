"""``oauth1``: OAuth 1.0a signatures over each request, RSA with a signing key or HMAC with a consumer secret.

The signature is the library's (extra ``oauth1``). What is ours is the hash of the body: services that verify it want the hash
of the signature method, where the library would always take SHA-1.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from naftiko_run.consumes.auth_schemes.placed import FORM
from naftiko_run.consumes.auth_schemes.scheme import (
    AUTH_SCHEMES,
    AuthBlock,
    Authentication,
    Authenticator,
    get_header,
    set_header,
)
from naftiko_run.consumes.auth_schemes.simple import AUTHORIZATION
from naftiko_run.consumes.messages import UpstreamRequest
from naftiko_run.errors import BindingError

METHODS = ("RSA-SHA256", "RSA-SHA512", "HMAC-SHA256", "HMAC-SHA512", "HMAC-SHA1")


@AUTH_SCHEMES.register("oauth1", "oauth1a", "oauth-1.0a")
def oauth1(block: AuthBlock) -> Authentication:
    """``consumerKey`` with ``signingKey`` (PEM) or ``consumerSecret``; ``token`` and ``tokenSecret`` where there is a user."""
    if find_spec("oauthlib") is None:
        return block.refuse("OAuth 1 signatures need a library that is not installed", "pip install 'naftiko-run[oauth1]'")
    fields = block.pick(
        consumer_key=("consumerKey", "clientKey"),
        signing_key=("signingKey", "privateKey", "rsaKey"),
        consumer_secret=("consumerSecret", "clientSecret"),
        token=("token", "accessToken"),
        token_secret=("tokenSecret", "accessTokenSecret"),
    )
    if "consumer_key" not in fields or not fields.keys() & {"signing_key", "consumer_secret"}:
        hint = "write consumerKey, and signingKey for RSA or consumerSecret for HMAC, beside type"
        return block.refuse("an OAuth 1 signature cannot be computed from what authentication holds", hint)
    method = block.node.get_text("signatureMethod", default="RSA-SHA256" if "signing_key" in fields else "HMAC-SHA256").upper()
    if method not in METHODS:
        hint = f"write one of {', '.join(METHODS)}"
        return block.refuse(f"signature method {method!r} is not supported", hint, at=block.node.get("signatureMethod"))
    return Authentication(
        kind="oauth1", namespace=block.namespace, fields=fields, open_fields=frozenset({"consumer_key"}),
        build=lambda values: OAuth1Signature(method, values), header_names=AUTHORIZATION, at=block.node.location,
    )  # fmt: skip


class OAuth1Signature(Authenticator):
    """``nonce`` and ``timestamp`` are fixed only to check published figures."""

    def __init__(
        self, method: str, values: Mapping[str, str], *, nonce: str | None = None, timestamp: str | None = None
    ) -> None:
        self._rfc5849: Any = import_module("oauthlib.oauth1.rfc5849")
        self._method, self._nonce, self._timestamp = method, nonce, timestamp
        self._settings = {
            "client_key": values["consumer_key"],
            "client_secret": values.get("consumer_secret"),
            "resource_owner_key": values.get("token") or None,
            "resource_owner_secret": values.get("token_secret") or None,
        }
        self._rsa_key = _usable_key(values["signing_key"]) if method.startswith("RSA") else None

    def apply(self, request: UpstreamRequest) -> None:
        form = get_header(request, "content-type").partition(";")[0].strip().lower() == FORM
        signer = self._signer(b"" if form else request.body or b"", always=self._method.startswith("RSA") and not form)
        # A form's fields are part of the signature, everything else only as its hash.
        body = (request.body or b"").decode("utf-8", "surrogateescape") if form else None
        headers = {"Content-Type": FORM} if body else {}
        _, signed, _ = signer.sign(f"{request.origin}{request.target}", request.method, body or None, headers)
        set_header(request, "Authorization", signed["Authorization"])

    def _signer(self, body: bytes, *, always: bool) -> Any:
        client = self._rfc5849.Client(
            **self._settings, signature_method=self._method, rsa_key=self._rsa_key, nonce=self._nonce, timestamp=self._timestamp
        )
        if body or always:
            hashed = hashlib.new(self._method.partition("-")[2].replace("SHA1", "sha1").lower(), body).digest()
            plain = client.get_oauth_params
            client.get_oauth_params = lambda asked: [*plain(asked), ("oauth_body_hash", base64.b64encode(hashed).decode())]
        return client


def _usable_key(text: str) -> str:
    """A PEM private key; one squeezed into a single line, as environment variables hold it, is unfolded."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = text.replace("\\n", "\n")
    try:
        load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError) as exc:
        hint = "it must be the PEM text of an RSA private key without a password"
        raise BindingError("the OAuth 1 signing key cannot be read", hint=hint, code="E-SECRET-INVALID") from exc
    return text
