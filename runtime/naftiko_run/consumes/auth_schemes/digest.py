"""``digest``: answers a challenge (RFC 7616), and sends later requests with an answer right away.

The computation is the HTTP library's; the challenge comes in and the header goes out as plain values, so that it works with any
transport. A request sent again after a 401 keeps the answer computed for it, because the count in it may be used only once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from naftiko_run.consumes.auth_schemes.scheme import (
    AUTH_SCHEMES,
    AuthBlock,
    Authentication,
    Authenticator,
    get_header,
    set_header,
)
from naftiko_run.consumes.auth_schemes.simple import AUTHORIZATION
from naftiko_run.consumes.messages import UpstreamReply, UpstreamRequest

if TYPE_CHECKING:
    import httpx2

_CHALLENGE = re.compile(r"(?:^|,\s*)(digest\s.*)", re.IGNORECASE)
_NONCE = re.compile(r'\bnonce="([^"]*)"', re.IGNORECASE)
_STALE = re.compile(r'\bstale="?true', re.IGNORECASE)


@AUTH_SCHEMES.register("digest")
def digest(block: AuthBlock) -> Authentication:
    fields = block.pick(username=("username", "user"), password=("password",))
    if refusal := block.require(fields, "username", "password"):
        return refusal
    return Authentication(
        kind="digest", namespace=block.namespace, fields=fields, open_fields=frozenset({"username"}), build=_build,
        header_names=AUTHORIZATION, at=block.node.location,
    )  # fmt: skip


def _build(values: Mapping[str, str]) -> Authenticator:
    return DigestAuthenticator(values["username"], values["password"])


class DigestAuthenticator(Authenticator):
    static = False

    def __init__(self, username: str, password: str) -> None:
        import httpx2

        self._username, self._password = username, password
        self._auth = httpx2.DigestAuth(username, password)
        self._answers: set[str] = set()  # put into a request by on_unauthorized and not sent yet

    def apply(self, request: UpstreamRequest) -> None:
        present = get_header(request, "authorization")
        if present in self._answers:
            self._answers.discard(present)
            return
        request.headers = [pair for pair in request.headers if pair[0].lower() != "authorization"]
        asked = next(self._auth.auth_flow(_as_library(request)))
        if "authorization" in asked.headers:
            set_header(request, "Authorization", asked.headers["authorization"])

    def on_unauthorized(self, request: UpstreamRequest, reply: UpstreamReply) -> bool:
        """Answer the first challenge that can be answered. Refusing the nonce just used is refusing the password."""
        sent = _NONCE.search(get_header(request, "authorization"))
        for challenge in _challenges(reply):
            nonce = _NONCE.search(challenge)
            stale = _STALE.search(challenge) is not None
            if nonce and (stale or sent is None or sent[1] != nonce[1]) and self._answer(request, challenge):
                return True
        return False

    def _answer(self, request: UpstreamRequest, challenge: str) -> bool:
        import httpx2

        asked = _as_library(request)
        flow = self._auth.auth_flow(asked)
        try:
            next(flow)
            flow.send(httpx2.Response(401, headers=[("WWW-Authenticate", challenge)], request=asked))
        except (StopIteration, httpx2.HTTPError, ValueError, NotImplementedError):
            # Unreadable, or an algorithm nobody here knows. A fresh start, or the next request would fail over it.
            self._auth = httpx2.DigestAuth(self._username, self._password)
            return False
        answer = asked.headers["authorization"]
        set_header(request, "Authorization", answer)
        self._answers.add(answer)
        return True


def _challenges(reply: UpstreamReply) -> list[str]:
    values = [value for key, value in reply.headers if key == "www-authenticate"]
    return [found[1] for value in values if (found := _CHALLENGE.search(value))]


def _as_library(request: UpstreamRequest) -> httpx2.Request:
    import httpx2

    return httpx2.Request(request.method, f"{request.origin}{request.target}")
