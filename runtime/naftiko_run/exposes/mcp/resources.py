"""``resources/*``: listing what there is, and reading one URI, from a directory or through a flow."""

from __future__ import annotations

import asyncio
import base64

from naftiko_run.errors import InvalidInputs, NotFound, RequestError, StepFailed, UpstreamStatus
from naftiko_run.exposes import directories
from naftiko_run.exposes.exposure import McpResource, Run
from naftiko_run.exposes.mcp.catalog import Catalog
from naftiko_run.exposes.mcp.protocol import INTERNAL_ERROR, INVALID_PARAMS, LEGACY_RESOURCE_NOT_FOUND, RpcError
from naftiko_run.exposes.mcp.results import error_text, excerpt, is_text_type, kind_of
from naftiko_run.exposes.mcp.templates import match, variables
from naftiko_run.flows.binding import bind_arguments
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.limits import Limits
from naftiko_run.values import dump_json

_LONGEST_URI = 8192


async def list_resources(catalog: Catalog) -> list[bytes]:
    """Resources with a fixed URI, and the files of the static ones as they are now."""
    listed: list[bytes] = []
    for entry in catalog.resources:
        resource = entry.resource
        if resource.directory:
            paths = await asyncio.to_thread(directories.list_files, resource.directory)
            listed += [dump_json(_shown(resource, f"{_base(resource)}/{path}", _type_of(resource, path))) for path in paths]
        elif not variables(resource.uri):
            listed.append(dump_json(_shown(resource, resource.uri, resource.mime_type or "application/json")))
    return listed


def list_templates(catalog: Catalog) -> list[bytes]:
    templates = []
    for entry in catalog.resources:
        resource = entry.resource
        if resource.flow is not None and variables(resource.uri):
            shown = _shown(resource, resource.uri, resource.mime_type or "application/json")
            shown["uriTemplate"] = shown.pop("uri")
            templates.append(dump_json(shown))
    return templates


def _shown(resource: McpResource, uri: str, mime_type: str) -> dict[str, str]:
    shown = {"name": resource.name, "title": resource.title or resource.name, "uri": uri}
    if resource.description:
        shown["description"] = resource.description
    return {**shown, "mimeType": mime_type}


def _base(resource: McpResource) -> str:
    return resource.uri.rstrip("/")


def _type_of(resource: McpResource, path: str) -> str:
    return resource.mime_type or directories.media_type(path)


async def read_resource(catalog: Catalog, uri: str, run: Run, limits: Limits, *, modern: bool) -> bytes:
    """The member ``contents`` of a ``resources/read`` result; the first declared resource that matches answers."""
    if len(uri) > _LONGEST_URI:
        raise RpcError(INVALID_PARAMS, f"params.uri is longer than {_LONGEST_URI} characters")
    for entry in catalog.resources:
        resource = entry.resource
        if resource.directory:
            if uri.startswith(_base(resource) + "/"):
                return await _read_file(resource, uri, limits, modern)
        elif resource.flow is not None and (values := match(resource.uri, uri)) is not None:
            return await _read_flow(resource, resource.flow, uri, dict(values), run, limits, modern)
    raise _not_found(uri, modern)


def _not_found(uri: str, modern: bool) -> RpcError:
    return RpcError(INVALID_PARAMS if modern else LEGACY_RESOURCE_NOT_FOUND, "resource not found", {"uri": uri})


async def _read_file(resource: McpResource, uri: str, limits: Limits, modern: bool) -> bytes:
    path = uri[len(_base(resource)) + 1 :]
    try:
        content = await asyncio.to_thread(directories.read_file, resource.directory, path, limits.response_body)
    except directories.NotServed:
        raise _not_found(uri, modern) from None
    except directories.TooLarge as too_large:
        raise RpcError(INTERNAL_ERROR, f"the resource is {too_large}", {"uri": uri}) from None
    return _contents(uri, _type_of(resource, path), content, binary=resource.binary)


async def _read_flow(
    resource: McpResource, flow: Flow, uri: str, values: dict[str, object], run: Run, limits: Limits, modern: bool
) -> bytes:
    try:
        result = await run(flow, bind_arguments(flow.inputs, values), limits.mcp_deadline)
    except RequestError as error:
        raise _unread(error, uri, modern) from None
    if result.status >= 400:
        raise _refused(result, uri, modern)
    return _contents(
        uri,
        resource.mime_type or result.media_type or "application/json",
        result.content,
        binary=result.binary or resource.binary,
    )


def _unread(error: RequestError, uri: str, modern: bool) -> RpcError:
    """An error body is not the resource, so a failed read is a protocol error and never content."""
    cause = error.cause if isinstance(error, StepFailed) else error
    if isinstance(cause, NotFound) or (isinstance(cause, UpstreamStatus) and cause.upstream_status in (404, 410)):
        return _not_found(uri, modern)
    code = INVALID_PARAMS if isinstance(cause, InvalidInputs) else INTERNAL_ERROR
    return RpcError(code, error_text(error), {"uri": uri})


def _refused(result: Result, uri: str, modern: bool) -> RpcError:
    if result.status in (404, 410):
        return _not_found(uri, modern)
    said = excerpt(result.content.decode("utf-8", "replace")) if is_text_type(kind_of(result.media_type)) else ""
    text = f"the upstream answered with status {result.status}" + (f"\nit said: {said}" if said else "")
    return RpcError(INTERNAL_ERROR, text, {"uri": uri})


def _contents(uri: str, mime_type: str, content: bytes, *, binary: bool) -> bytes:
    shown: dict[str, str] = {"uri": uri, "mimeType": mime_type}
    text = None if binary or not is_text_type(kind_of(mime_type)) else _decoded(content)
    if text is None:
        shown["blob"] = base64.b64encode(content).decode()
    else:
        shown["text"] = text
    return b'"contents":[%b]' % dump_json(shown)


def _decoded(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
