"""The words of the protocol, and its envelopes: revisions, error codes, a result or an error as bytes.

Two eras share one endpoint. *Modern* (2026-07-28): every request carries its own ``_meta``, there is no handshake and no state.
*Legacy* (2025-11-25 and older): ``initialize`` first. Which one a message belongs to is decided by the transport, before this.
"""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.values import dump_json

MODERN_VERSION = "2026-07-28"
LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
SUPPORTED = [MODERN_VERSION]

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
LEGACY_RESOURCE_NOT_FOUND = -32002

META_VERSION = "io.modelcontextprotocol/protocolVersion"
META_CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
META_CLIENT = "io.modelcontextprotocol/clientInfo"
META_SERVER = "io.modelcontextprotocol/serverInfo"

# Modern only: over legacy HTTP every answer to a readable request is a 200. An internal error has no status of its own.
HTTP_STATUS: Mapping[int, int] = {
    PARSE_ERROR: 400,
    INVALID_REQUEST: 400,
    INVALID_PARAMS: 400,
    HEADER_MISMATCH: 400,
    UNSUPPORTED_VERSION: 400,
    METHOD_NOT_FOUND: 404,
}


class RpcError(Exception):
    """A request that is answered with a JSON-RPC error instead of a result."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


def unsupported_version(requested: object) -> RpcError:
    """The error for a version we do not speak; one that is no text at all is malformed, which clients treat differently."""
    if not isinstance(requested, str):
        return RpcError(INVALID_PARAMS, f"{META_VERSION!r} must be text")
    return RpcError(UNSUPPORTED_VERSION, "unsupported protocol version", {"supported": SUPPORTED, "requested": requested[:100]})


def success(request_id: bytes, result: bytes) -> bytes:
    """``request_id`` and ``result`` are JSON already."""
    return b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (request_id, result)


def failure(request_id: bytes, error: RpcError) -> bytes:
    body: dict[str, object] = {"code": error.code, "message": error.message}
    if error.data is not None:
        body["data"] = error.data
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (request_id, dump_json(body))


def is_valid_id(value: object) -> bool:
    """A string or an integer: JSON-RPC would also allow null and fractions, this protocol does not."""
    return isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool))
