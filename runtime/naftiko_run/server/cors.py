"""Cross-origin headers, only where an operator names the origins: preflights are answered here, answers get their fields."""

from __future__ import annotations

import re
from collections.abc import Iterable

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

_TOKENS = re.compile(r"[A-Za-z0-9\-_, ]{1,2048}")
_EXPOSED = "x-request-id, retry-after, www-authenticate, mcp-protocol-version, link, etag"


class CorsRules:
    """The origins that browsers may call from; ``*`` is every origin. Credentials such as cookies are never allowed."""

    __slots__ = ("origins",)

    def __init__(self, origins: Iterable[str]) -> None:
        self.origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def allows(self, origin: str) -> bool:
        return "*" in self.origins or origin.lower() in self.origins

    def fields(self, request: HttpRequest) -> list[tuple[str, str]]:
        """What an answer to this request carries."""
        origin = request.header("origin")
        if not origin or not self.allows(origin):
            return [("vary", "origin")]
        return [("access-control-allow-origin", origin), ("access-control-expose-headers", _EXPOSED), ("vary", "origin")]

    def preflight(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to a preflight, ``None`` for any other request."""
        method = request.header("access-control-request-method")
        if request.method != "OPTIONS" or not method or not self.allows(request.header("origin")):
            return None
        headers = [("access-control-max-age", "600")]
        for asked, allowed in (("method", "methods"), ("headers", "headers")):
            value = request.header(f"access-control-request-{asked}")
            if _TOKENS.fullmatch(value):
                headers.append((f"access-control-allow-{allowed}", value))
        return HttpAnswer(status=204, headers=headers)
