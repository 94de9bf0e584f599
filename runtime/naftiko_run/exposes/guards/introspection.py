"""Token introspection (RFC 7662): the authorization server is asked about each token, and its answer kept for half a minute.

Only approvals are kept, under a digest of the token, and never beyond the token's own end.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from naftiko_run.consumes.auth_schemes.simple import basic_header
from naftiko_run.consumes.endpoints import form_request, json_object
from naftiko_run.consumes.messages import Deadline
from naftiko_run.errors import BindingError, RequestError, UpstreamError
from naftiko_run.exposes.guards.keys import APART, FETCH_TIME, AuthorizationServer, unavailable
from naftiko_run.exposes.guards.tokens import MAX_TOKEN, InvalidToken, TokenRules, check_claims

if TYPE_CHECKING:
    from naftiko_run.exposes.guards.guard import GuardContext

KEPT = 30.0
TOKENS = 1024


class Introspection:
    def __init__(
        self, server: AuthorizationServer, rules: TokenRules, values: Mapping[str, str], context: GuardContext
    ) -> None:
        self._server, self._rules, self._context = server, rules, context
        self._endpoint = values.get("introspection_endpoint", "")
        self._written = bool(self._endpoint)
        credentials = basic_header(quote(values["client_id"], safe=""), quote(values["client_secret"], safe=""))
        self._headers = [("Authorization", credentials)]
        self._approved: OrderedDict[bytes, tuple[float, dict[str, object]]] = OrderedDict()

    def known(self, token: str) -> dict[str, object] | None:
        """What was said about this token less than half a minute ago."""
        found = self._approved.get(_key(token))
        if found is None or self._context.clock() - found[0] >= KEPT:
            return None
        try:
            self._check(found[1])
        except InvalidToken:
            return None
        return found[1]

    async def ask(self, token: str) -> dict[str, object]:
        if not token or len(token) > MAX_TOKEN:
            raise InvalidToken("empty, or longer than 8 KiB")
        try:
            claims = await self._question(token)
        except (RequestError, BindingError) as error:
            raise unavailable(APART) from error
        if claims.get("active") is not True:
            raise InvalidToken("not active")
        self._check(claims)
        self._approved[_key(token)] = (self._context.clock(), claims)
        self._approved.move_to_end(_key(token))
        while len(self._approved) > TOKENS:
            self._approved.popitem(last=False)
        return claims

    async def _question(self, token: str) -> dict[str, object]:
        if not self._endpoint:
            found = (await self._server.metadata()).get("introspection_endpoint")
            if not isinstance(found, str):
                raise UpstreamError("the authorization server names no introspection endpoint", code="E-AUTH-KEYS")
            self._endpoint = found
        if self._context.send is None:
            raise UpstreamError("nothing here can reach the authorization server", code="E-AUTH-KEYS")
        body = urlencode({"token": token, "token_type_hint": "access_token"}).encode()
        literal = self._written or self._server.is_own_host(self._endpoint)
        request = form_request(self._endpoint, body, self._headers, literal=literal, what="introspection endpoint")
        reply = await self._context.send(request, Deadline(FETCH_TIME))
        if reply.status != 200:
            raise UpstreamError(f"the introspection endpoint answered with status {reply.status}", code="E-AUTH-KEYS")
        return json_object(reply, "introspection endpoint")

    def _check(self, claims: Mapping[str, object]) -> None:
        """The rules of a token. Only ``aud`` is demanded of an answer: the server has looked at the rest."""
        now = self._context.wall_clock()
        said = {name: value for name, value in claims.items() if value is not None}
        check_claims({"exp": now, "iss": self._rules.issuer, **said}, self._rules, now=now)


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
