"""Credentials that are simply put somewhere: in headers, the query, a cookie, a field of the body, a piece of the path."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote, quote_plus, unquote_plus

import orjson

from naftiko_run.consumes.auth_schemes.scheme import Authenticator, get_header, header_value, set_header
from naftiko_run.consumes.messages import UpstreamRequest
from naftiko_run.errors import OperationUnavailable

FORM = "application/x-www-form-urlencoded"


class InHeaders(Authenticator):
    fixed = True

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = tuple((name, header_value(name, value)) for name, value in headers.items())

    def apply(self, request: UpstreamRequest) -> None:
        for name, value in self._headers:
            set_header(request, name, value)


class InQuery(Authenticator):
    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._names = frozenset(pairs)
        self._query = "&".join(f"{quote(name, safe='')}={quote_plus(value)}" for name, value in pairs.items())

    def apply(self, request: UpstreamRequest) -> None:
        path, _, query = request.target.partition("?")
        kept = [pair for pair in query.split("&") if pair and unquote_plus(pair.partition("=")[0]) not in self._names]
        request.target = f"{path}?{'&'.join([*kept, self._query])}"


class InCookie(Authenticator):
    def __init__(self, name: str, value: str) -> None:
        self._name = name
        # A cookie that is already `name=value` text is a common way to write one.
        self._pair = header_value("Cookie", value if value.startswith(f"{name}=") else f"{name}={_cookie_text(value)}")

    def apply(self, request: UpstreamRequest) -> None:
        present = [pair.strip() for pair in get_header(request, "cookie").split(";")]
        kept = [pair for pair in present if pair and pair.partition("=")[0] != self._name]
        set_header(request, "Cookie", "; ".join([*kept, self._pair]))


class InPath(Authenticator):
    def __init__(self, name: str, value: str) -> None:
        self.path_values = {name: value}


class InBody(Authenticator):
    """A field of a JSON object or a form; a request without a body gets one that holds just the credential."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def apply(self, request: UpstreamRequest) -> None:
        media_type = get_header(request, "content-type").partition(";")[0].strip().lower()
        if media_type == FORM:
            pair = f"{quote_plus(self._name)}={quote_plus(self._value)}".encode()
            kept = [
                p for p in (request.body or b"").split(b"&") if p and not p.startswith(quote_plus(self._name).encode() + b"=")
            ]
            request.body = b"&".join([*kept, pair])
        else:
            request.body = self._with_field(request.body)
            if not media_type:
                set_header(request, "Content-Type", "application/json")

    def _with_field(self, body: bytes | None) -> bytes:
        try:
            # Not orjson: it would turn integers beyond 64 bits into floats.
            data = json.loads(body) if body else {}
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise OperationUnavailable("the credential goes into a JSON object, and this request's body is none")
        data[self._name] = self._value
        try:
            return orjson.dumps(data)
        except TypeError:
            return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _cookie_text(value: str) -> str:
    """A cookie value as it is; only what would end it is percent-encoded."""
    return quote(value, safe="!#$%&'()*+-./:<=>?@[]^_`{|}~")
