"""``oauth2``: callers show an access token of the authorization server that the document names.

Tokens are verified here with the server's published keys, or, with ``tokenValidation: introspection``, by asking the server.
The document also describes itself to callers (RFC 9728): what the resource is, who issues tokens for it, and which scopes it
wants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from naftiko_run.errors import Forbidden
from naftiko_run.exposes.guards.fixed import credential
from naftiko_run.exposes.guards.guard import CALLER_AUTH, CallerAuth, CallerBlock, Guard, GuardContext, Principal
from naftiko_run.exposes.guards.introspection import Introspection
from naftiko_run.exposes.guards.keys import AuthorizationServer
from naftiko_run.exposes.guards.tokens import InvalidToken, TokenHeader, TokenRules, read_header, scopes_of, verify
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

WELL_KNOWN = "/.well-known/oauth-protected-resource"


@CALLER_AUTH.register("oauth2", "oauth")
def oauth2(block: CallerBlock) -> CallerAuth:
    """``authorizationServerUri`` and ``resource``; ``audience``, ``scopes`` and ``tokenValidation`` where they differ."""
    fields = block.pick(
        issuer=("authorizationServerUri", "issuer"), resource=("resource",), audience=("audience",), jwks_uri=("jwksUri",),
        introspection_endpoint=("introspectionEndpoint",), client_id=("clientId",), client_secret=("clientSecret",),
    )  # fmt: skip
    if refusal := block.require(fields, "issuer", "resource"):
        return refusal
    validation = block.node.get_text("tokenValidation", default="jwks").lower()
    if validation not in ("jwks", "introspection"):
        hint = "write jwks or introspection"
        return block.refuse(f"tokens cannot be validated by {validation!r}", hint, at=block.node.get("tokenValidation"))
    if validation == "introspection" and (refusal := block.require(fields, "client_id", "client_secret")):
        return refusal
    scopes = tuple(scope for text in block.node.texts("scopes") or block.node.texts("scope") for scope in text.split())
    return CallerAuth(
        kind="oauth2", fields=fields, open_fields=frozenset(fields) - {"client_secret"}, at=block.node.location,
        build=lambda v, c: OAuth2Guard(v, scopes, c, introspect=validation == "introspection"),
        told={"scopes": " ".join(scopes), "tokenEndpoint": block.node.get_text("tokenEndpoint")},
    )  # fmt: skip


class OAuth2Guard(Guard):
    def __init__(self, values: Mapping[str, str], scopes: tuple[str, ...], context: GuardContext, *, introspect: bool) -> None:
        super().__init__(context)
        self._resource = canonical(values["resource"])
        self._rules = TokenRules(issuer=values["issuer"], audience=values.get("audience") or self._resource)
        self._scopes = frozenset(scopes)
        self._server = AuthorizationServer(values["issuer"], context, jwks_uri=values.get("jwks_uri", ""))
        self._introspection = Introspection(self._server, self._rules, values, context) if introspect else None
        parts = urlsplit(self._resource)
        self.metadata_path = WELL_KNOWN + parts.path
        self._wanted = " ".join(sorted(self._scopes))
        where = f'resource_metadata="{parts.scheme}://{parts.netloc}{self.metadata_path}"'
        self._hint = where + (f', scope="{self._wanted}"' if scopes else "")
        self.challenge = f"Bearer {self._hint}"
        self._document = self._describe(values["issuer"])

    def decide(self, request: HttpRequest) -> Principal | None:
        token = self._token(request)
        if self._introspection is not None:
            claims = self._introspection.known(token)
            return None if claims is None else self._allow(claims)
        try:
            header = read_header(token)
            keys = self._server.candidates(header.kid, header.algorithm)
            return None if keys is None else self._judge(token, header)
        except InvalidToken:
            raise self.invalid(request) from None

    async def decide_later(self, request: HttpRequest) -> Principal:
        token = self._token(request)
        try:
            if self._introspection is not None:
                return self._allow(await self._introspection.ask(token))
            header = read_header(token)
            await self._server.refresh()
            return self._judge(token, header)
        except InvalidToken:
            raise self.invalid(request) from None

    def _judge(self, token: str, header: TokenHeader) -> Principal:
        keys = self._server.candidates(header.kid, header.algorithm) or ()
        return self._allow(verify(token, header, keys, self._rules, now=self.context.wall_clock()))

    def _token(self, request: HttpRequest) -> str:
        token = credential(request, "bearer")
        if token is None:
            raise self.missing()
        return token

    def _allow(self, claims: Mapping[str, object]) -> Principal:
        scopes = scopes_of(claims)
        if not self._scopes <= scopes:
            challenge = f'Bearer error="insufficient_scope", {self._hint}'
            raise Forbidden("the token lacks a scope that this needs", challenge=challenge)
        name = next((claims[key] for key in ("sub", "client_id", "azp") if isinstance(claims.get(key), str)), "")
        return Principal(kind="oauth2", name=str(name), issuer=self._rules.issuer, scopes=scopes)

    def invalid(self, request: HttpRequest) -> Exception:
        return self.wrong(request, "the access token is not valid", challenge=f'Bearer error="invalid_token", {self._hint}')

    def well_known(self, request: HttpRequest) -> HttpAnswer | None:
        if request.path not in (WELL_KNOWN, self.metadata_path) or request.method not in ("GET", "HEAD"):
            return None
        headers = [("Content-Type", "application/json"), ("Cache-Control", "max-age=300")]
        return HttpAnswer(status=200, headers=headers, body=self._document if request.method == "GET" else b"")

    def _describe(self, issuer: str) -> bytes:
        document: dict[str, object] = {"resource": self._resource, "authorization_servers": [issuer]}
        published = sorted(self._scopes - {"offline_access"})
        if published:
            document["scopes_supported"] = published
        return json.dumps({**document, "bearer_methods_supported": ["header"]}).encode()


def canonical(resource: str) -> str:
    """A resource URI as tokens name it: scheme and host in lower case, no fragment, no trailing slash."""
    parts = urlsplit(resource.strip())
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{parts.path.rstrip('/')}{query}"
