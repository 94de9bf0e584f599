"""The MCP adapter of one port: HTTP requests become answers, and a pair of streams becomes a served connection.

``/mcp`` and ``/`` serve every exposure of the port as one; ``/mcp/<namespace>`` serves one of them. Whether ``Host`` and
``Origin`` may talk to us, and who the caller is, was decided by the listener before this.

The protocol is spoken here rather than by the official SDK: what is left of it without sessions and without requests to the
client is small, a tool call costs a fraction, and a process over stdio is ready before the SDK would be imported. A test holds
our answers against the SDK's, message by message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from naftiko_run.exposes.exposure import McpExposure, Run
from naftiko_run.exposes.mcp import headers, stdio, streaming
from naftiko_run.exposes.mcp.catalog import compile_catalog
from naftiko_run.exposes.mcp.endpoint import Endpoint
from naftiko_run.exposes.mcp.express import ExpressTools, FindExpress
from naftiko_run.exposes.mcp.message import Message, Unreadable, check_meta, read_message
from naftiko_run.exposes.mcp.protocol import HTTP_STATUS, INVALID_REQUEST, RpcError, failure, success
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.exposes.mcp.streaming import progress_token
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.flows.express import Caller, ExpressCall
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.telemetry.propagation import FIELDS

_JSON = [("content-type", "application/json")]
_NULL = b"null"
_CLIENT_GONE = 499


class McpAdapter:
    """Live. ``exposures`` share one port; their order is the order of their tools."""

    def __init__(
        self,
        exposures: Sequence[McpExposure],
        run: Run,
        *,
        limits: Limits = DEFAULT_LIMITS,
        settings: McpSettings | None = None,
        express: FindExpress | None = None,
    ) -> None:
        self._find, self._express = express, dict[str, ExpressTools]()
        self.limits, self.settings = limits, settings or McpSettings()

        def endpoint(served: Sequence[McpExposure]) -> Endpoint:
            return Endpoint(compile_catalog(served, self.settings.long_tool_names), run, limits, self.settings)

        self.whole = endpoint(exposures)
        alone = {exposures[0].namespace: self.whole} if len(exposures) == 1 else {}
        self._endpoints = {"/": self.whole, "/mcp": self.whole}
        for exposure in exposures:
            if f"/mcp/{exposure.namespace}" not in self._endpoints:
                same = [one for one in exposures if one.namespace == exposure.namespace]
                self._endpoints[f"/mcp/{exposure.namespace}"] = alone.get(exposure.namespace) or endpoint(same)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that answer, for the banner."""
        return tuple(self._endpoints)

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        """Streamable HTTP. One message per POST; one JSON answer, or events that end with it."""
        endpoint = self._endpoints.get(request.path) or self._endpoints.get(request.path.rstrip("/"))
        if endpoint is None:
            return _refused(404, "there is no MCP endpoint at this path")
        if request.method != "POST":
            return HttpAnswer(status=405, headers=[("allow", "POST")])
        modern = headers.is_modern(request.headers)
        refused = headers.unacceptable(request.header("content-type"), request.header("accept"), modern=modern)
        if refused is not None:
            return _refused(*refused)
        try:
            message = read_message(request.body, self.limits)
        except Unreadable as unreadable:
            return _json(400, failure(unreadable.id, unreadable.error))
        if self.settings.on_call is not None or self.settings.telemetry is not None:
            message.carried = {name: value for name, value in request.headers if name in FIELDS}
        return await (_modern if modern else _legacy)(endpoint, message, request)

    @property
    def is_express(self) -> bool:
        """Whether ``express`` may be asked: where nobody follows what each request does, and names are those of tools."""
        settings = self.settings
        return settings.telemetry is None and settings.on_call is None and settings.tools_mode == "all"

    def express(self, request: HttpRequest, caller: Caller) -> ExpressCall | None:
        """Begin a ``tools/call`` that takes no task, and tell ``caller`` its end; else do nothing."""
        if request.method != "POST" or self._find is None:
            return None
        tools = self._express.get(request.path)
        if tools is None:
            endpoint = self._endpoints.get(request.path)
            if endpoint is None:
                return None
            tools = self._express[request.path] = ExpressTools(endpoint, self._find)
        return tools.begin(request, caller)

    async def serve_stdio(self, reader: stdio.Reader, writer: stdio.Writer) -> None:
        """Serve one client until ``reader`` ends: one message per line, both ways."""
        await stdio.serve(self.whole, reader, writer, self.limits)

    async def close(self) -> None:
        for endpoint in set(self._endpoints.values()):
            endpoint.close()


def _json(status: int, body: bytes) -> HttpAnswer:
    return HttpAnswer(status=status, headers=list(_JSON), body=body)


def _refused(status: int, text: str) -> HttpAnswer:
    """Refused before there was a message: the error has no id."""
    return _json(status, failure(_NULL, RpcError(INVALID_REQUEST, text)))


async def _legacy(endpoint: Endpoint, message: Message, request: HttpRequest) -> HttpAnswer:
    """A closed connection does not cancel here: these revisions say it should not, since a call may have effects."""
    if message.kind != "request":
        return HttpAnswer(status=202)
    try:
        if headers.accepts(request.header("accept"))[1] and progress_token(endpoint, message) is not None:
            return _stream(endpoint, message, request, modern=False)
        return _json(200, success(message.id, await endpoint.answer(message, modern=False, request_id=request.request_id)))
    except RpcError as error:
        return _json(200, failure(message.id, error))


async def _modern(endpoint: Endpoint, message: Message, request: HttpRequest) -> HttpAnswer:
    try:
        if message.kind == "notification":
            headers.check_notification(request.headers)
            return HttpAnswer(status=202)
        if message.kind == "response":
            raise RpcError(INVALID_REQUEST, "clients send requests and notifications, no responses")
        headers.check_request(message, request.headers)
        if progress_token(endpoint, message) is not None:
            return _stream(endpoint, message, request, modern=True)
        return await _cancellable(endpoint, message, request)
    except RpcError as error:
        return _json(HTTP_STATUS.get(error.code, 200), failure(message.id, error))


def _stream(endpoint: Endpoint, message: Message, request: HttpRequest, *, modern: bool) -> HttpAnswer:
    check_meta(message.meta, modern)  # while the status can still say that something is wrong

    async def work() -> bytes:
        try:
            return success(message.id, await endpoint.answer(message, modern=modern, request_id=request.request_id))
        except RpcError as error:
            return failure(message.id, error)

    stream = streaming.events(endpoint, message.meta["progressToken"], work, cancel=modern)
    return HttpAnswer(status=200, headers=list(streaming.HEADERS), stream=stream)


async def _cancellable(endpoint: Endpoint, message: Message, request: HttpRequest) -> HttpAnswer:
    """Closing the connection is how a modern client cancels (requirement S23): the work stops, and nobody reads the answer."""
    task = asyncio.current_task()
    gone = False

    def client_left() -> None:
        nonlocal gone
        gone = True
        if task is not None:
            task.cancel()

    request.on_disconnect = client_left
    try:
        return _json(200, success(message.id, await endpoint.answer(message, modern=True, request_id=request.request_id)))
    except asyncio.CancelledError:
        if not gone or task is None or task.uncancel() > 0:
            raise
        return HttpAnswer(status=_CLIENT_GONE)
    finally:
        request.on_disconnect = None
