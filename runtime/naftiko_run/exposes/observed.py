"""A request's handling, measured and traced: used by adapters that were given a ``Telemetry``, unknown to all others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar

from naftiko_run.errors import RequestError
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.telemetry.propagation import FIELDS
from naftiko_run.telemetry.telemetry import Activity, Telemetry

_ACTIVITY: ContextVar[Activity | None] = ContextVar("naftiko_run_activity", default=None)
GONE = "499"


def carried(request: HttpRequest) -> dict[str, str]:
    """The trace context among the headers."""
    return {name: value for name, value in request.headers if name in FIELDS}


def take(operation: str, capability: str = "") -> None:
    """Say which operation the current request turned out to be for."""
    activity = _ACTIVITY.get()
    if activity is not None:
        activity.operation = operation
        if capability:
            activity.span.attributes["naftiko.capability"] = capability


def blame(error: BaseException) -> None:
    """The current request failed, though it has an answer."""
    activity = _ACTIVITY.get()
    if activity is not None:
        activity.error = type(error).__name__


async def observed(telemetry: Telemetry, adapter: str, request: HttpRequest, handle: Handler) -> HttpAnswer:
    """``handle(request)`` as one request of ``adapter``; a ``RequestError`` becomes its problem document."""
    activity = telemetry.begin_request(adapter, carried(request), **{"http.request.method": request.method})
    token = _ACTIVITY.set(activity)
    try:
        try:
            answer = await handle(request)
        except RequestError as error:
            activity.error = type(error).__name__
            answer = problem(error, request.request_id)
        activity.status = str(answer.status)
        if answer.status >= 400 and not activity.error:
            activity.error = f"status {answer.status}"
        return answer
    except BaseException as error:
        activity.status = GONE if isinstance(error, asyncio.CancelledError) else "500"
        activity.error = type(error).__name__
        raise
    finally:
        _ACTIVITY.reset(token)
        telemetry.end_request(activity)


async def observed_message(
    telemetry: Telemetry, method: str, carrier: dict[str, str], work: Callable[[], Awaitable[bytes]]
) -> bytes:
    """One MCP message as a request; its status is ``OK`` or ``ERROR``."""
    activity = telemetry.begin_request("mcp", carrier, **{"mcp.method.name": method})
    activity.operation = method
    token = _ACTIVITY.set(activity)
    try:
        return await work()
    except BaseException as error:
        activity.error = type(error).__name__
        raise
    finally:
        activity.status = "ERROR" if activity.error else "OK"
        _ACTIVITY.reset(token)
        telemetry.end_request(activity)


def observed_handler(
    telemetry: Telemetry | None, adapter: str, handler: Handler, operation: Callable[[HttpRequest], str]
) -> Handler:
    """A whole adapter's handler, measured where there is a ``telemetry``."""
    if telemetry is None:
        return handler

    async def handle(request: HttpRequest) -> HttpAnswer:
        take(operation(request))
        return await handler(request)

    async def measured(request: HttpRequest) -> HttpAnswer:
        return await observed(telemetry, adapter, request, handle)

    return measured
