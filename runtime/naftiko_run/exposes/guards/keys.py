"""The signing keys of an authorization server: fetched when needed, kept five minutes, refetched at most every 30 seconds.

Which algorithms a key may verify follows from the key, never from a token (requirement S21).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from naftiko_run.consumes.endpoints import endpoint, get_request, json_object, metadata_urls, same_issuer
from naftiko_run.consumes.messages import Deadline
from naftiko_run.errors import BindingError, CircuitOpen, RequestError, UpstreamBroken, UpstreamError
from naftiko_run.records import record

if TYPE_CHECKING:
    from naftiko_run.exposes.guards.guard import GuardContext

KEPT = 300.0
APART = 30.0
FETCH_TIME = 10.0
MAX_KEYS = 100
SMALLEST_RSA = 2048
_CURVES = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA", "Ed448": "EdDSA"}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
KNOWN_ALGORITHMS = frozenset((*_RSA, *_CURVES.values()))


@record
class SigningKey:
    kid: str
    algorithms: frozenset[str]
    key: object


class AuthorizationServer:
    """What is known of one issuer: its metadata and its keys."""

    def __init__(self, issuer: str, context: GuardContext, *, jwks_uri: str = "") -> None:
        endpoint(issuer)  # said at start rather than to the first caller
        self.issuer, self._context, self._jwks_uri = issuer, context, jwks_uri
        self._metadata: dict[str, object] | None = None
        self._keys: tuple[SigningKey, ...] = ()
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Future[None] | None = None

    def candidates(self, kid: str | None, algorithm: str) -> tuple[SigningKey, ...] | None:
        """Keys that may have signed a token; ``None`` where fetching the keys could change the answer."""
        now = self._context.clock()
        if now - self._fetched >= KEPT:
            return None
        fitting = tuple(key for key in self._keys if algorithm in key.algorithms)
        if kid is None:
            # Without a name the key has to be the only one: trying them all would let a token choose.
            return fitting if len(fitting) == 1 else ()
        named = tuple(key for key in fitting if key.kid == kid)
        if not named and now - self._tried >= APART:
            return None
        return named

    async def refresh(self) -> None:
        """Fetch the keys, unless somebody just did. One fetch serves all, and a caller who leaves does not end it."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.ensure_future(self._refresh())
            self._fetching.add_done_callback(lambda task: task.cancelled() or task.exception())
        await asyncio.shield(self._fetching)

    async def _refresh(self) -> None:
        now = self._context.clock()
        stale = now - self._fetched >= KEPT
        if now - self._tried < APART:
            if stale:
                raise unavailable(self._tried + APART - now)
            return
        self._tried = now
        try:
            self._keys, self._fetched = usable_keys(await self._ask_keys()), now
        except (RequestError, BindingError) as error:
            if stale:
                raise unavailable(APART) from error

    async def metadata(self) -> dict[str, object]:
        """Its self-description, which has to name the very issuer that the document names."""
        if self._metadata is None:
            for url in metadata_urls(self.issuer):
                status, data = await self._get(url, "authorization server metadata", literal=True)
                if status == 200 and same_issuer(data.get("issuer"), self.issuer):
                    self._metadata = data
                    break
            else:
                raise UpstreamError("no metadata of the authorization server was found", code="E-AUTH-KEYS")
        return self._metadata

    def is_own_host(self, url: str) -> bool:
        """Whether the document itself names the host: others get no exception from the egress rules (requirement S40)."""
        return endpoint(url)[0].host == endpoint(self.issuer)[0].host

    async def _ask_keys(self) -> dict[str, object]:
        url = self._jwks_uri
        if not url:
            found = (await self.metadata()).get("jwks_uri")
            if not isinstance(found, str):
                raise UpstreamBroken("the authorization server names no key set", code="E-AUTH-KEYS")
            url = found
        status, data = await self._get(url, "key set", literal=bool(self._jwks_uri) or self.is_own_host(url))
        if status != 200:
            raise UpstreamError(f"the key set answered with status {status}", code="E-AUTH-KEYS")
        return data

    async def _get(self, url: str, what: str, *, literal: bool) -> tuple[int, dict[str, object]]:
        if self._context.send is None:
            raise UpstreamError("nothing here can reach the authorization server", code="E-AUTH-KEYS")
        reply = await self._context.send(get_request(url, literal=literal, what=what), Deadline(FETCH_TIME))
        return reply.status, json_object(reply, what) if reply.status == 200 else {}


def unavailable(wait: float) -> CircuitOpen:
    """Callers cannot be judged now; whose fault that is concerns only the log."""
    return CircuitOpen("the authorization server cannot be reached", retry_after=max(1.0, wait), code="E-AUTH-KEYS")


def usable_keys(data: Mapping[str, object]) -> tuple[SigningKey, ...]:
    """The public signing keys of a JSON Web Key Set; anything else in it is left out."""
    listed = data.get("keys")
    if not isinstance(listed, list):
        raise UpstreamBroken("the key set holds no keys", code="E-AUTH-KEYS")
    found = (_usable_key(jwk) for jwk in listed[:MAX_KEYS] if isinstance(jwk, dict))
    return tuple(key for key in found if key is not None)


def _usable_key(jwk: dict[str, object]) -> SigningKey | None:
    import jwt

    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or "d" in jwk or not isinstance(operations, list) or "verify" not in operations:
        return None
    kind, curve, named = jwk.get("kty"), jwk.get("crv"), jwk.get("alg")
    if kind == "RSA":
        allowed = frozenset(_RSA)
    elif kind in ("EC", "OKP") and isinstance(curve, str) and curve in _CURVES:
        allowed = frozenset({_CURVES[curve]})
    else:
        return None  # a shared secret, say: no key that a server publishes
    if named is not None:
        allowed &= {named}
    if not allowed:
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm=min(allowed)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    if kind == "RSA" and getattr(key, "key_size", 0) < SMALLEST_RSA:
        return None
    kid = jwk.get("kid")
    return SigningKey(kid=kid if isinstance(kid, str) else "", algorithms=allowed, key=key)
