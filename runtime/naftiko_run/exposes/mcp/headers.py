"""The headers of a modern request repeat its body, so that proxies can route on them: here they are held against each other.

A header that is missing, doubled or different is refused (requirement S23): whoever trusted it decided about another request.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from functools import lru_cache

from naftiko_run.exposes.mcp.message import Message, check_envelope
from naftiko_run.exposes.mcp.protocol import HEADER_MISMATCH, LEGACY_VERSIONS, MODERN_VERSION, RpcError, unsupported_version

VERSION, METHOD, NAME = "mcp-protocol-version", "mcp-method", "mcp-name"
_ROUTING = frozenset((VERSION, METHOD, NAME))
_NAMED_BY: Mapping[str, str] = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_BLANK = " \t"


def is_modern(headers: Iterable[tuple[str, str]]) -> bool:
    """Absent, or a revision with a handshake: legacy. Anything else, known or not, is judged by the modern rules."""
    version = next((value.strip(_BLANK) for name, value in headers if name == VERSION), None)
    return version is not None and version not in LEGACY_VERSIONS


def check_notification(headers: Iterable[tuple[str, str]]) -> None:
    """A notification needs a version we serve and nothing else; it is accepted and has no effect."""
    version = next((value.strip(_BLANK) for name, value in headers if name == VERSION), "")
    if version != MODERN_VERSION:
        raise unsupported_version(version)


def check_request(message: Message, headers: Iterable[tuple[str, str]]) -> None:
    """Raises ``RpcError`` unless version, method and name stand in the headers once and as in the body."""
    found = routing(headers)
    version = check_envelope(message)
    if found.get(VERSION) != version:
        raise RpcError(HEADER_MISMATCH, f"the header {VERSION} differs from the version in params._meta")
    if found.get(METHOD) != message.method:
        raise RpcError(HEADER_MISMATCH, f"the header {METHOD} differs from the method in the body")
    key = _NAMED_BY.get(message.method)
    if key is not None:
        wanted = message.params.get(key)
        if wanted is not None and decode(found.get(NAME)) != wanted:
            raise RpcError(HEADER_MISMATCH, f"the header {NAME} differs from params.{key} in the body")
    if version != MODERN_VERSION:
        raise unsupported_version(version)


def routing(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers that repeat a body, by name. Raises ``RpcError`` where one is given twice."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _ROUTING:
            if name in found:
                raise RpcError(HEADER_MISMATCH, f"the header {name} is given more than once")
            found[name] = value.strip(_BLANK)
    return found


def unacceptable(content_type: str, accept: str, *, modern: bool) -> tuple[int, str] | None:
    """The status and the text that refuse a request for its media types, before there is a message."""
    if content_type.partition(";")[0].strip().lower() != "application/json":
        return 415, "Content-Type must be application/json"
    # Legacy clients that say nothing accept anything; the modern revision asks for both kinds to be named.
    takes_json, takes_events = accepts(accept) if accept or modern else (True, True)
    if not takes_json or (modern and not takes_events):
        return 406, "Accept must list application/json and text/event-stream"
    return None


def decode(value: str | None) -> str | None:
    """A header value as text: ``=?base64?...?=`` is decoded; ``None`` where that is broken, so that it equals nothing."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")) or len(value) < 11:
        return value
    payload = value[9:-2]
    try:
        raw = base64.b64decode(payload, validate=True)
        # Only the canonical spelling, so that two texts never mean one name.
        return raw.decode() if base64.b64encode(raw).decode() == payload else None
    except (binascii.Error, ValueError):
        return None


@lru_cache(maxsize=64)  # few clients, each with its one value
def accepts(accept: str) -> tuple[bool, bool]:
    """Whether an ``Accept`` value lets us answer JSON, and an event stream."""
    kinds = {part.partition(";")[0].strip().lower() for part in accept.split(",")}
    every = "*/*" in kinds
    return every or bool(kinds & {"application/json", "application/*"}), every or bool(kinds & {"text/event-stream", "text/*"})
