"""A secret that callers are checked against: known by its digest, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac


class Expected:
    """A secret to compare with: constant time, over digests, so that not even its length shows (requirement S20)."""

    __slots__ = ("_digest",)

    def __init__(self, text: str) -> None:
        self._digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()

    def matches(self, given: str) -> bool:
        return hmac.compare_digest(hashlib.sha256(given.encode("utf-8", "surrogatepass")).digest(), self._digest)
