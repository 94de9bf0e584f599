"""OAuth 1.0a: published figures, and signatures that an independent reading of the standard accepts."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qsl, quote, unquote

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from naftiko_run.consumes.auth_schemes.oauth1 import OAuth1Signature
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.errors import BindingError

pytest.importorskip("oauthlib", reason="the extra oauth1 is not installed")

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def request(method: str, host: str, target: str, **fields: object) -> UpstreamRequest:
    return UpstreamRequest(method=method, origin=Origin(scheme="https", host=host, port=443), target=target, **fields)


def parameters(made: UpstreamRequest) -> dict[str, str]:
    return {k: unquote(v) for k, v in re.findall(r'(\w+)="([^"]*)"', dict(made.headers)["Authorization"])}


def base_string(made: UpstreamRequest, signed: dict[str, str]) -> str:
    """RFC 5849, 3.4.1, written down from the standard."""
    path, _, query = made.target.partition("?")
    pairs = [*parse_qsl(query, keep_blank_values=True), *((k, v) for k, v in signed.items() if k != "oauth_signature")]
    encoded = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in pairs)
    normalised = "&".join(f"{k}={v}" for k, v in encoded)
    return "&".join(quote(part, safe="~") for part in (made.method, f"{made.origin}{path}", normalised))


def test_the_published_hmac_example():
    """The worked example of a large service's documentation: a form with a status text."""
    values = {
        "consumer_key": "xvz1evFS4wEEPTGEFPHBog",
        "consumer_secret": "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw",
        "token": "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        "token_secret": "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    }
    made = request(
        "POST", "api.twitter.com", "/1.1/statuses/update.json?include_entities=true",
        headers=[("Content-Type", "application/x-www-form-urlencoded")],
        body=b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
    )  # fmt: skip

    OAuth1Signature("HMAC-SHA1", values, nonce="kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg", timestamp="1318622958").apply(made)

    assert parameters(made)["oauth_signature"] == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="


@pytest.mark.parametrize("body", [b'{"amount": 5}', b"\xff\xfe binary", None])
def test_an_rsa_signature_covers_the_request_and_the_hash_of_its_body(body: bytes | None):
    made = request("POST", "api.test", "/v1/pay?b=2&a=x%20y", headers=[("Content-Type", "application/json")], body=body)

    OAuth1Signature("RSA-SHA256", {"consumer_key": "key!1", "signing_key": PEM}).apply(made)

    signed = parameters(made)
    assert signed["oauth_body_hash"] == base64.b64encode(hashlib.sha256(body or b"").digest()).decode()
    assert signed["oauth_consumer_key"] == "key!1"
    KEY.public_key().verify(
        base64.b64decode(signed["oauth_signature"]), base_string(made, signed).encode(), padding.PKCS1v15(), SHA256()
    )


def test_every_request_gets_its_own_nonce():
    authenticator = OAuth1Signature("RSA-SHA256", {"consumer_key": "k", "signing_key": PEM})
    one, two = request("GET", "api.test", "/"), request("GET", "api.test", "/")
    authenticator.apply(one)
    authenticator.apply(two)

    assert parameters(one)["oauth_nonce"] != parameters(two)["oauth_nonce"]


def test_a_key_squeezed_into_one_line_is_unfolded():
    OAuth1Signature("RSA-SHA256", {"consumer_key": "k", "signing_key": PEM.replace("\n", "\\n")}).apply(
        request("GET", "a.test", "/")
    )


def test_an_unreadable_key_is_said_without_showing_it():
    with pytest.raises(BindingError) as caught:
        OAuth1Signature("RSA-SHA256", {"consumer_key": "k", "signing_key": "canary-key"})

    assert "signing key cannot be read" in caught.value.message
    assert "canary" not in str(caught.value)
