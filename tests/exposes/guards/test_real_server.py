"""The whole way with an authorization server that is not ours: get a token as a client, show it, have it judged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from naftiko_run.consumes.auth_schemes.oauth2 import OAuth2Token
from naftiko_run.consumes.messages import Deadline, Origin, UpstreamReply, UpstreamRequest
from naftiko_run.errors import Forbidden, Unauthenticated
from naftiko_run.exposes.guards.guard import GuardContext
from naftiko_run.exposes.messages import HttpRequest

RESOURCE = "https://api.test/mcp"


def authorization_server() -> object:
    """Authlib's parts behind Flask: JWT access tokens (RFC 9068), key set, metadata, introspection."""
    flask = pytest.importorskip("flask", reason="the test server needs Flask")
    pytest.importorskip("authlib", reason="the test server needs Authlib")
    from authlib.integrations.flask_oauth2 import AuthorizationServer
    from authlib.oauth2.rfc6749 import ClientMixin, grants
    from authlib.oauth2.rfc7662 import IntrospectionEndpoint
    from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
    from joserfc.jwk import KeySet, RSAKey

    keys = KeySet([RSAKey.generate_key(2048, parameters={"kid": "k1", "alg": "RS256", "use": "sig"}, private=True)])
    app = flask.Flask("authorization")
    issued: dict[str, dict[str, object]] = {}

    class Client(ClientMixin):
        client_id = "client"

        def get_client_id(self):
            return "client"

        def get_allowed_scope(self, scope):
            return scope or ""

        def check_client_secret(self, client_secret):
            return client_secret == "secret"

        def check_endpoint_auth_method(self, method, endpoint):
            return method == "client_secret_basic"

        def check_grant_type(self, grant_type):
            return grant_type == "client_credentials"

    class Issued(dict):
        def is_expired(self):
            return False

        def is_revoked(self):
            return False

    server = AuthorizationServer(
        app,
        query_client=lambda name: Client() if name == "client" else None,
        save_token=lambda token, request: issued.update({token["access_token"]: token}),
    )
    server.register_grant(grants.ClientCredentialsGrant)

    class Generator(JWTBearerTokenGenerator):
        def get_jwks(self):
            return keys

        def get_audiences(self, client, user, scope):
            return [RESOURCE]

    class Introspection(IntrospectionEndpoint):
        def query_token(self, token, hint):
            return issued.get(token) and Issued(issued[token])

        def check_permission(self, token, client, request):
            return True

        def introspect_token(self, token):
            base = flask.request.host_url.rstrip("/")
            return {"active": True, "aud": RESOURCE, "iss": base, "client_id": "client", "scope": token["scope"]}

    server.register_endpoint(Introspection)

    @app.post("/token")
    def token():
        # Authlib's client-credentials grant has no user; RFC 9068 wants a subject, which is then the client.
        base = flask.request.host_url.rstrip("/")
        server.register_token_generator("client_credentials", Generator(issuer=base, alg="RS256"))
        return server.create_token_response()

    app.add_url_rule("/introspect", "introspect", lambda: server.create_endpoint_response("introspection"), methods=["POST"])
    app.add_url_rule("/jwks", "jwks", lambda: keys.as_dict(private=False))

    @app.get("/.well-known/oauth-authorization-server")
    def metadata():
        base = flask.request.host_url.rstrip("/")
        places = {"token_endpoint": "/token", "jwks_uri": "/jwks", "introspection_endpoint": "/introspect"}
        return {"issuer": base, **{name: base + path for name, path in places.items()}}

    return app


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, authorization_server(), threaded=True)  # type: ignore[arg-type]  # Flask is a WSGI app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
async def send() -> AsyncIterator[object]:
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def one(request: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
            url = f"{request.origin}{request.target}"
            answer = await client.request(request.method, url, headers=request.headers, content=request.body)
            return UpstreamReply(status=answer.status_code, headers=list(answer.headers.multi_items()), body=answer.content)

        yield one


async def authorization(issuer: str, send, scope: str) -> str:
    values = {"issuer": issuer, "client_id": "client", "client_secret": "secret", "scope": scope}
    client = OAuth2Token("client_credentials", values)
    await client.prepare(send, Deadline(5))
    request = UpstreamRequest(method="GET", origin=Origin(scheme="https", host="api.test", port=443), target="/mcp")
    client.apply(request)
    return dict(request.headers)["Authorization"]


def showing(header: str) -> HttpRequest:
    return HttpRequest(method="GET", path="/mcp", headers=[("authorization", header)], peer="127.0.0.1")


@pytest.mark.parametrize("validation", ["jwks", "introspection, clientId: client, clientSecret: secret"])
async def test_a_token_of_the_server_is_accepted_and_one_with_less_scope_is_not(guard, issuer: str, send, validation: str):
    block = f"{{type: oauth2, issuer: '{issuer}', resource: '{RESOURCE}', scopes: [read], tokenValidation: {validation}}}"
    live = guard(block, context=GuardContext(send=send))

    header = await authorization(issuer, send, "read write")
    principal = await live.check(showing(header))
    assert principal.scopes == {"read", "write"}
    assert principal.name == "client"

    with pytest.raises(Forbidden):
        await live.check(showing(await authorization(issuer, send, "write")))
    with pytest.raises(Unauthenticated):
        await live.check(showing(header[:-6] + "AAAAAA"))


async def test_an_expired_token_of_the_server_is_refused(guard, issuer: str, send):
    block = f"{{type: oauth2, authorizationServerUri: '{issuer}', resource: '{RESOURCE}'}}"
    live = guard(block, context=GuardContext(send=send, wall_clock=lambda: time.time() + 20 * 86_400))

    with pytest.raises(Unauthenticated):
        await live.check(showing(await authorization(issuer, send, "read")))
