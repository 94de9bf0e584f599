"""OAuth 2 towards upstreams: tokens from an authorization server that is not ours, kept, renewed and dropped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from naftiko_run.consumes.auth_schemes.oauth2 import OAuth2Token
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest
from naftiko_run.errors import BindingError, UpstreamBroken, UpstreamError, UpstreamTimeout
from naftiko_run.redaction import Redactor

CLIENT = {"client_id": "client:1", "client_secret": "s/ec ret"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def token_server() -> object:
    """A WSGI authorization server made of Authlib's parts; its ``log`` lists (grant, method of authentication)."""
    flask = pytest.importorskip("flask", reason="the test server needs Flask")
    pytest.importorskip("authlib", reason="the test server needs Authlib")
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import ClientMixin, grants

    class Client(ClientMixin):
        client_id, client_secret = CLIENT["client_id"], CLIENT["client_secret"]

        def get_client_id(self):
            return self.client_id

        def get_allowed_scope(self, scope):
            return scope or ""

        def check_client_secret(self, client_secret):
            return client_secret == self.client_secret

        def check_endpoint_auth_method(self, method, endpoint):
            return method in ("client_secret_basic", "client_secret_post")

        def check_grant_type(self, grant_type):
            return True

    app = flask.Flask("tokens")
    app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
    app.config["OAUTH2_TOKEN_EXPIRES_IN"] = {"client_credentials": 600, "password": 600, "refresh_token": 600}
    issued: dict[str, object] = {}
    log: list[tuple[str, str, str]] = []

    def save(token, request):
        issued[token.get("refresh_token", "")] = token
        method = "basic" if flask.request.authorization else "post"
        log.append((request.payload.grant_type, method, request.payload.scope or ""))

    server = AuthorizationServer(app, query_client=lambda i: Client() if i == CLIENT["client_id"] else None, save_token=save)

    class Password(grants.ResourceOwnerPasswordCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

        def authenticate_user(self, username, password):
            return SimpleNamespace(id=1) if (username, password) == ("ann", "pw") else None

    class Refresh(grants.RefreshTokenGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")
        INCLUDE_NEW_REFRESH_TOKEN = True

        def authenticate_refresh_token(self, refresh_token):
            known = refresh_token in issued or refresh_token == "first"
            return SimpleNamespace(check_client=lambda c: True, get_scope=lambda: "") if known else None

        def authenticate_user(self, refresh_token):
            return SimpleNamespace(id=1)

        def revoke_old_credential(self, refresh_token):
            pass

    class Machine(grants.ClientCredentialsGrant):
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    for grant in (Machine, Password, Refresh):
        server.register_grant(grant)
    app.add_url_rule("/token", view_func=lambda: server.create_token_response(), methods=["POST"], endpoint="token")

    @app.get("/.well-known/openid-configuration")
    def metadata():
        base = flask.request.host_url.rstrip("/")
        return {"issuer": base, "token_endpoint": f"{base}/token"}

    app.log = log
    return app


@pytest.fixture(scope="module")
def tokens(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """(base URL, log) of a running authorization server."""
    import logging
    import threading

    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = token_server()
    server = make_server("127.0.0.1", 0, app)  # type: ignore[arg-type]  # Flask is a WSGI app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", app.log  # type: ignore[attr-defined]  # Flask is a WSGI app
    server.shutdown()
    thread.join()
    server.server_close()


def request() -> UpstreamRequest:
    return UpstreamRequest(method="GET", origin=Origin(scheme="https", host="api.test", port=443), target="/")


async def bearer(authenticator: OAuth2Token, send) -> str:
    await authenticator.prepare(send, Deadline(5))
    made = request()
    authenticator.apply(made)
    return dict(made.headers)["Authorization"]


@pytest.mark.parametrize(
    ("grant", "extra", "in_body", "logged"),
    [
        ("client_credentials", {"scope": "a b"}, False, ("client_credentials", "basic", "a b")),
        ("client_credentials", {}, True, ("client_credentials", "post", "")),
        ("password", {"username": "ann", "password": "pw"}, False, ("password", "basic", "")),
        ("refresh_token", {"refresh_token": "first"}, True, ("refresh_token", "post", "")),
    ],
)
async def test_each_grant_gets_a_token(send, tokens, grant: str, extra: dict[str, str], in_body: bool, logged: tuple[str, ...]):
    base, log = tokens
    authenticator = OAuth2Token(grant, {**CLIENT, **extra, "token_endpoint": f"{base}/token"}, in_body=in_body)

    header = await bearer(authenticator, send)

    assert header.startswith("Bearer ") and len(header) > 20
    assert log[-1] == logged


async def test_a_rotated_refresh_token_replaces_the_old_one(send, tokens):
    clock = Clock()
    values = {**CLIENT, "refresh_token": "first", "token_endpoint": f"{tokens[0]}/token"}
    authenticator = OAuth2Token("refresh_token", values, clock=clock)
    one = await bearer(authenticator, send)
    clock.now += 3600

    assert await bearer(authenticator, send) != one
    assert values["refresh_token"] == "first"


async def test_the_token_endpoint_is_found_from_the_issuer(send, tokens):
    authenticator = OAuth2Token("client_credentials", {**CLIENT, "issuer": tokens[0] + "/"})

    assert (await bearer(authenticator, send)).startswith("Bearer ")


async def test_a_refused_client_is_said_without_its_secret(send, tokens):
    authenticator = OAuth2Token(
        "client_credentials", {**CLIENT, "client_secret": "canary", "token_endpoint": f"{tokens[0]}/token"}
    )

    with pytest.raises(UpstreamError) as caught:
        await authenticator.prepare(send, Deadline(5))

    assert caught.value.message == "the token endpoint refused the client: invalid_client (status 401)"
    assert "canary" not in str(caught.value)


class Counting:
    """A ``send`` that answers with numbered tokens, or with whatever it is told."""

    def __init__(self, **answer: object) -> None:
        self.calls: list[UpstreamRequest] = []
        self.answer: dict[str, object] = {"token_type": "Bearer", "expires_in": 600, **answer}
        self.status, self.delay = 200, 0.0

    async def __call__(self, made: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
        self.calls.append(made)
        await asyncio.sleep(self.delay)
        body = json.dumps({"access_token": f"token-{len(self.calls)}", **self.answer}).encode()
        return UpstreamReply(status=self.status, headers=[], body=body)


def token(clock: Clock | None = None) -> OAuth2Token:
    return OAuth2Token("client_credentials", {**CLIENT, "token_endpoint": "https://a.test/token"}, clock=clock or Clock())


async def test_a_token_is_kept_until_shortly_before_its_end():
    clock, send = Clock(), Counting()
    authenticator = token(clock)

    assert await bearer(authenticator, send) == "Bearer token-1"
    clock.now += 569
    assert await bearer(authenticator, send) == "Bearer token-1"
    clock.now += 2
    assert await bearer(authenticator, send) == "Bearer token-2"


async def test_many_callers_cause_one_renewal():
    send = Counting()
    send.delay = 0.01
    authenticator = token()

    headers = await asyncio.gather(*(bearer(authenticator, send) for _ in range(20)))

    assert set(headers) == {"Bearer token-1"}
    assert len(send.calls) == 1


async def test_during_an_early_renewal_the_old_token_goes_on():
    clock, send = Clock(), Counting()
    authenticator = token(clock)
    await bearer(authenticator, send)
    clock.now += 580
    send.delay = 0.05

    renewal = asyncio.create_task(bearer(authenticator, send))
    await asyncio.sleep(0.01)

    assert await bearer(authenticator, send) == "Bearer token-1"
    assert await renewal == "Bearer token-2"


async def test_a_failing_renewal_is_no_failure_while_the_token_works():
    clock, send = Clock(), Counting()
    authenticator = token(clock)
    await bearer(authenticator, send)
    clock.now += 580
    send.status = 503

    assert await bearer(authenticator, send) == "Bearer token-1"
    clock.now += 30
    with pytest.raises(UpstreamError, match="status 503"):
        await bearer(authenticator, send)


async def test_a_401_renews_once_but_not_a_token_that_is_only_seconds_old():
    clock, send = Clock(), Counting()
    authenticator = token(clock)
    await bearer(authenticator, send)
    made = request()
    authenticator.apply(made)
    refused = UpstreamReply(status=401, headers=[], body=b"")

    assert not authenticator.on_unauthorized(made, refused)
    clock.now += 6
    assert authenticator.on_unauthorized(made, refused)
    assert authenticator.on_unauthorized(made, refused)
    assert await bearer(authenticator, send) == "Bearer token-2"
    assert authenticator.on_unauthorized(made, refused), "sent with the old token: worth sending again"
    assert await bearer(authenticator, send) == "Bearer token-2"


@pytest.mark.parametrize(
    "answer",
    [{"access_token": None}, {"access_token": ""}, {"token_type": "mac"}, {"access_token": 7}, {"access_token": ["x"]}],
)
async def test_an_answer_without_a_bearer_token_is_broken(answer: dict[str, object]):
    with pytest.raises(UpstreamBroken, match="no bearer token"):
        await token().prepare(Counting(**answer), Deadline(5))


@pytest.mark.parametrize("lifetime", [None, "soon", "600", -5, 1e300, "nan"])
async def test_any_lifetime_is_survived(lifetime: object):
    assert await bearer(token(), Counting(expires_in=lifetime)) == "Bearer token-1"


async def test_a_token_that_no_header_can_carry_is_refused():
    with pytest.raises(UpstreamBroken, match="cannot travel in a header"):
        await token().prepare(Counting(access_token="a\r\nX: y"), Deadline(5))


async def test_waiting_for_a_token_ends_with_the_deadline():
    send = Counting()
    send.delay = 0.2
    authenticator = token()
    first = asyncio.create_task(authenticator.prepare(send, Deadline(5)))
    await asyncio.sleep(0.01)

    with pytest.raises(UpstreamTimeout):
        await authenticator.prepare(send, Deadline(0.02))
    await first


async def test_a_foreign_issuer_is_not_believed():
    send = Counting(issuer="https://other.test", token_endpoint="https://other.test/token")
    authenticator = OAuth2Token("client_credentials", {**CLIENT, "issuer": "https://a.test/tenant"})

    with pytest.raises(UpstreamError, match="names a token endpoint"):
        await authenticator.prepare(send, Deadline(5))
    assert send.calls[0].target == "/.well-known/oauth-authorization-server/tenant"


async def test_a_discovered_host_gets_no_exception_from_the_egress_rules():
    send = Counting(issuer="https://a.test", token_endpoint="https://tokens.test/token")
    authenticator = OAuth2Token("client_credentials", {**CLIENT, "issuer": "https://a.test"})

    await authenticator.prepare(send, Deadline(5))

    assert [(str(made.origin), made.origin.literal) for made in send.calls] == [
        ("https://a.test", True),
        ("https://tokens.test", False),
    ]


@pytest.mark.parametrize(
    "url", ["http://a.test/token", "ftp://a.test", "https://u:p@a.test/t", "a.test/token", "https://a.test/\n"]
)
def test_a_token_endpoint_is_encrypted_or_loopback(url: str):
    with pytest.raises(BindingError):
        OAuth2Token("client_credentials", {**CLIENT, "token_endpoint": url})


async def test_an_obtained_token_is_hidden_and_a_replaced_one_forgotten():
    clock, send, redactor = Clock(), Counting(), Redactor()
    authenticator = token(clock)
    authenticator.redactor = redactor
    await bearer(authenticator, send)
    assert redactor.clean("token-1") == "***"
    clock.now += 3600
    await bearer(authenticator, send)

    assert redactor.clean("token-1 token-2") == "token-1 ***"
