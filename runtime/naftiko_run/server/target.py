"""The request target and the rules a request head must keep: bytes as parsed become a path and query, or a refusal.

The parser already refuses what is not HTTP (line folding, bare line feeds, length and transfer coding together, ...). Here is
what it leaves to its user; a request that two programs could read differently is always refused.
"""

from __future__ import annotations

import re

from naftiko_run.server.refusals import BAD_TARGET, Refusal

_ABSOLUTE = re.compile(rb"https?://(?P<authority>[^/?#@]+)(?P<rest>(?:[/?].*)?)", re.IGNORECASE | re.DOTALL)


class Refused(Exception):
    """Ends the parsing of a request; ``refusal`` is the answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def split_target(target: bytes) -> tuple[str, str, str]:
    """Path and query, both still percent-encoded, and the authority when the target names one."""
    authority = b""
    if not target.startswith(b"/"):
        found = _ABSOLUTE.fullmatch(target)
        if found is None:
            raise Refused(BAD_TARGET)
        authority, target = found["authority"], found["rest"]
        if not target.startswith(b"/"):
            target = b"/" + target
    if b"#" in target:
        raise Refused(BAD_TARGET)
    path, _, query = target.decode("ascii").partition("?")
    return path, query, authority.decode("ascii") if authority else ""
