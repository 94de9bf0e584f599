"""JSON Web Tokens: a token and keys go in, verified claims come out, or one refusal for whatever is wrong with it.

The rules are those of requirement S21. The signature is the library's business; which algorithm may have made it, and what
the claims must say, is decided here, from the key and the document and never from the token. Nothing that a token says about
keys (``jwk``, ``jku``, ``x5c``, ``x5u``) is ever followed.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping, Sequence

from naftiko_run.consumes.endpoints import same_issuer
from naftiko_run.exposes.guards.keys import KNOWN_ALGORITHMS, SigningKey
from naftiko_run.records import record

MAX_TOKEN = 8 * 1024
LEEWAY = 30.0
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_TYPES = frozenset({"", "jwt", "at+jwt", "application/jwt", "application/at+jwt"})


class InvalidToken(Exception):
    """The token is refused; the text is for the log."""


@record
class TokenRules:
    issuer: str
    audience: str


@record
class TokenHeader:
    algorithm: str
    kid: str | None


def read_header(token: str) -> TokenHeader:
    """The header of a token whose size and shape are acceptable; nothing is verified yet."""
    if len(token) > MAX_TOKEN:
        raise InvalidToken("longer than 8 KiB")
    if not _SHAPE.fullmatch(token):
        raise InvalidToken("not three base64url parts")
    header = _json_part(token.partition(".")[0])
    algorithm, kid, kind = header.get("alg"), header.get("kid"), header.get("typ", "")
    if not isinstance(algorithm, str) or algorithm not in KNOWN_ALGORITHMS:
        raise InvalidToken("an algorithm that no published key has")
    if "crit" in header or "b64" in header:
        raise InvalidToken("an extension that is critical and unknown")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise InvalidToken("not an access token")
    if kid is not None and (not isinstance(kid, str) or not kid):
        raise InvalidToken("a key id that is no text")
    return TokenHeader(algorithm=algorithm, kid=kid)


def verify(token: str, header: TokenHeader, keys: Sequence[SigningKey], rules: TokenRules, *, now: float) -> dict[str, object]:
    """The claims of ``token``; ``keys`` are those that may have signed it."""
    import jwt

    for key in keys:
        if header.algorithm not in key.algorithms:
            continue
        try:
            # PyJWT names a type for each kind of key; which one this is, its algorithms say.
            jwt.api_jws.PyJWS().decode_complete(token, key.key, algorithms=[header.algorithm])  # type: ignore[arg-type]  # see above
        except (jwt.PyJWTError, ValueError, TypeError):
            continue
        claims = _json_part(token.split(".")[1])
        check_claims(claims, rules, now=now)
        return claims
    raise InvalidToken("no key verifies it")


def check_claims(claims: Mapping[str, object], rules: TokenRules, *, now: float) -> None:
    expires, begins = _moment(claims, "exp"), _moment(claims, "nbf")
    if expires is None or now > expires + LEEWAY:
        raise InvalidToken("expired, or without an end")
    if begins is not None and now < begins - LEEWAY:
        raise InvalidToken("not valid yet")
    if not same_issuer(claims.get("iss"), rules.issuer):
        raise InvalidToken("from another issuer")
    if not is_for(claims.get("aud"), rules.audience):
        raise InvalidToken("for another audience")


def is_for(audience: object, expected: str) -> bool:
    """Whether ``aud``, a text or a list of texts, names us; a trailing slash does not count."""
    listed = audience if isinstance(audience, list) else [audience]
    return any(same_issuer(one, expected) for one in listed)


def scopes_of(claims: Mapping[str, object]) -> frozenset[str]:
    """``scope`` as text, or ``scp`` as a text or a list: both are in use."""
    found: set[str] = set()
    for name in ("scope", "scp"):
        value = claims.get(name)
        if isinstance(value, str):
            found.update(value.split())
        elif isinstance(value, list):
            found.update(one for one in value if isinstance(one, str))
    return frozenset(found)


def _moment(claims: Mapping[str, object], name: str) -> float | None:
    value = claims.get(name)
    if name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise InvalidToken(f"{name} is no point in time")
    return float(value)


def _json_part(part: str) -> dict[str, object]:
    try:
        data = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError) as exc:
        raise InvalidToken("a part that is no JSON") from exc
    if not isinstance(data, dict):
        raise InvalidToken("a part that is no JSON object")
    return data
