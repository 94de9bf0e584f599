"""Fixed secrets: who gets in, who does not, and what the refusal says."""

from __future__ import annotations

import base64

import pytest

from naftiko_run.errors import TooManyRequests, Unauthenticated
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.exposes.guards.guard import GuardContext, Principal

BEARER = "{type: bearer, token: '{{X}}'}"


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("header", ["Bearer s3cr3t", "bearer s3cr3t", "BEARER  s3cr3t"])
@pytest.mark.parametrize("block", [BEARER, "{type: bearer, value: '{{X}}'}", "{type: Bearer, token: 'Bearer {{X}}'}"])
async def test_a_bearer_token_lets_in(guard, ask, block: str, header: str):
    principal = await guard(block, X="s3cr3t").check(ask(authorization=header))

    assert principal.kind == "bearer"


@pytest.mark.parametrize(
    "header",
    ["Bearer other", "Bearer ", "Bearer", "Bearer s3cr3", "Bearer s3cr3tt", "Bearer S3CR3T", "Bearer s3cr3t x", "Bearer {{X}}",
     "Bearer " + "x" * 9000],
)  # fmt: skip
def test_any_other_bearer_token_does_not(guard, ask, header: str):
    with pytest.raises(Unauthenticated) as caught:
        guard(BEARER, X="s3cr3t").check_now(ask(authorization=header))

    assert caught.value.challenge == 'Bearer realm="naftiko", error="invalid_token"'
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("headers", [[], [("authorization", "Basic czpz")], [("x-authorization", "Bearer s3cr3t")]])
def test_without_a_bearer_token_a_caller_is_asked_for_one(guard, ask, headers: list[tuple[str, str]]):
    with pytest.raises(Unauthenticated) as caught:
        guard(BEARER, X="s3cr3t").check_now(ask(*headers))

    assert caught.value.challenge == 'Bearer realm="naftiko"'


def test_two_authorization_headers_are_none(guard, ask):
    with pytest.raises(Unauthenticated):
        guard(BEARER, X="s3cr3t").check_now(ask(("authorization", "Bearer s3cr3t"), ("authorization", "Bearer s3cr3t")))


@pytest.mark.parametrize(
    ("block", "headers", "query"),
    [
        ("{type: apikey, key: X-API-Key, value: '{{X}}'}", [("x-api-key", "s3cr3t")], ""),
        ("{type: apikey, key: X-API-Key, value: '{{X}}', placement: header}", [("x-api-key", "s3cr3t")], ""),
        ("{type: apikey, name: X-API-Key, in: header, value: '{{X}}'}", [("x-api-key", "s3cr3t")], ""),
        ("{type: apikey, header: X-API-Key, key: '{{X}}'}", [("x-api-key", "s3cr3t")], ""),
        ("{type: apikey, key: k, value: '{{X}}', placement: query}", [], "a=1&k=s3%63r3t"),
        ("{type: apikey, key: k, value: '{{X}}', placement: cookie}", [("cookie", "a=1; k=s3cr3t")], ""),
    ],
)
def test_an_api_key_lets_in_from_its_place(guard, ask, block: str, headers: list[tuple[str, str]], query: str):
    live = guard(block, X="s3cr3t")

    assert live.check_now(ask(*headers, query=query)).kind == "apikey"
    with pytest.raises(Unauthenticated):
        live.check_now(ask())


@pytest.mark.parametrize("query", ["k=other", "k=", "k=s3cr3t&k=s3cr3t", "K=s3cr3t", "k=s3cr3t%20"])
def test_any_other_api_key_does_not(guard, ask, query: str):
    with pytest.raises(Unauthenticated):
        guard("{type: apikey, key: k, value: '{{X}}', placement: query}", X="s3cr3t").check_now(ask(query=query))


@pytest.mark.parametrize(("username", "password"), [("ann", "pa:ss"), ("jürgen", "wörd"), ("ann", " ")])
def test_basic_credentials_let_in(guard, ask, username: str, password: str):
    live = guard("{type: basic, username: '{{U}}', password: 'x{{P}}'}", U=username, P=password)

    assert live.check_now(ask(authorization=basic(f"{username}:x{password}"))) == Principal(kind="basic", name=username)


@pytest.mark.parametrize(
    "header",
    [basic("ann:other"), basic("bob:pw"), basic("ann:"), basic(":pw"), basic("annpw"), basic(""), "Basic",
     "Basic !!!", "Basic /w==", "Basic YW5u"],
)  # fmt: skip
def test_any_other_basic_credentials_do_not(guard, ask, header: str):
    with pytest.raises(Unauthenticated) as caught:
        guard("{type: basic, username: ann, password: pw}").check_now(ask(authorization=header))

    assert caught.value.challenge == 'Basic realm="naftiko", charset="UTF-8"'


def test_ten_failures_a_minute_and_then_nobody_from_there_gets_in(guard, ask, clock):
    live = guard(BEARER, X="s3cr3t", context=GuardContext(failures=FailureLimit(clock=clock)))
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            live.check_now(ask(authorization="Bearer guess"))
        clock.now += 1

    with pytest.raises(TooManyRequests) as caught:
        live.check_now(ask(authorization="Bearer s3cr3t"))
    assert caught.value.retry_after == 50
    assert live.check_now(ask(authorization="Bearer s3cr3t", peer="127.0.0.2"))
    clock.now += 50
    assert live.check_now(ask(authorization="Bearer s3cr3t"))


def test_asking_without_a_credential_is_not_counted(guard, ask, clock):
    live = guard(BEARER, X="s3cr3t", context=GuardContext(failures=FailureLimit(clock=clock)))
    for _ in range(50):
        with pytest.raises(Unauthenticated):
            live.check_now(ask())

    assert live.check_now(ask(authorization="Bearer s3cr3t"))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("not:an:address", "not:an:address", True),
    ],
)
def test_what_counts_as_one_address(clock, one: str, other: str, same: bool):
    limit = FailureLimit(limit=1, clock=clock)
    limit.record(one)

    if same:
        with pytest.raises(TooManyRequests):
            limit.admit(other)
    else:
        limit.admit(other)


def test_the_memory_for_failures_is_bounded(clock):
    limit = FailureLimit(clock=clock, addresses=100)
    for number in range(1000):
        limit.record(f"10.0.{number // 250}.{number % 250}")

    assert len(limit) == 100
