"""The log's side of a failed request: what its caller is not told stands there, under the id that the caller was given (S61).

Failures of callers and upstreams are everyday events: they are logged at ``info``, and cost one comparison where that is off.
Secrets are cleaned out by the filter of the log's handlers; bodies and header values are never written.
"""

from __future__ import annotations

import logging

from naftiko_run.errors import NaftikoError, RequestError

LOGGER = logging.getLogger("naftiko_run.requests")


def log_failure(error: RequestError, request_id: str) -> None:
    """Say which error a request was answered with, and which exceptions were behind it."""
    if LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info("request %s: %d %s: %s%s", request_id or "-", error.status, error.code, error.message, _behind(error))


def _behind(error: BaseException) -> str:
    """The chain of causes: the texts of our own errors, and only the names of all others."""
    causes: list[str] = []
    cause = error.__cause__
    while cause is not None and len(causes) < 5:
        causes.append(cause.message if isinstance(cause, NaftikoError) else type(cause).__name__)
        cause = cause.__cause__
    return f" (because of: {'; '.join(causes)})" if causes else ""
