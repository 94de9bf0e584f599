"""One endpoint, live: a message in, the bytes of its answer out. The same for HTTP and stdio, and for both eras.

Methods that only list are rendered once and kept. Nothing of one request is remembered for the next (requirement S23).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from naftiko_run.errors import NaftikoError, OperationUnavailable, RequestError, suggest
from naftiko_run.exposes.exposure import Run
from naftiko_run.exposes.failures import log_failure
from naftiko_run.exposes.mcp.catalog import Catalog, ToolEntry
from naftiko_run.exposes.mcp.completion import complete
from naftiko_run.exposes.mcp.message import Message, check_meta, names_itself
from naftiko_run.exposes.mcp.pages import page
from naftiko_run.exposes.mcp.prompts import get_prompt, list_prompts
from naftiko_run.exposes.mcp.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    LEGACY_VERSIONS,
    META_SERVER,
    METHOD_NOT_FOUND,
    SUPPORTED,
    RpcError,
)
from naftiko_run.exposes.mcp.resources import list_resources, list_templates, read_resource
from naftiko_run.exposes.mcp.results import tool_answer, tool_error
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.exposes.observed import blame, observed_message, take
from naftiko_run.limits import Limits
from naftiko_run.telemetry.propagation import FIELDS
from naftiko_run.values import dump_json

if TYPE_CHECKING:
    from naftiko_run.exposes.mcp.search import ToolSearch
    from naftiko_run.telemetry.telemetry import Telemetry

Method = Callable[[Message, bool], Awaitable[bytes]]

_LOG = logging.getLogger("naftiko_run.mcp")
TRACE = ("traceparent", "tracestate", "baggage")
_SUGGEST_AMONG = 500


class Endpoint:
    """Serves one catalog. ``answer`` gives the result object of a request, or raises ``RpcError``."""

    def __init__(self, catalog: Catalog, run: Run, limits: Limits, settings: McpSettings) -> None:
        self.catalog, self.run, self.limits, self.settings = catalog, run, limits, settings
        self.search = _open_search(catalog) if settings.tools_mode == "search" else None
        self._info = dump_json(catalog.server_info())
        self.tail = b'"resultType":"complete","_meta":{"%b":%b}}' % (META_SERVER.encode(), self._info)
        self._cached_for = b'"ttlMs":%d,"cacheScope":"%b",' % (catalog.ttl_ms, catalog.cache_scope.encode())
        self._tools: list[bytes] | None = None
        self.streaming: set[asyncio.Task[None]] = set()
        self.methods = self._shared_methods()
        self._legacy: Mapping[str, Method] = {**self.methods, "initialize": self._initialize, "ping": self._ping}
        self._modern: Mapping[str, Method] = {**self.methods, "server/discover": self._discover}
        self._cacheable = {name for name in self._modern if name.endswith("/list")} | {"server/discover", "resources/read"}

    def _shared_methods(self) -> dict[str, Method]:
        methods: dict[str, Method] = {"tools/list": self._list_tools, "tools/call": self._call_tool}
        if self.catalog.resources:
            methods["resources/list"] = self._list_resources
            methods["resources/templates/list"] = self._list_templates
            methods["resources/read"] = self._read_resource
        if self.catalog.prompts:
            methods["prompts/list"] = self._list_prompts
            methods["prompts/get"] = self._get_prompt
        if self.catalog.resources or self.catalog.prompts:
            methods["completion/complete"] = self._complete
        return methods

    async def answer(self, message: Message, *, modern: bool, request_id: str = "") -> bytes:
        """The result object of a request. Whatever is not the caller's mistake is an internal error without details (S61)."""
        method = (self._modern if modern else self._legacy).get(message.method)
        if method is None:
            raise RpcError(METHOD_NOT_FOUND, "method not found", message.method[:100])
        if "_meta" in message.params:
            if not isinstance(message.params["_meta"], dict):
                raise RpcError(INVALID_PARAMS, "params._meta must be an object")
            check_meta(message.meta, modern)
        message.request_id = request_id
        try:
            telemetry = self.settings.telemetry
            if telemetry is None:
                members = await method(message, modern)
            else:
                members = await self._observed(telemetry, method, message, modern)
        except (RpcError, NaftikoError) as error:
            if isinstance(error, RequestError):
                log_failure(error, request_id)
            raise _as_rpc(error) from None
        except Exception:
            _LOG.exception("request %s: %s failed", request_id or "-", message.method)
            raise RpcError(INTERNAL_ERROR, "internal error", {"requestId": request_id} if request_id else None) from None
        return self._finished(message.method, members, modern)

    async def _observed(self, telemetry: Telemetry, method: Method, message: Message, modern: bool) -> bytes:
        sent = {**message.carried, **message.meta}
        carrier = {name: value for name in FIELDS if isinstance(value := sent.get(name), str)}
        return await observed_message(telemetry, message.method, carrier, lambda: method(message, modern))

    def _finished(self, method: str, members: bytes, modern: bool) -> bytes:
        if not modern:
            return b"{%b}" % members
        cached = self._cached_for if method in self._cacheable else b""
        return b"{%b,%b%b" % (members, cached, self.tail)

    # ---- who we are

    def _capabilities(self) -> dict[str, object]:
        capabilities: dict[str, object] = {"tools": {"listChanged": False}}
        if self.catalog.resources:
            capabilities["resources"] = {"subscribe": False, "listChanged": False}
        if self.catalog.prompts:
            capabilities["prompts"] = {"listChanged": False}
        if "completion/complete" in self.methods:
            capabilities["completions"] = {}
        return capabilities

    def _introduction(self) -> bytes:
        about = b',"instructions":' + dump_json(self.catalog.instructions) if self.catalog.instructions else b""
        return b'"capabilities":%b%b' % (dump_json(self._capabilities()), about)

    async def _discover(self, message: Message, modern: bool) -> bytes:
        return b'"supportedVersions":%b,%b' % (dump_json(SUPPORTED), self._introduction())

    async def _initialize(self, message: Message, modern: bool) -> bytes:
        version, client = message.params.get("protocolVersion"), message.params.get("clientInfo")
        if not isinstance(version, str):
            raise RpcError(INVALID_PARAMS, "params.protocolVersion must be text")
        if not isinstance(message.params.get("capabilities"), dict):
            raise RpcError(INVALID_PARAMS, "params.capabilities must be an object")
        if not (isinstance(client, dict) and names_itself(client)):
            raise RpcError(INVALID_PARAMS, "params.clientInfo must be an object with name and version")
        agreed = version if version in LEGACY_VERSIONS else LEGACY_VERSIONS[-1]
        return b'"protocolVersion":"%b","serverInfo":%b,%b' % (agreed.encode(), self._info, self._introduction())

    async def _ping(self, message: Message, modern: bool) -> bytes:
        return b""

    # ---- tools

    def tool_list(self) -> list[bytes]:
        """Every listed tool as JSON, rendered on the first request for it."""
        if self._tools is None:
            self._tools = self.search.tool_list() if self.search else self.catalog.tool_list()
        return self._tools

    async def _list_tools(self, message: Message, modern: bool) -> bytes:
        return self._page("tools", self.tool_list(), message)

    async def _call_tool(self, message: Message, modern: bool) -> bytes:
        name, arguments = self._target(message, "name"), self._arguments(message)

        async def call(entry: ToolEntry, given: dict[str, object]) -> bytes:
            reason = entry.tool.flow.unavailable
            if reason is not None:  # before anything is said about arguments, which could not help
                raise OperationUnavailable(reason.message, hint=reason.hint, code=reason.code)
            if self.settings.telemetry is not None:
                return await self._traced_tool(self.settings.telemetry, entry, given, modern)
            result = await self.run(entry.tool.flow, entry.binder.arguments(given), self.limits.mcp_deadline)
            return tool_answer(result, entry, modern=modern)

        try:
            if self.search and self.search.serves(name):
                return await self.search.call(name, arguments, call)
            return await call(self._tool(name), arguments)
        except RequestError as error:
            log_failure(error, message.request_id)
            if self.settings.telemetry is not None:
                blame(error)
            return tool_error(error)

    async def _traced_tool(self, telemetry: Telemetry, entry: ToolEntry, given: dict[str, object], modern: bool) -> bytes:
        """A tool's call as a span of its own; the operation of the request is the tool."""
        take(entry.name)
        span = telemetry.begin_span("mcp.tool", **{"mcp.tool.name": entry.name})
        failed = ""
        try:
            result = await self.run(entry.tool.flow, entry.binder.arguments(given), self.limits.mcp_deadline)
            return tool_answer(result, entry, modern=modern)
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            telemetry.end_span(span, failed)

    def _tool(self, name: str) -> ToolEntry:
        entry = self.catalog.callable.get(name)
        if entry is None:
            known = self.catalog.callable
            # Finding the nearest name takes time that a caller could make us spend over and over.
            hint = f" ({suggest(name, known)})" if len(name) <= 100 and 0 < len(known) <= _SUGGEST_AMONG else ""
            raise RpcError(INVALID_PARAMS, f"unknown tool {name[:100]!r}{hint}")
        return entry

    # ---- resources, prompts, completion

    async def _list_resources(self, message: Message, modern: bool) -> bytes:
        return self._page("resources", await list_resources(self.catalog), message)

    async def _list_templates(self, message: Message, modern: bool) -> bytes:
        return self._page("resourceTemplates", list_templates(self.catalog), message)

    async def _read_resource(self, message: Message, modern: bool) -> bytes:
        return await read_resource(self.catalog, self._target(message, "uri"), self.run, self.limits, modern=modern)

    async def _list_prompts(self, message: Message, modern: bool) -> bytes:
        return self._page("prompts", list_prompts(self.catalog.prompts), message)

    async def _get_prompt(self, message: Message, modern: bool) -> bytes:
        name, arguments = self._target(message, "name"), self._arguments(message)
        prompt = self.catalog.prompts.get(name)
        if prompt is None:
            raise RpcError(INVALID_PARAMS, f"unknown prompt {name[:100]!r}")
        return get_prompt(prompt, arguments)

    async def _complete(self, message: Message, modern: bool) -> bytes:
        return complete(self.catalog, message.params)

    # ---- parameters

    def _page(self, key: str, items: list[bytes], message: Message) -> bytes:
        return page(key, items, message.params.get("cursor"), self.settings.page_size)

    def _target(self, message: Message, key: str) -> str:
        """The name or URI that a request is about; whoever traces calls is told of it."""
        target = message.params.get(key)
        if not isinstance(target, str):
            raise RpcError(INVALID_PARAMS, f"params.{key} must be text")
        if self.settings.on_call is not None:
            sent = {**message.carried, **message.meta}
            trace = {name: value for name in TRACE if isinstance(value := sent.get(name), str)}
            self.settings.on_call(message.method, target, trace)
        return target

    @staticmethod
    def _arguments(message: Message) -> dict[str, object]:
        arguments = message.params.get("arguments")
        if arguments is None:
            return {}
        if not isinstance(arguments, dict):
            raise RpcError(INVALID_PARAMS, "params.arguments must be an object")
        return arguments

    def close(self) -> None:
        for task in list(self.streaming):
            task.cancel()
        if self.search:
            self.search.close()


def _open_search(catalog: Catalog) -> ToolSearch:
    # SQLite is imported only where it is asked for.
    from naftiko_run.exposes.mcp.search import ToolSearch

    return ToolSearch(catalog)


def _as_rpc(error: RpcError | NaftikoError) -> RpcError:
    return error if isinstance(error, RpcError) else RpcError(INTERNAL_ERROR, error.message)
