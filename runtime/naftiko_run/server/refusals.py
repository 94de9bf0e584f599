"""What the listener answers by itself: a refusal becomes an ``application/problem+json`` answer.

These are the answers given before, or instead of, a handler: malformed or oversized requests, wrong hosts, deadlines,
overload. The sentences are fixed, so nothing of a request or of an exception can leak into them.
"""

from __future__ import annotations

import json

from naftiko_run.exposes.messages import HttpAnswer
from naftiko_run.records import record


@record
class Refusal:
    """One answer of the closed catalogue below."""

    status: int
    title: str
    detail: str
    headers: tuple[tuple[str, str], ...] = ()

    def answer(self, request_id: str) -> HttpAnswer:
        document = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "requestId": request_id,
        }
        headers = [("content-type", "application/problem+json"), *self.headers]
        return HttpAnswer(status=self.status, headers=headers, body=json.dumps(document).encode())


def _malformed(detail: str) -> Refusal:
    return Refusal(status=400, title="Malformed request", detail=detail)


NOT_HTTP = _malformed("the request is not valid HTTP/1.1")
BAD_FRAMING = _malformed("the length of the request body is not stated in one valid way")
BAD_TARGET = _malformed("the request target is not a path")
BAD_HOST_FIELD = _malformed("exactly one host field is required")
NOT_ORIGIN_ALLOWED = Refusal(status=403, title="Forbidden", detail="the origin is not one this listener answers to")
HEADERS_TOO_SLOW = Refusal(status=408, title="Request timeout", detail="the request head did not arrive in time")
BODY_TOO_SLOW = Refusal(status=408, title="Request timeout", detail="the request body did not arrive in time")
BODY_TOO_LARGE = Refusal(status=413, title="Request body too large", detail="the request body is over the limit")
TARGET_TOO_LONG = Refusal(status=414, title="Request target too long", detail="the request line is over the limit")
EXPECTATION_UNKNOWN = Refusal(status=417, title="Expectation failed", detail="only '100-continue' can be expected")
HOST_UNKNOWN = Refusal(status=421, title="Misdirected request", detail="the host is not one this listener answers for")
HEADERS_TOO_LARGE = Refusal(status=431, title="Request header too large", detail="the request header fields are over the limit")
HANDLER_FAILED = Refusal(status=500, title="Internal error", detail="the request failed; its id is in the log")
NO_TUNNELS = Refusal(status=501, title="Not implemented", detail="this listener opens no tunnels")
OVERLOADED = Refusal(status=503, title="Overloaded", detail="too many requests are in flight", headers=(("retry-after", "1"),))
TOO_MANY_CONNECTIONS = Refusal(
    status=503, title="Overloaded", detail="too many connections are open", headers=(("retry-after", "1"),)
)
TOO_MANY_STREAMS = Refusal(status=503, title="Overloaded", detail="too many streams are open", headers=(("retry-after", "1"),))
STOPPING = Refusal(status=503, title="Stopping", detail="the server is stopping", headers=(("retry-after", "1"),))
VERSION_UNKNOWN = Refusal(status=505, title="HTTP version not supported", detail="this listener speaks HTTP/1.1 and HTTP/1.0")
