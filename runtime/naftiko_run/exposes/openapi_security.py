"""How callers are told apart, as an OpenAPI security scheme. No secret goes in: only what a caller has to know anyway."""

from __future__ import annotations

from naftiko_run.exposes.guards.guard import CallerAuth

Scheme = dict[str, object]


def security_scheme(authentication: CallerAuth) -> tuple[Scheme, list[str]]:
    """The scheme, and the scopes an operation behind it needs."""
    told, kind = authentication.told, authentication.kind
    if kind == "apikey":
        return {"type": "apiKey", "name": told.get("name", ""), "in": told.get("in", "header")}, []
    if kind in ("basic", "digest"):
        return {"type": "http", "scheme": kind}, []
    if kind == "oauth2":
        return _oauth2(authentication)
    return {"type": "http", "scheme": "bearer"}, []


def _oauth2(authentication: CallerAuth) -> tuple[Scheme, list[str]]:
    """Client credentials where the document names the token endpoint, else discovery, else a token from wherever."""
    scopes = authentication.told.get("scopes", "").split()
    token_url = authentication.told.get("tokenEndpoint", "")
    if token_url and "{{" not in token_url:
        flow = {"tokenUrl": token_url, "scopes": dict.fromkeys(scopes, "")}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}, scopes
    issuer = authentication.fields.get("issuer")
    if issuer is not None and issuer.is_literal:
        url = f"{issuer.source.rstrip('/')}/.well-known/openid-configuration"
        return {"type": "openIdConnect", "openIdConnectUrl": url}, scopes
    return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}, []
