"""``tools/call`` over HTTP without a task, where one plain upstream call is all it takes. Both eras.

Nothing is decided here that the general way (``adapter``, ``endpoint``) does not decide: ``begin`` holds a request against the
same rules and does nothing at all where one is not met, so that every refusal is worded in one place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from naftiko_run.errors import RequestError
from naftiko_run.exposes.failures import log_failure
from naftiko_run.exposes.mcp import headers
from naftiko_run.exposes.mcp.catalog import ToolEntry
from naftiko_run.exposes.mcp.endpoint import Endpoint
from naftiko_run.exposes.mcp.message import Message, Unreadable, check_meta, read_message
from naftiko_run.exposes.mcp.protocol import INTERNAL_ERROR, META_CAPABILITIES, META_VERSION, MODERN_VERSION, RpcError, failure
from naftiko_run.exposes.mcp.results import object_answer, shaped_answer, tool_answer, tool_error
from naftiko_run.exposes.messages import HttpRequest
from naftiko_run.flows.express import Caller, ExpressCall, ExpressFlow
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result

FindExpress = Callable[[Flow], ExpressFlow | None]

_LOG = logging.getLogger("naftiko_run.mcp")
_CALL = "tools/call"
_NOTED = "mcp"  # where a header block keeps what was found out about it


class _Head:
    """What a request's headers say: the era, and of a modern one the tool's name. ``is_call``: they do not rule a call out."""

    __slots__ = ("is_call", "modern", "name")

    def __init__(self, request: HttpRequest) -> None:
        self.modern = modern = headers.is_modern(request.headers)
        self.name: str | None = None
        refused = headers.unacceptable(request.header("content-type"), request.header("accept"), modern=modern)
        self.is_call = refused is None
        if modern:
            try:
                found = headers.routing(request.headers)
            except RpcError:
                found = {}
            self.is_call = self.is_call and (found.get(headers.VERSION), found.get(headers.METHOD)) == (MODERN_VERSION, _CALL)
            self.name = headers.decode(found.get(headers.NAME))


def _head(request: HttpRequest) -> _Head:
    noted = request.noted
    if noted is None:
        return _Head(request)
    found = noted.get(_NOTED)
    if not isinstance(found, _Head):
        found = noted[_NOTED] = _Head(request)
    return found


class ExpressTools:
    """The tools of one endpoint; how each is run is found out on its first call."""

    def __init__(self, endpoint: Endpoint, find: FindExpress) -> None:
        self._endpoint, self._find = endpoint, find
        self._flows: dict[str, ExpressFlow | None] = {}

    def begin(self, request: HttpRequest, caller: Caller) -> ExpressCall | None:
        """Begin a call and tell ``caller`` its end; ``None`` where nothing was done."""
        head = _head(request)
        if not head.is_call or not (head.modern or b'"tools/call"' in request.body):
            return None
        endpoint = self._endpoint
        try:
            message = read_message(request.body, endpoint.limits)
            entry = self._called(message, head)
            if entry is None:
                return None
            flow = self._flows[entry.name] if entry.name in self._flows else self._settle(entry)
            if flow is None:
                return None
            given = message.params.get("arguments")
            inputs = entry.binder.arguments({} if given is None else given)  # type: ignore[arg-type]  # `_called` has looked
            answer = _ToolCall(endpoint, entry, message.id, request, caller, head.modern, flow.is_shaped)
            call = flow.start(inputs, endpoint.limits.mcp_deadline, answer)
        except (Unreadable, RpcError, RequestError):
            return None
        if call is not None and head.modern:
            request.on_disconnect = call.cancel  # requirement S23: a closed connection is how a modern client cancels
        return call

    def _called(self, message: Message, head: _Head) -> ToolEntry | None:
        """The tool of a call that is as it should be. Raises ``RpcError`` for entries of ``_meta`` that are not."""
        params = message.params
        name, given, meta = params.get("name"), params.get("arguments"), params.get("_meta")
        if message.kind != "request" or message.method != _CALL or not isinstance(name, str):
            return None
        if given is not None and not isinstance(given, dict):
            return None
        if head.modern:
            if not isinstance(meta, dict) or meta.get(META_VERSION) != MODERN_VERSION or META_CAPABILITIES not in meta:
                return None
            if head.name != name:
                return None
        if meta is not None:
            if not isinstance(meta, dict):
                return None
            check_meta(meta, head.modern)
        elif "_meta" in params:
            return None
        return self._endpoint.catalog.callable.get(name)

    def _settle(self, entry: ToolEntry) -> ExpressFlow | None:
        flow = self._find(entry.tool.flow)
        if flow is not None and flow.operation.decoder.binary:
            flow = None
        self._flows[entry.name] = flow
        return flow


class _ToolCall:
    """Who is told of an express call's end, and puts it into the words of the protocol."""

    __slots__ = ("_caller", "_endpoint", "_entry", "_id", "_is_shaped", "_modern", "_request")

    def __init__(
        self, endpoint: Endpoint, entry: ToolEntry, message_id: bytes, request: HttpRequest, caller: Caller, modern: bool,
        is_shaped: bool,
    ) -> None:  # fmt: skip
        self._endpoint, self._entry, self._id = endpoint, entry, message_id
        self._request, self._caller = request, caller
        self._modern, self._is_shaped = modern, is_shaped

    def answered(self, status: int, media_type: str, body: bytes) -> None:
        try:
            entry, is_shaped = self._entry, self._is_shaped
            members = object_answer(body, entry, is_ours=is_shaped) if media_type == "application/json" else None
            if members is None and is_shaped and body:
                members = shaped_answer(body, entry, modern=self._modern)
            elif members is None:
                members = tool_answer(Result(status=status, media_type=media_type, body=body), entry, modern=self._modern)
            answer = self._success(members)
        except Exception:
            answer = self._failed()
        self._caller.answered(200, "application/json", answer)

    def continued(self, work: Awaitable[Result]) -> None:
        self._caller.continued(self._rest(work))

    async def _rest(self, work: Awaitable[Result]) -> Result:
        task = asyncio.current_task()
        if self._modern and task is not None:
            self._request.on_disconnect = task.cancel
        try:
            answer = self._success(tool_answer(await work, self._entry, modern=self._modern))
        except RequestError as error:
            log_failure(error, self._request.request_id)
            answer = self._success(tool_error(error))
        except Exception:
            answer = self._failed()
        return Result(body=answer)

    def _success(self, members: bytes) -> bytes:
        if self._modern:
            return b'{"jsonrpc":"2.0","id":%b,"result":{%b,%b}' % (self._id, members, self._endpoint.tail)
        return b'{"jsonrpc":"2.0","id":%b,"result":{%b}}' % (self._id, members)

    def _failed(self) -> bytes:
        request_id = self._request.request_id
        _LOG.exception("request %s: %s failed", request_id or "-", _CALL)
        return failure(self._id, RpcError(INTERNAL_ERROR, "internal error", {"requestId": request_id} if request_id else None))
