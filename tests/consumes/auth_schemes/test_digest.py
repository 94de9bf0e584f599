"""Digest authentication against a server that is not ours."""

from __future__ import annotations

import pytest

from naftiko_run.consumes.auth_schemes.digest import DigestAuthenticator
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest


def request(port: int, target: str) -> UpstreamRequest:
    return UpstreamRequest(method="GET", origin=Origin(scheme="http", host="127.0.0.1", port=port), target=target)


async def call(authenticator: DigestAuthenticator, send, made: UpstreamRequest) -> tuple[int, int]:
    """(status, requests sent), as a client does it: one retry after a 401."""
    deadline = Deadline(5)
    await authenticator.prepare(send, deadline)
    authenticator.apply(made)
    reply = await send(made, deadline)
    if reply.status != 401 or not authenticator.on_unauthorized(made, reply):
        return reply.status, 1
    await authenticator.prepare(send, deadline)
    authenticator.apply(made)
    return (await send(made, deadline)).status, 2


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512"])
async def test_a_challenge_is_answered(send, httpbin_port: int, algorithm: str):
    authenticator = DigestAuthenticator("ann", "pa:ss")

    status = await call(authenticator, send, request(httpbin_port, f"/digest-auth/auth/ann/pa:ss/{algorithm}"))

    assert status == (200, 2)


async def test_the_next_request_answers_at_once(send, httpbin_port: int):
    authenticator = DigestAuthenticator("ann", "secret")
    await call(authenticator, send, request(httpbin_port, "/digest-auth/auth/ann/secret/SHA-256"))

    status = await call(authenticator, send, request(httpbin_port, "/digest-auth/auth/ann/secret/SHA-256"))

    assert status == (200, 1)


async def test_a_wrong_password_stays_refused(send, httpbin_port: int):
    status = await call(DigestAuthenticator("ann", "wrong"), send, request(httpbin_port, "/digest-auth/auth/ann/secret/MD5"))

    assert status == (401, 2)


async def test_a_nonce_that_has_expired_is_replaced(send, httpbin_port: int):
    authenticator = DigestAuthenticator("ann", "secret")
    target = "/digest-auth/auth/ann/secret/MD5/1"  # each nonce is good for one request
    results = []
    for _ in range(3):
        made = request(httpbin_port, target)
        results.append((await call(authenticator, send, made))[0])

    assert results == [200, 200, 200]


@pytest.mark.parametrize(
    "challenge",
    [
        "Basic realm=x",
        "Digest realm=x",
        "Digest garbage",
        'Digest realm="x", nonce="n", qop="auth-int"',
        'Digest realm="x", nonce="n", algorithm=WHIRLPOOL',
        'Digest realm="x", nonce="n", qop="auth", algorithm',
    ],
)
def test_a_challenge_that_cannot_be_answered_leaves_the_401(challenge: str):
    authenticator = DigestAuthenticator("ann", "secret")
    made = request(1, "/")

    assert not authenticator.on_unauthorized(
        made, UpstreamReply(status=401, headers=[("www-authenticate", challenge)], body=b"")
    )
    authenticator.apply(made)
    assert made.headers == []


def test_a_digest_challenge_is_found_among_others():
    authenticator = DigestAuthenticator("ann", "secret")
    headers = [
        ("www-authenticate", "Negotiate"),
        ("www-authenticate", 'Basic realm="a", Digest realm="r", nonce="n", qop="auth"'),
    ]
    made = request(1, "/p?q=1")

    assert authenticator.on_unauthorized(made, UpstreamReply(status=401, headers=headers, body=b""))
    assert 'realm="r"' in made.headers[0][1]
    assert 'uri="/p?q=1"' in made.headers[0][1]
