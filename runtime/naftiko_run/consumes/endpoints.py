"""Endpoints that are not operations: a token, key-set or metadata URL becomes a request, and its JSON reply plain data.

They go through the same client factory as everything else (requirement S40), over https unless the host is loopback (S21). A
URL that the document writes itself may lie on a private network; one that was discovered may not.
"""

from __future__ import annotations

import ipaddress
import json
from urllib.parse import urlsplit

from naftiko_run.consumes.messages import Origin, UpstreamReply, UpstreamRequest
from naftiko_run.errors import BindingError, UpstreamBroken

REPLY_BYTES = 256 * 1024


def endpoint(url: str, *, literal: bool = True) -> tuple[Origin, str]:
    """Origin and request target of ``url``; ``BindingError`` where credentials or keys must not travel that way."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    host = parts.hostname or ""
    if parts.scheme not in ("https", "http") or not host or parts.username is not None or parts.fragment:
        raise BindingError(f"{url!r} is no URL of an endpoint", hint="write https://host/path")
    if any(character <= " " or character > "~" for character in url):
        raise BindingError("the URL of an endpoint holds characters that it cannot carry", hint="percent-encode them")
    if parts.scheme == "http" and not is_loopback(host):
        raise BindingError(f"{url!r} is not encrypted", hint="write https://; plain http is for loopback only")
    origin = Origin(scheme=parts.scheme, host=host, port=port or (443 if parts.scheme == "https" else 80), literal=literal)
    return origin, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def is_loopback(host: str) -> bool:
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def get_request(url: str, *, literal: bool = True, what: str) -> UpstreamRequest:
    origin, target = endpoint(url, literal=literal)
    return UpstreamRequest(
        method="GET", origin=origin, target=target, headers=[("Accept", "application/json")], idempotent=True, operation=what,
        max_body=REPLY_BYTES,
    )  # fmt: skip


def form_request(url: str, body: bytes, headers: list[tuple[str, str]], *, literal: bool = True, what: str) -> UpstreamRequest:
    origin, target = endpoint(url, literal=literal)
    sent = [("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"), *headers]
    return UpstreamRequest(
        method="POST", origin=origin, target=target, headers=sent, body=body, operation=what, max_body=REPLY_BYTES
    )


def json_object(reply: UpstreamReply, what: str) -> dict[str, object]:
    """The JSON object of a reply; ``UpstreamBroken`` naming ``what`` otherwise."""
    try:
        data = json.loads(reply.body) if len(reply.body) <= REPLY_BYTES else None
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise UpstreamBroken(f"the {what} did not answer with a JSON object")
    return data


def metadata_urls(issuer: str) -> tuple[str, ...]:
    """Where an authorization server may describe itself (RFC 8414 inserts before the path, OpenID appends to it)."""
    parts = urlsplit(issuer)
    base, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    found = [
        f"{base}/.well-known/oauth-authorization-server{path}",
        f"{base}/.well-known/openid-configuration{path}",
        f"{base}{path}/.well-known/openid-configuration",
        f"{base}{path}/.well-known/oauth-authorization-server",
    ]
    return tuple(dict.fromkeys(found))


def same_issuer(one: object, other: str) -> bool:
    """Equal but for one trailing slash."""
    return isinstance(one, str) and one.removesuffix("/") == other.removesuffix("/")
