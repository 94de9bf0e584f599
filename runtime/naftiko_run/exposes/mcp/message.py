"""One JSON-RPC message: bytes become a ``Message``, or the error that answers them.

Pure and shared by HTTP and stdio. Strict, because a message that two readers understand differently is how checks are evaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from naftiko_run.exposes.mcp.protocol import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    META_CAPABILITIES,
    META_CLIENT,
    META_VERSION,
    PARSE_ERROR,
    RpcError,
    is_valid_id,
)
from naftiko_run.limits import Limits
from naftiko_run.records import field, record
from naftiko_run.values import depth_exceeds, dump_json, load_json

Kind = Literal["request", "notification", "response"]
_NULL = b"null"


@record(frozen=False, kw_only=False)
class Message:
    """``id`` is JSON already (``null`` where there is none); ``params`` is empty where none were sent.

    ``carried`` is trace context that came beside the message, in HTTP headers; what stands in ``_meta`` wins over it.
    """

    kind: Kind
    method: str
    params: dict[str, object]
    id: bytes = _NULL
    carried: Mapping[str, str] = field(default_factory=dict)
    request_id: str = ""  # ours, for the log

    @property
    def meta(self) -> dict[str, object]:
        meta = self.params.get("_meta")
        return meta if isinstance(meta, dict) else {}


class Unreadable(Exception):
    """Bytes that are no message; ``id`` is theirs where it could be told."""

    def __init__(self, error: RpcError, request_id: bytes = _NULL) -> None:
        super().__init__(error.message)
        self.error, self.id = error, request_id


def read_message(raw: bytes, limits: Limits) -> Message:
    """Raises ``Unreadable``."""
    if depth_exceeds(raw, limits.json_depth):
        raise Unreadable(RpcError(INVALID_REQUEST, f"the message nests deeper than {limits.json_depth}"))
    try:
        value = load_json(raw)
    except (ValueError, RecursionError):
        raise Unreadable(RpcError(PARSE_ERROR, "the message is not valid JSON")) from None
    if not isinstance(value, dict):
        text = "batches are not accepted" if isinstance(value, list) else "a message is one JSON object"
        raise Unreadable(RpcError(INVALID_REQUEST, text))
    return _read_object(value)


def _read_object(value: dict[str, object]) -> Message:
    has_id, number = "id" in value, value.get("id")
    request_id = dump_json(number) if has_id and is_valid_id(number) else _NULL
    if value.get("jsonrpc") != "2.0":
        raise Unreadable(RpcError(INVALID_REQUEST, 'jsonrpc must be "2.0"'), request_id)
    method, params = value.get("method"), value.get("params")
    if "method" not in value and has_id and ("result" in value or "error" in value):
        return Message("response", "", {}, request_id)
    if not isinstance(method, str):
        raise Unreadable(RpcError(INVALID_REQUEST, "method must be text"), request_id)
    if params is not None and not isinstance(params, dict):
        raise Unreadable(RpcError(INVALID_REQUEST, "params must be an object"), request_id)
    if not has_id:
        return Message("notification", method, params or {})
    if request_id is _NULL:
        raise Unreadable(RpcError(INVALID_REQUEST, "id must be text or an integer"))
    return Message("request", method, params or {}, request_id)


def check_envelope(message: Message) -> object:
    """The protocol version in a modern request's ``_meta``, which must hold the required keys; its value is not judged here."""
    meta = message.params.get("_meta")
    if not isinstance(meta, dict):
        raise RpcError(INVALID_PARAMS, f"params._meta must be an object with {META_VERSION!r} and {META_CAPABILITIES!r}")
    missing = [key for key in (META_VERSION, META_CAPABILITIES) if key not in meta]
    if missing:
        raise RpcError(INVALID_PARAMS, f"params._meta lacks {', '.join(map(repr, missing))}")
    return meta[META_VERSION]


def check_meta(meta: dict[str, object], modern: bool) -> None:
    """The shapes of the ``_meta`` entries that the protocol defines; others are the caller's own business."""
    token = meta.get("progressToken")
    if token is not None and not is_valid_id(token):
        raise RpcError(INVALID_PARAMS, "_meta.progressToken must be text or an integer")
    if not modern:
        return
    if not isinstance(meta.get(META_CAPABILITIES), dict):
        raise RpcError(INVALID_PARAMS, f"{META_CAPABILITIES!r} must be an object")
    client = meta.get(META_CLIENT)
    if client is not None and not (isinstance(client, dict) and names_itself(client)):
        raise RpcError(INVALID_PARAMS, f"{META_CLIENT!r} must be an object with name and version")


def names_itself(client: dict[str, object]) -> bool:
    return isinstance(client.get("name"), str) and isinstance(client.get("version"), str)
