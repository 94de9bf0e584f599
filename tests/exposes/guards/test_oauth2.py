"""Access tokens of callers: good ones let in, every forged one does not, and keys are fetched sparingly."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from naftiko_run.consumes.messages import Deadline, UpstreamReply, UpstreamRequest
from naftiko_run.errors import CircuitOpen, Forbidden, RequestError, TooManyRequests, Unauthenticated
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.exposes.guards.guard import Guard, GuardContext
from naftiko_run.exposes.messages import HttpRequest

ISSUER, RESOURCE = "https://login.test/tenant", "https://api.test/mcp"
BLOCK = f"{{type: oauth2, authorizationServerUri: '{ISSUER}', resource: '{RESOURCE}/', scopes: [read, write]}}"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SMALL = rsa.generate_private_key(public_exponent=65537, key_size=1024)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
HINT = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource/mcp", scope="read write"'
NOW = 1_800_000_000


def jwk(key: object, **more: object) -> dict[str, object]:
    kind = {"R": jwt.algorithms.RSAAlgorithm, "E": jwt.algorithms.ECAlgorithm}.get(type(key).__name__[0])
    kind = jwt.algorithms.OKPAlgorithm if isinstance(key, ed25519.Ed25519PrivateKey) else kind
    return {**json.loads(kind.to_jwk(key.public_key())), **more}  # type: ignore[union-attr, attr-defined]  # the keys of this file


KEYS: list[dict[str, object]] = [
    {k: v for k, v in jwk(RSA, kid="rsa").items() if k != "key_ops"},
    jwk(EC, kid="ec", use="sig"),
    jwk(ED, kid="ed"),
    jwk(OTHER, kid="encryption", use="enc"),
    jwk(OTHER, kid="only-ps", alg="PS256"),
    jwk(SMALL, kid="small"),
    {"kty": "oct", "kid": "oct", "k": base64.urlsafe_b64encode(b"k" * 32).decode()},
    {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
]


class Server:
    """The authorization server as a ``send``: metadata, keys, introspection; ``asked`` lists the targets."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.requests: list[UpstreamRequest] = []
        self.keys: object = KEYS
        self.failing = False
        self.delay = 0.0
        self.metadata: dict[str, object] = {
            "issuer": ISSUER, "jwks_uri": "https://keys.test/jwks", "introspection_endpoint": f"{ISSUER}/introspect",
        }  # fmt: skip
        self.introspection: object = {}

    async def __call__(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
        self.asked.append(request.target)
        self.requests.append(request)
        await asyncio.sleep(self.delay)
        if self.failing:
            return UpstreamReply(status=500, headers=[], body=b"")
        if request.target == "/tenant/introspect":
            return UpstreamReply(status=200, headers=[], body=json.dumps(self.introspection).encode())
        known = {"/jwks": {"keys": self.keys}, "/.well-known/oauth-authorization-server/tenant": self.metadata}
        if request.target not in known:
            return UpstreamReply(status=404, headers=[], body=b"")
        return UpstreamReply(status=200, headers=[], body=json.dumps(known[request.target]).encode())

    @property
    def key_fetches(self) -> int:
        return self.asked.count("/jwks")


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def live(guard, server: Server, clock) -> Guard:
    limit = FailureLimit(limit=1000, clock=clock)
    return guard(BLOCK, context=GuardContext(send=server, clock=clock, wall_clock=lambda: clock.now, failures=limit))


def claims(**changes: object) -> dict[str, object]:
    made = {"iss": ISSUER, "aud": RESOURCE, "exp": NOW + 600, "sub": "ann", "scope": "read write more", **changes}
    return {name: value for name, value in made.items() if value is not None}


def token(key: object = RSA, algorithm: str = "RS256", header: dict[str, object] | None = None, **changes: object) -> str:
    made = {"kid": "rsa", **(header or {})}
    return jwt.encode(claims(**changes), key, algorithm, {k: v for k, v in made.items() if v is not None})  # type: ignore[arg-type]  # the keys of this file


def part(data: object) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def handmade(header: dict[str, object], payload: object = None, signature: bytes = b"sig") -> str:
    return f"{part(header)}.{part(payload or claims())}.{part(signature)}"


def signed_raw(payload: bytes) -> str:
    """Correctly signed, whatever the payload says."""
    return jwt.api_jws.PyJWS().encode(payload, RSA, "RS256", {"kid": "rsa"})


def mac_with_public_key(algorithm: str) -> str:
    """The classic confusion: our public key used as the shared secret of an HMAC."""
    pem = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = f"{part({'alg': algorithm, 'kid': 'rsa', 'typ': 'JWT'})}.{part(claims())}"
    return f"{text}.{part(hmac.new(pem, text.encode(), hashlib.sha256).digest())}"


def signed_with_small_key() -> str:
    text = f"{part({'alg': 'RS256', 'kid': 'small'})}.{part(claims())}"
    return f"{text}.{part(SMALL.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def bearing(text: str, *more: tuple[str, str]) -> HttpRequest:
    return HttpRequest(method="GET", path="/mcp", headers=[("authorization", f"Bearer {text}"), *more], peer="127.0.0.1")


@pytest.mark.parametrize(
    "good",
    [
        token(),
        token(algorithm="RS512"),
        token(algorithm="PS256"),
        token(EC, "ES256", {"kid": "ec"}),
        token(ED, "EdDSA", {"kid": "ed"}),
        token(header={"typ": "at+jwt"}),
        token(aud=["https://other.test", RESOURCE]),
        token(aud=RESOURCE + "/"),
        token(iss=ISSUER + "/"),
        token(exp=NOW - 29),
        token(nbf=NOW + 29),
        token(scope=None, scp=["read", "write"]),
        token(scope=None, scp="write read"),
        token(EC, "ES256", {"kid": None}),
    ],
)
async def test_a_good_token_lets_in(live: Guard, good: str):
    principal = await live.check(bearing(good))

    assert (principal.kind, principal.issuer, principal.name) == ("oauth2", ISSUER, "ann")
    assert {"read", "write"} <= principal.scopes
    assert live.check_now(bearing(good)) == principal, "the keys are there: no second wait"


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: handmade({"alg": "none", "kid": "rsa"}).rpartition(".")[0] + ".",
    "alg none, with a signature": lambda: handmade({"alg": "none", "kid": "rsa"}),
    "alg NoNe": lambda: handmade({"alg": "NoNe", "kid": "rsa"}),
    "alg missing": lambda: handmade({"kid": "rsa"}),
    "alg a list": lambda: handmade({"alg": ["RS256"], "kid": "rsa"}),
    "HMAC keyed with our public key": lambda: mac_with_public_key("HS256"),
    "the same labelled RS256": lambda: mac_with_public_key("RS256"),
    "HMAC with a published secret": lambda: jwt.encode(claims(), b"k" * 32, "HS256", {"kid": "oct"}),
    "signed by somebody else": lambda: token(OTHER),
    "somebody else's key in the header": lambda: token(OTHER, header={"jwk": jwk(OTHER)}),
    "somebody else's key set in the header": lambda: token(OTHER, header={"jku": "https://evil.test/jwks"}),
    "a certificate in the header": lambda: token(OTHER, header={"x5c": ["MIIB"]}),
    "a certificate address in the header": lambda: token(OTHER, header={"x5u": "https://evil.test/x"}),
    "unknown key id": lambda: token(header={"kid": "other"}),
    "key id as a path": lambda: token(header={"kid": "../../dev/null"}),
    "key id a number": lambda: handmade({"alg": "RS256", "kid": 1}),
    "no key id among several keys": lambda: token(header={"kid": None}, algorithm="PS256"),
    "an encryption key": lambda: token(OTHER, header={"kid": "encryption"}),
    "an algorithm that the key does not allow": lambda: token(OTHER, header={"kid": "only-ps"}),
    "another key type's id": lambda: token(EC, "ES256", {"kid": "rsa"}),
    "a key that is too small": lambda: signed_with_small_key(),
    "critical extension": lambda: token(header={"crit": ["exp"], "exp": 1}),
    "unencoded payload": lambda: token(header={"b64": False, "crit": ["b64"]}),
    "another purpose": lambda: token(header={"typ": "dpop+jwt"}),
    "an encrypted token": lambda: "a.b.c.d.e",
    "changed payload": lambda: ".".join((lambda p: (p[0], part(claims(sub="root")), p[2]))(token().split("."))),
    "changed header": lambda: ".".join((lambda p: (part({"alg": "RS384", "kid": "rsa"}), p[1], p[2]))(token().split("."))),
    "no signature": lambda: token().rpartition(".")[0] + ".",
    "signature cut short": lambda: token()[:-8],
    "signature with padding": lambda: token() + "==",
    "something after it": lambda: token() + ".x",
    "a line break inside": lambda: token()[:40] + "\n" + token()[40:],
    "expired": lambda: token(exp=NOW - 31),
    "without an end": lambda: token(exp=None),
    "end as text": lambda: signed_raw(json.dumps(claims(exp=str(NOW + 600))).encode()),
    "end true": lambda: signed_raw(json.dumps(claims(exp=True)).encode()),
    "endless": lambda: signed_raw(json.dumps(claims(exp=float("inf"))).encode()),
    "end not a number": lambda: signed_raw(json.dumps(claims(exp=float("nan"))).encode()),
    "end of a thousand digits": lambda: signed_raw(
        json.dumps(claims()).replace(str(NOW + 600), "1" + "0" * 1000 + ".0").encode()
    ),
    "not valid yet": lambda: token(nbf=NOW + 31),
    "beginning null": lambda: signed_raw(json.dumps({**claims(), "nbf": None}).encode()),
    "another issuer": lambda: token(iss="https://evil.test"),
    "issuer as prefix": lambda: token(iss=ISSUER + ".evil.test"),
    "no issuer": lambda: token(iss=None),
    "issuer a list": lambda: signed_raw(json.dumps(claims(iss=[ISSUER])).encode()),
    "another audience": lambda: token(aud="https://other.test"),
    "audience as prefix": lambda: token(aud=RESOURCE + "2"),
    "no audience": lambda: token(aud=None),
    "audience inside a text": lambda: token(aud=f"https://other.test {RESOURCE}"),
    "empty audience list": lambda: signed_raw(json.dumps(claims(aud=[])).encode()),
    "payload no object": lambda: signed_raw(b'["read"]'),
    "payload no JSON": lambda: signed_raw(b"read"),
    "payload no UTF-8": lambda: signed_raw(b"\xff\xfe"),
    "payload too deep": lambda: signed_raw(b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}"),
    "longer than 8 KiB": lambda: token(padding="x" * 8192),
    "opaque": lambda: "2YotnFZFEjr1zCsicMWpAA",
    "empty": lambda: "",
    "not ASCII": lambda: "é.é.é",
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_a_forged_token_does_not_let_in(live: Guard, forged: Callable[[], str]):
    await live.check(bearing(token()))  # keys are loaded, so that only the token decides

    with pytest.raises(Unauthenticated) as caught:
        await live.check(bearing(forged()))

    assert caught.value.challenge == f'Bearer error="invalid_token", {HINT}'
    assert caught.value.message == "the access token is not valid"


async def test_a_token_elsewhere_than_in_the_header_is_none(live: Guard):
    request = HttpRequest(
        method="GET", path="/mcp", query=f"access_token={token()}", headers=[("cookie", f"access_token={token()}")]
    )

    with pytest.raises(Unauthenticated) as caught:
        await live.check(request)
    assert caught.value.challenge == f"Bearer {HINT}"


async def test_two_tokens_are_none(live: Guard):
    with pytest.raises(Unauthenticated):
        await live.check(bearing(token(), ("authorization", f"Bearer {token()}")))


@pytest.mark.parametrize("scope", ["read", "", None, "reads writes", "read,write"])
async def test_a_missing_scope_is_asked_for(live: Guard, scope: str | None):
    with pytest.raises(Forbidden) as caught:
        await live.check(bearing(token(scope=scope)))

    assert caught.value.challenge == f'Bearer error="insufficient_scope", {HINT}'


async def test_a_declared_audience_replaces_the_resource(guard, server: Server, clock):
    context = GuardContext(send=server, clock=clock, wall_clock=lambda: clock.now)
    live = guard(BLOCK.replace("scopes", "audience: my-api, scopes"), context=context)

    assert await live.check(bearing(token(aud="my-api")))
    with pytest.raises(Unauthenticated):
        await live.check(bearing(token()))


async def test_guesses_are_counted_and_unauthenticated_requests_are_not(guard, server: Server, clock):
    context = GuardContext(send=server, clock=clock, wall_clock=lambda: clock.now, failures=FailureLimit(clock=clock))
    live = guard(BLOCK, context=context)
    for _ in range(20):
        with pytest.raises(Unauthenticated):
            await live.check(HttpRequest(method="GET", path="/mcp", peer="127.0.0.1"))
    for _ in range(10):
        with pytest.raises(Unauthenticated):
            await live.check(bearing("guess"))

    with pytest.raises(TooManyRequests):
        await live.check(bearing(token()))


# ---- keys


async def test_keys_are_kept_for_five_minutes(live: Guard, server: Server, clock):
    await live.check(bearing(token()))
    clock.now += 299
    await live.check(bearing(token(exp=NOW + 9999)))
    assert server.key_fetches == 1
    clock.now += 2
    await live.check(bearing(token(exp=NOW + 9999)))

    assert server.key_fetches == 2


async def test_an_unknown_key_refetches_at_most_every_thirty_seconds(live: Guard, server: Server, clock):
    await live.check(bearing(token()))
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await live.check(bearing(token(OTHER, header={"kid": "new"})))
    assert server.key_fetches == 1
    clock.now += 31
    server.keys = [*KEYS, jwk(OTHER, kid="new")]
    await live.check(bearing(token(OTHER, header={"kid": "new"})))

    assert server.key_fetches == 2


async def test_many_callers_cause_one_fetch(live: Guard, server: Server):
    server.delay = 0.01

    await asyncio.gather(*(live.check(bearing(token())) for _ in range(20)))

    assert server.key_fetches == 1


async def test_a_caller_who_leaves_does_not_end_the_fetch(live: Guard, server: Server):
    server.delay = 0.02
    first = asyncio.create_task(live.check(bearing(token())))
    await asyncio.sleep(0.01)
    first.cancel()

    assert await live.check(bearing(token()))
    assert server.key_fetches == 1


async def test_without_keys_nobody_is_judged(live: Guard, server: Server, clock):
    server.failing = True
    for _ in range(3):
        with pytest.raises(CircuitOpen) as caught:
            await live.check(bearing(token()))
    assert caught.value.status == 503
    assert caught.value.retry_after == 30
    assert len(server.asked) == 4, "one attempt at all places where metadata may be"
    server.failing = False
    clock.now += 31

    assert await live.check(bearing(token()))


async def test_old_keys_are_not_used_when_new_ones_cannot_be_had(live: Guard, server: Server, clock):
    await live.check(bearing(token()))
    server.failing = True
    clock.now += 301

    with pytest.raises(CircuitOpen):
        await live.check(bearing(token(exp=NOW + 9999)))


@pytest.mark.parametrize(
    "metadata", [{"issuer": "https://evil.test"}, {"jwks_uri": None}, {"jwks_uri": 7}, {"jwks_uri": "http://keys.test/jwks"}]
)
async def test_metadata_that_cannot_be_right_is_not_followed(live: Guard, server: Server, metadata: dict[str, object]):
    server.metadata.update(metadata)

    with pytest.raises(CircuitOpen):
        await live.check(bearing(token()))
    assert server.key_fetches == 0


@pytest.mark.parametrize("keys", [None, "x", {}, [1, None, []]])
async def test_a_strange_key_set_is_survived(live: Guard, server: Server, keys: object):
    server.keys = keys

    with pytest.raises(RequestError):
        await live.check(bearing(token()))


async def test_a_discovered_key_host_gets_no_exception_from_the_egress_rules(live: Guard, server: Server):
    await live.check(bearing(token()))

    assert [(r.origin.host, r.origin.literal) for r in server.requests] == [("login.test", True), ("keys.test", False)]


# ---- introspection

ASKING = BLOCK.replace("scopes", "tokenValidation: introspection, clientId: us, clientSecret: '{{X}}', scopes")


@pytest.fixture
def asking(guard, server: Server, clock) -> Guard:
    context = GuardContext(
        send=server, clock=clock, wall_clock=lambda: clock.now, failures=FailureLimit(limit=1000, clock=clock)
    )
    server.introspection = {"active": True, **claims()}
    return guard(ASKING, context=context, X="s3cr3t")


async def test_the_server_is_asked_about_an_opaque_token(asking: Guard, server: Server):
    principal = await asking.check(bearing("opaque-1"))

    asked = server.requests[-1]
    assert principal.name == "ann"
    assert asked.body == b"token=opaque-1&token_type_hint=access_token"
    assert dict(asked.headers)["Authorization"] == "Basic " + base64.b64encode(b"us:s3cr3t").decode()


async def test_an_approval_is_kept_for_half_a_minute_and_a_refusal_is_not(asking: Guard, server: Server, clock):
    await asking.check(bearing("opaque-1"))
    assert asking.check_now(bearing("opaque-1"))
    assert asking.check_now(bearing("opaque-2")) is None
    clock.now += 31
    server.introspection = {"active": False}

    for _ in range(2):
        with pytest.raises(Unauthenticated):
            await asking.check(bearing("opaque-1"))
    assert server.asked.count("/tenant/introspect") == 3


async def test_an_approval_does_not_outlive_its_token(asking: Guard, server: Server, clock):
    server.introspection = {"active": True, **claims(exp=NOW - 20)}
    await asking.check(bearing("opaque-1"))
    clock.now += 11

    with pytest.raises(Unauthenticated):
        await asking.check(bearing("opaque-1"))


@pytest.mark.parametrize(
    "answer",
    [
        {"active": False},
        {"active": "true", **claims()},
        {"active": 1, **claims()},
        claims(),
        {},
        {"active": True, **claims(aud="https://other.test")},
        {"active": True, **claims(aud=None)},
        {"active": True, **claims(iss="https://evil.test")},
        {"active": True, **claims(exp=NOW - 31)},
        {"active": True, **claims(nbf=NOW + 31)},
    ],
)
async def test_any_other_answer_refuses(asking: Guard, server: Server, answer: dict[str, object]):
    server.introspection = answer

    with pytest.raises(Unauthenticated):
        await asking.check(bearing("opaque-1"))


async def test_an_unreachable_server_is_no_refusal(asking: Guard, server: Server):
    server.failing = True

    with pytest.raises(CircuitOpen):
        await asking.check(bearing("opaque-1"))


@pytest.mark.parametrize("text", ["", "x" * 8193])
async def test_what_cannot_be_a_token_is_not_asked_about(asking: Guard, server: Server, text: str):
    with pytest.raises(Unauthenticated):
        await asking.check(bearing(text))
    assert server.asked == []


# ---- metadata


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"])
def test_the_resource_describes_itself_to_anybody(live: Guard, path: str):
    answer = live.well_known(HttpRequest(method="GET", path=path))

    assert answer is not None and answer.status == 200
    assert ("Content-Type", "application/json") in answer.headers
    assert json.loads(answer.body) == {
        "resource": RESOURCE,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/.well-known/oauth-protected-resource"),
        ("GET", "/.well-known/oauth-protected-resource/other"),
        ("GET", "/.well-known/oauth-protected-resource/mcp/"),
        ("GET", "/mcp"),
    ],
)
def test_nothing_else_is_open(live: Guard, method: str, path: str):
    assert live.well_known(HttpRequest(method=method, path=path)) is None


def test_other_kinds_have_no_metadata(guard):
    plain = guard("{type: bearer, token: x}")

    assert plain.well_known(HttpRequest(method="GET", path="/.well-known/oauth-protected-resource")) is None


def test_the_resource_is_named_the_way_tokens_name_it(guard):
    live = guard("{type: oauth2, issuer: 'https://a.test', resource: 'HTTPS://API.Test/Path/#part', scopes: [offline_access]}")

    answer = live.well_known(HttpRequest(method="GET", path="/.well-known/oauth-protected-resource/Path"))

    assert answer is not None
    assert json.loads(answer.body)["resource"] == "https://api.test/Path"
    assert "scopes_supported" not in json.loads(answer.body)
