"""Errors and results become HTTP answers: a status and an RFC 9457 problem document, from a closed catalogue.

``HTTP_ANSWERS`` names every ``RequestError`` class; a class that is missing fails a test, not a request. Nothing of an
exception, an upstream's body or a path reaches a caller (requirement S61); what the message says was worded by us.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping

from naftiko_run import errors
from naftiko_run.errors import RequestError
from naftiko_run.exposes.failures import log_failure
from naftiko_run.exposes.messages import HttpAnswer
from naftiko_run.flows.result import Result
from naftiko_run.values import dump_json

Headers = list[tuple[str, str]]
HeadersOf = Callable[[RequestError], Headers]


def _none(error: RequestError) -> Headers:
    return []


def _retry(error: RequestError) -> Headers:
    seconds = error.retry_after
    return [("Retry-After", str(max(1, math.ceil(seconds))))] if seconds is not None else []


def _wait(error: RequestError) -> Headers:
    return _retry(error) or [("Retry-After", "1")]


def _challenge(error: RequestError) -> Headers:
    challenge = getattr(error, "challenge", "")
    return [("WWW-Authenticate", challenge)] if challenge else []


def _allow(error: RequestError) -> Headers:
    return [("Allow", ", ".join(getattr(error, "allow", ())))]


HTTP_ANSWERS: Mapping[type[RequestError], HeadersOf] = {
    RequestError: _none,
    errors.InvalidInputs: _none,
    errors.MalformedRequest: _none,
    errors.Unauthenticated: _challenge,
    errors.Forbidden: _challenge,
    errors.NotFound: _none,
    errors.MethodNotAllowed: _allow,
    errors.BodyTooLarge: _none,
    errors.MisdirectedRequest: _none,
    errors.TooManyRequests: _wait,
    errors.OperationUnavailable: _none,
    errors.UpstreamError: _none,
    errors.UpstreamUnreachable: _none,
    errors.UpstreamBroken: _none,
    errors.EgressRefused: _none,
    errors.UpstreamTimeout: _none,
    errors.Overloaded: _wait,
    errors.CircuitOpen: _wait,
    errors.UpstreamStatus: _retry,
    errors.MappingFailed: _none,
    errors.ScriptFailed: _none,
    errors.StepFailed: _retry,
}


def problem(error: RequestError, request_id: str = "") -> HttpAnswer:
    """The answer to a failed request: ``type, title, status, detail, requestId`` and what the error adds (RFC 9457)."""
    log_failure(error, request_id)
    kind = next(one for one in type(error).__mro__ if one in HTTP_ANSWERS)
    document: dict[str, object] = {
        "type": f"urn:naftiko-run:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.message,
    }
    if error.hint:
        document["hint"] = error.hint
    if request_id:
        document["requestId"] = request_id
    document.update(error.extra)
    headers = [("Content-Type", "application/problem+json"), *HTTP_ANSWERS[kind](error)]
    return HttpAnswer(status=error.status, headers=headers, body=dump_json(document))


_JSON = [("Content-Type", "application/json")]


def json_answer(value: object, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, headers=list(_JSON), body=dump_json(value))


def answer(result: Result) -> HttpAnswer:
    """A flow's result as an answer; an empty body keeps a status that allows one and has no content type."""
    content = result.content
    if not content and result.body is not None:
        return HttpAnswer(status=result.status)
    return HttpAnswer(status=result.status, headers=[("Content-Type", result.media_type)], body=content)


async def settled(work: Awaitable[Result], request_id: str) -> HttpAnswer:
    """The answer that running a flow comes to, be it an error's."""
    try:
        return answer(await work)
    except RequestError as error:
        return problem(error, request_id)
