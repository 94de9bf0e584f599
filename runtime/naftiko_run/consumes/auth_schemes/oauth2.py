"""``oauth2``: an access token is fetched, kept, renewed early, and sent as a bearer token.

Grants: client credentials, refresh token, password. One renewal runs at a time; while the old token still works, requests go
on with it. A 401 discards the token it was sent with, so that the one retry fetches a new one, unless that token is only
seconds old: then the service refuses the client, and asking again would hammer both.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlencode

from naftiko_run.consumes.auth_schemes.scheme import (
    AUTH_SCHEMES,
    AuthBlock,
    Authentication,
    Authenticator,
    Send,
    get_header,
    set_header,
)
from naftiko_run.consumes.auth_schemes.scheme import header_value as checked
from naftiko_run.consumes.auth_schemes.simple import AUTHORIZATION, basic_header, bearer
from naftiko_run.consumes.endpoints import endpoint, form_request, get_request, json_object, metadata_urls, same_issuer
from naftiko_run.consumes.messages import Deadline, UpstreamReply, UpstreamRequest
from naftiko_run.errors import BindingError, UpstreamBroken, UpstreamError, UpstreamTimeout
from naftiko_run.expressions.template import literal

GRANTS = {
    "client_credentials": ("client_id",),
    "clientcredentials": ("client_id",),
    "refresh_token": ("refresh_token",),
    "password": ("username", "password"),
}
UNKNOWN_LIFETIME = 300.0
EARLY = 30.0
TOO_YOUNG = 5.0


@AUTH_SCHEMES.register("oauth2", "oauth", "openidconnect", "oidc")
def oauth2(block: AuthBlock) -> Authentication:
    """``tokenEndpoint`` (or ``authorizationServerUri`` to find it), ``clientId``, ``clientSecret``, ``scopes``."""
    fields = block.pick(
        token_endpoint=("tokenEndpoint", "tokenUrl", "tokenUri"),
        issuer=("authorizationServerUri", "issuer"),
        client_id=("clientId",),
        client_secret=("clientSecret",),
        refresh_token=("refreshToken",),
        username=("username",),
        password=("password",),
        audience=("audience",),
        resource=("resource",),
    )
    if not fields.keys() & {"token_endpoint", "issuer"}:
        if block.get("token", "value", "accessToken"):
            return bearer(block)
        return block.require({}, "tokenEndpoint", "clientId", "clientSecret") or Authentication(kind="oauth2")
    scopes = block.node.texts("scopes") or block.node.texts("scope")
    if scopes:
        fields["scope"] = literal(" ".join(scopes))
    grant = _grant(block)
    if grant not in GRANTS:
        hint = "write grantType: client_credentials, refresh_token or password"
        return block.refuse(f"grant type {grant!r} needs a person and is not supported", hint, at=block.node.get("grantType"))
    if refusal := block.require(fields, *GRANTS[grant]):
        return refusal
    in_body = block.node.get_text("clientAuthentication", default="basic").lower() in ("post", "body", "client_secret_post")
    return Authentication(
        kind="oauth2", namespace=block.namespace, fields=fields, header_names=AUTHORIZATION,
        open_fields=frozenset({"token_endpoint", "issuer", "client_id", "username", "audience", "resource", "scope"}),
        build=lambda values: OAuth2Token(grant.replace("clientcredentials", "client_credentials"), values, in_body=in_body),
        at=block.node.location,
    )  # fmt: skip


def _grant(block: AuthBlock) -> str:
    written = block.node.get_text("grantType", "grant", "flow").lower().replace("-", "_")
    if written:
        return written
    for name, grant in (("refresh_token", "refresh_token"), ("username", "password")):
        if block.node.get("refreshToken" if name == "refresh_token" else name) is not None:
            return grant
    return "client_credentials"


class OAuth2Token(Authenticator):
    static = False

    def __init__(
        self, grant: str, values: Mapping[str, str], *, in_body: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._grant, self._values, self._in_body, self._clock = grant, dict(values), in_body, clock
        self._endpoint, self._literal = values.get("token_endpoint", ""), True
        endpoint(self._endpoint or values["issuer"])  # said at start rather than at the first call
        self._token = ""
        self._issued = self._renew_at = self._expires_at = 0.0
        self._lock = asyncio.Lock()

    def apply(self, request: UpstreamRequest) -> None:
        set_header(request, "Authorization", f"Bearer {self._token}")

    async def prepare(self, send: Send, deadline: Deadline) -> None:
        now = self._clock()
        if self._token and (now < self._renew_at or (self._lock.locked() and now < self._expires_at)):
            return
        try:
            async with asyncio.timeout(deadline.remaining()):
                await self._lock.acquire()
        except TimeoutError:
            raise UpstreamTimeout("no access token arrived in time") from None
        try:
            if not self._token or self._clock() >= self._renew_at:
                await self._renew(send, deadline)
        finally:
            self._lock.release()

    def on_unauthorized(self, request: UpstreamRequest, reply: UpstreamReply) -> bool:
        if get_header(request, "authorization") != f"Bearer {self._token}":
            return True  # another request has renewed it meanwhile
        if self._clock() - self._issued < TOO_YOUNG:
            return False
        self._token = ""
        return True

    async def _renew(self, send: Send, deadline: Deadline) -> None:
        """Fetch a token. While the present one works, a token endpoint that fails is nobody's problem yet."""
        try:
            await self._fetch(send, deadline)
        except BindingError as error:  # something the authorization server said, used as if it were ours
            raise UpstreamBroken(error.message, code="E-AUTH-TOKEN") from error
        except UpstreamError:
            now = self._clock()
            if not self._token or now >= self._expires_at:
                raise
            self._renew_at = min(now + TOO_YOUNG, self._expires_at)

    async def _fetch(self, send: Send, deadline: Deadline) -> None:
        if not self._endpoint:
            self._endpoint = await self._discover(send, deadline)
            # Only the host that the document names may lie on a private network (requirement S40).
            self._literal = endpoint(self._endpoint)[0].host == endpoint(self._values["issuer"])[0].host
        body, headers = self._question()
        reply = await send(form_request(self._endpoint, body, headers, literal=self._literal, what="token endpoint"), deadline)
        if reply.status != 200:
            raise UpstreamError(f"the token endpoint refused the client: {_reason(reply)}", code="E-AUTH-TOKEN")
        self._keep(json_object(reply, "token endpoint"))

    def _question(self) -> tuple[bytes, list[tuple[str, str]]]:
        names = {"refresh_token": ("refresh_token",), "password": ("username", "password")}.get(self._grant, ())
        fields = {"grant_type": self._grant}
        fields |= {name: self._values[name] for name in (*names, "scope", "audience", "resource") if self._values.get(name)}
        client, secret = self._values.get("client_id", ""), self._values.get("client_secret", "")
        if secret and not self._in_body:
            # RFC 6749, 2.3.1: both are form-encoded before they are joined; a space not as `+`, which some servers keep.
            return urlencode(fields).encode(), [("Authorization", basic_header(quote(client, safe=""), quote(secret, safe="")))]
        if client:
            fields["client_id"] = client
        if secret:
            fields["client_secret"] = secret
        return urlencode(fields).encode(), []

    def _keep(self, answer: dict[str, object]) -> None:
        token, kind, lifetime = answer.get("access_token"), answer.get("token_type", "bearer"), answer.get("expires_in")
        if not isinstance(token, str) or not token or not isinstance(kind, str) or kind.lower() != "bearer":
            raise UpstreamBroken("the token endpoint gave no bearer token")
        try:
            seconds = max(0.0, min(float(str(lifetime)), 30 * 86_400.0)) if lifetime is not None else UNKNOWN_LIFETIME
        except ValueError:
            seconds = UNKNOWN_LIFETIME
        if self.redactor is not None:
            self.redactor.forget(self._token)
            self.redactor.register(token)
        self._token = checked("Authorization", token)
        self._issued = self._clock()
        self._expires_at = self._issued + seconds
        self._renew_at = self._expires_at - min(EARLY, seconds / 10)
        refreshed = answer.get("refresh_token")
        if isinstance(refreshed, str) and refreshed and self._grant == "refresh_token":
            self._values["refresh_token"] = refreshed  # rotated: the old one no longer counts

    async def _discover(self, send: Send, deadline: Deadline) -> str:
        issuer = self._values["issuer"]
        for url in metadata_urls(issuer):
            reply = await send(get_request(url, what="authorization server metadata"), deadline)
            if reply.status == 200:
                data = json_object(reply, "authorization server metadata")
                found = data.get("token_endpoint")
                if same_issuer(data.get("issuer"), issuer) and isinstance(found, str):
                    return found
        raise UpstreamError(
            f"no metadata of {issuer!r} names a token endpoint", hint="write tokenEndpoint", code="E-AUTH-TOKEN"
        )


def _reason(reply: UpstreamReply) -> str:
    """The registered error word where there is one; never the server's prose, which may repeat what was sent."""
    try:
        word = json_object(reply, "token endpoint").get("error")
    except UpstreamError:
        word = None
    known = isinstance(word, str) and word.replace("_", "").isalpha() and word.isascii() and len(word) <= 40
    return f"{word} (status {reply.status})" if known else f"status {reply.status}"
