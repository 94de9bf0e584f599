"""``type: rest``: resources and their operations become routes to flows, ``forward`` becomes a route to an upstream."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.exposes.exposure import ForwardRoute, RestExposure, RestRoute
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES, ExposesContext, binary_limit_of, calls_of
from naftiko_run.flows.compile import Unit, compile_flow


@EXPOSURE_TYPES.register("rest", "api")
def _rest(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> RestExposure:
    routes: list[RestRoute] = []
    forwards: list[ForwardRoute] = []
    counter = context.flows.index.uses(
        calls_of(op for _, resource in node.named("resources") for _, op in resource.named("operations"))
    )
    limit = binary_limit_of(node, problems)
    for resource_name, resource in node.named("resources"):
        path = _exposed_path(resource, problems)
        for name, operation in resource.named("operations"):
            method = operation.get_text("method").upper()
            contract = _contract(operation)
            unit = Unit(
                node=operation, name=name, face="rest", own=common["namespace"], counter=counter,
                levels=(node, resource, operation), method=method, path=path, binary_limit=limit,
                binary_type=_binary_type(contract),
            )  # fmt: skip
            flow = compile_flow(unit, context.flows, problems)
            if not method:
                problems.error("E-METHOD", f"operation {name!r} has no method", operation, "add `method: GET`")
                continue
            routes.append(
                RestRoute(
                    method=method,
                    path=path,
                    flow=flow,
                    tags=(resource_name,) if resource_name else (),
                    responses=contract,
                    at=flow.at,
                )
            )
        if resource.get("forward") is not None:
            forwards += _forward(resource, path, context, problems)
    return RestExposure(**common, routes=tuple(routes), forwards=tuple(forwards))


def _contract(operation: Node) -> dict[str, Any]:
    """The declared ``responses`` by status, or what the shorthand ``responseBinary`` stands for."""
    responses, short = operation.get("responses"), operation.get("responseBinary")
    if responses is not None:
        return {status: response.plain() for status, response in responses.items()}
    if short is None:
        return {}
    media = short.get_text("mediaType", default="application/octet-stream")
    response = {"description": short.get_text("description"), "content": {media: {"binary": True}}}
    return {short.get_text("status", default="200"): response}


def _binary_type(contract: Mapping[str, Any]) -> str:
    """The first media type that the contract declares binary."""
    for response in contract.values():
        content = response.get("content") if isinstance(response, dict) else None
        for media, described in content.items() if isinstance(content, dict) else ():
            if isinstance(described, dict) and described.get("binary") is True:
                return str(media)
    return ""


def _exposed_path(resource: Node, problems: Problems) -> str:
    path = resource.get_text("path")
    if not path:
        problems.warn("W-REST-PATH", "a resource without a path is served at /", resource, "add `path: /...`")
    return path if path.startswith("/") else f"/{path}"


def _forward(resource: Node, path: str, context: ExposesContext, problems: Problems) -> Iterator[ForwardRoute]:
    forward = resource.get("forward")
    assert forward is not None  # the caller looked
    target = forward.get("targetNamespace")
    if target is None or target.text not in context.namespaces:
        name = target.text if target is not None else ""
        hint = suggest(name, context.namespaces)
        problems.error("E-FORWARD-UNRESOLVED", f"forward names an unknown namespace {name!r}", target or forward, hint)
        return
    yield ForwardRoute(path=path, namespace=target.text, trusted_headers=forward.texts("trustedHeaders"), at=forward.location)
