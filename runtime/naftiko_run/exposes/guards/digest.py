"""``digest``: callers prove that they know a password without sending it (RFC 7616, ``qop=auth``).

A nonce carries its own time and a signature of this process, so that handing one out costs no memory. Used ones are
remembered with the counts seen, which makes a recorded answer worthless; the memory is bounded, and what has to be forgotten
is refused as stale.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Mapping

from naftiko_run.errors import Unauthenticated
from naftiko_run.exposes.guards.expected import Expected
from naftiko_run.exposes.guards.guard import (
    CALLER_AUTH,
    REALM,
    CallerAuth,
    CallerBlock,
    Guard,
    GuardContext,
    Principal,
    only_header,
)
from naftiko_run.exposes.messages import HttpRequest

ALGORITHMS = {"SHA-256": "sha256", "MD5": "md5"}
LIFETIME = 300.0
NONCES, COUNTS = 4096, 4096
_FIELD = re.compile(r'\s*([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*(?:,|$)', re.IGNORECASE)
_COUNT = re.compile("[0-9a-f]{8}", re.IGNORECASE)


@CALLER_AUTH.register("digest")
def digest(block: CallerBlock) -> CallerAuth:
    """``username`` and ``password``; ``algorithm: MD5`` for callers that know no better than that."""
    fields = block.pick(username=("username", "user"), password=("password",))
    if refusal := block.require(fields, "username", "password"):
        return refusal
    algorithm = block.node.get_text("algorithm", default="SHA-256").upper()
    if algorithm not in ALGORITHMS:
        return block.refuse(
            f"digest algorithm {algorithm!r} is not offered", "write SHA-256 or MD5", at=block.node.get("algorithm")
        )
    return CallerAuth(
        kind="digest", fields=fields, open_fields=frozenset({"username"}), at=block.node.location,
        build=lambda v, c: DigestGuard(v["username"], v["password"], algorithm, c),
    )  # fmt: skip


class DigestGuard(Guard):
    def __init__(self, username: str, password: str, algorithm: str, context: GuardContext) -> None:
        super().__init__(context)
        self._name, self._username, self._algorithm = username, Expected(username), algorithm
        self._secret = self._hash(f"{username}:{REALM}:{password}")
        self._nonces = Nonces(context)

    def decide(self, request: HttpRequest) -> Principal:
        header = only_header(request, "authorization")
        if header is None or header[:7].lower() != "digest ":
            raise self._asked() if header != "" else self.wrong(request, challenge=self._challenge())
        answer = parse_fields(header[7:])
        if not self._matches(request, answer):
            raise self.wrong(request, challenge=self._challenge())
        if not self._nonces.use(answer["nonce"], int(answer["nc"], 16)):
            # The password is right and only the nonce is old: asked again, and not counted as a failure.
            raise self._asked(stale=True)
        return Principal(kind="digest", name=self._name)

    def _matches(self, request: HttpRequest, answer: Mapping[str, str]) -> bool:
        target = request.path + (f"?{request.query}" if request.query else "")
        agreed = (
            answer.get("realm") == REALM
            and answer.get("qop", "").lower() == "auth"
            and answer.get("algorithm", "MD5").upper() == self._algorithm
            and answer.get("uri") == target
            and _COUNT.fullmatch(answer.get("nc", "")) is not None
        )
        asked = self._hash(f"{request.method}:{target}")
        proof = ":".join((self._secret, answer.get("nonce", ""), answer.get("nc", ""), answer.get("cnonce", ""), "auth", asked))
        known = self._username.matches(answer.get("username", ""))
        right = hmac.compare_digest(self._hash(proof).encode(), answer.get("response", "").lower().encode())
        return bool(agreed and known and right and answer.get("cnonce"))

    def _asked(self, *, stale: bool = False) -> Unauthenticated:
        return Unauthenticated("authentication is required", challenge=self._challenge(stale=stale))

    def _challenge(self, *, stale: bool = False) -> str:
        mark = ", stale=true" if stale else ""
        return f'Digest realm="{REALM}", qop="auth", algorithm={self._algorithm}, nonce="{self._nonces.issue()}"{mark}'

    def _hash(self, text: str) -> str:
        return hashlib.new(
            ALGORITHMS[self._algorithm], text.encode("utf-8", "surrogatepass"), usedforsecurity=False
        ).hexdigest()


class Nonces:
    """Issues nonces and lets each (nonce, count) pass once."""

    def __init__(self, context: GuardContext) -> None:
        self._clock = context.clock
        self._key = secrets.token_bytes(32)
        self._used: OrderedDict[str, set[int]] = OrderedDict()
        self._forgotten = -1  # nonces up to this moment may have been used and forgotten

    def issue(self) -> str:
        stamp = int(self._clock() * 1000).to_bytes(8, "big") + secrets.token_bytes(8)
        return base64.urlsafe_b64encode(stamp + self._seal(stamp)).decode()

    def use(self, nonce: str, count: int) -> bool:
        issued = self._issued(nonce)
        if issued is None or issued <= self._forgotten or self._clock() - issued / 1000 > LIFETIME:
            return False
        counts = self._used.setdefault(nonce, set())
        if count in counts or len(counts) >= COUNTS:
            return False
        counts.add(count)
        if len(self._used) > NONCES:
            oldest, _ = self._used.popitem(last=False)
            self._forgotten = max(self._forgotten, self._issued(oldest) or 0)
        return True

    def _issued(self, nonce: str) -> int | None:
        """Milliseconds at which we issued it; ``None`` for one that is not ours."""
        try:
            raw = base64.urlsafe_b64decode(nonce.encode("ascii"))
        except ValueError:
            return None
        if len(raw) != 32 or not hmac.compare_digest(self._seal(raw[:16]), raw[16:]):
            return None
        return int.from_bytes(raw[:8], "big")

    def _seal(self, stamp: bytes) -> bytes:
        return hmac.new(self._key, stamp, hashlib.sha256).digest()[:16]


def parse_fields(text: str) -> dict[str, str]:
    """The fields of a digest answer by lower-case name; nothing at all where one is malformed or stands there twice."""
    fields: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _FIELD.match(text, at)
        name = found[1].lower() if found else ""
        if found is None or name in fields:
            return {}
        fields[name] = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
        at = found.end()
    return fields
