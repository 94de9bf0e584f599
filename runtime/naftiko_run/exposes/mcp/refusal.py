"""A caller who may not call: the error of the guard becomes an HTTP answer whose body MCP clients read.

Clients look for a JSON-RPC error in whatever an endpoint answers, and show its words; of any other body they only say that
there was an error. Status and headers stay what HTTP says they are, since they lead a client to the authorization server.
"""

from __future__ import annotations

from naftiko_run.errors import RequestError
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.mcp.protocol import INVALID_REQUEST, RpcError, failure
from naftiko_run.exposes.messages import HttpAnswer
from naftiko_run.records import replace


def refusal(error: RequestError, request_id: str = "") -> HttpAnswer:
    """The answer to a request that was refused before it was read, so that its id is not known."""
    answer = problem(error, request_id)
    headers = [(name, value) for name, value in answer.headers if name.lower() != "content-type"]
    details = {"status": error.status, **({"requestId": request_id} if request_id else {})}
    body = failure(b"null", RpcError(INVALID_REQUEST, error.message, details))
    return replace(answer, headers=[("Content-Type", "application/json"), *headers], body=body)
