"""``exposes:`` entries become exposures: every unit compiled to a flow, every mistake a finding on that unit alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from naftiko_run.consumes.formats.binary import parse_binary_size
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError, suggest
from naftiko_run.exposes.authentication import compile_caller_auth
from naftiko_run.exposes.exposure import (
    ControlExposure,
    Exposure,
    ForwardRoute,
    McpExposure,
    McpPrompt,
    McpResource,
    McpTool,
    PromptArgument,
    RestExposure,
    RestRoute,
    SkillExposure,
)
from naftiko_run.exposes.locations import locate, read_text_file
from naftiko_run.exposes.mcp.names import check_names
from naftiko_run.exposes.mcp.texts import check_texts
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.flows.compile import FlowContext, Unit, compile_flow
from naftiko_run.registry import Registry

HINTS = {
    "readOnly": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "openWorld": "openWorldHint",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExposesContext:
    """What compiling an exposure needs: the flows' context, and what every exposure of the capability shares."""

    flows: FlowContext
    label: str
    version: str
    directory: Path
    siblings: tuple[Node, ...] = ()
    namespaces: tuple[str, ...] = ()  # of consumers, for forward


ExposureFactory = Callable[[Node, dict[str, Any], ExposesContext, Problems], Exposure]
EXPOSURE_TYPES: Registry[ExposureFactory] = Registry("exposure type")


def compile_exposures(entries: Iterable[Node], context: ExposesContext, problems: Problems) -> tuple[Exposure, ...]:
    """All exposures that can be served, in document order. An unknown type is left out with a warning."""
    found = []
    for node in entries:
        kind = node.get_text("type", default="rest" if node.get("resources") else "mcp" if node.get("tools") else "")
        if kind not in EXPOSURE_TYPES:
            at = node.get("type") or node
            problems.warn(
                "W-EXPOSE-UNKNOWN", f"unknown exposure type {kind!r} is not served", at, suggest(kind, EXPOSURE_TYPES)
            )
            continue
        found.append(EXPOSURE_TYPES.lookup(kind)(node, _common(node, context, problems), context, problems))
    return tuple(found)


def _common(node: Node, context: ExposesContext, problems: Problems) -> dict[str, Any]:
    port = node.get("port")
    number = node.get_int("port")
    if number is None and port is not None and port.text.isdigit():
        number = int(port.text)
    if port is not None and (number is None or not 0 <= number <= 65535):
        problems.error("E-PORT", f"{port.text!r} is not a port", port, "a number from 1 to 65535")
        number = None
    return {
        "namespace": node.get_text("namespace", "name"),
        "address": node.get_text("address"),
        "port": number,
        "description": node.get_text("description"),
        "label": context.label,
        "version": context.version,
        "authentication": compile_caller_auth(node.get("authentication"), context.flows.names, problems),
        "at": node.location,
    }


def _binary_limit(node: Node, problems: Problems) -> int | None:
    """``maxBinarySize`` of an adapter, for binary operations that name no size of their own."""
    size = node.get("maxBinarySize")
    if size is None:
        return None
    try:
        return parse_binary_size(size.text, size)
    except SpecError as error:
        problems.add(error)
        return None


# ---- rest


@EXPOSURE_TYPES.register("rest", "api")
def _rest(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> RestExposure:
    routes: list[RestRoute] = []
    forwards: list[ForwardRoute] = []
    counter = context.flows.index.uses(
        _calls(op for _, resource in node.named("resources") for _, op in resource.named("operations"))
    )
    limit = _binary_limit(node, problems)
    for resource_name, resource in node.named("resources"):
        path = _exposed_path(resource, node, problems)
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
                    at=operation.location,
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


def _exposed_path(resource: Node, node: Node, problems: Problems) -> str:
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


def _calls(units: Iterable[Node]) -> Iterator[str]:
    for unit in units:
        call = unit.get("call")
        if call is not None:
            yield call.text.strip()


# ---- mcp


@EXPOSURE_TYPES.register("mcp")
def _mcp(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> McpExposure:
    counter = context.flows.index.uses(_calls(tool for _, tool in node.named("tools")))
    own, limit = common["namespace"], _binary_limit(node, problems)
    tools = [
        _tool(
            name, tool, Unit(node=tool, name=name, face="mcp", own=own, counter=counter, binary_limit=limit), context, problems
        )
        for name, tool in node.named("tools")
    ]
    resources = [
        found
        for name, resource in node.named("resources")
        if (
            found := _resource(
                name,
                resource,
                Unit(node=resource, name=name, face="resource", own=own, counter=counter, binary_limit=limit),
                context,
                problems,
            )
        )
    ]
    prompts = [_prompt(name, prompt, context, problems) for name, prompt in node.named("prompts")]
    scope = node.get_text("cacheScope", default="private")
    transport = node.get_text("transport", default="http").lower()
    if transport not in ("http", "stdio"):
        known = "use http or stdio"
        problems.warn("W-TRANSPORT", f"unknown transport {transport!r} is read as http", node.get("transport"), known)
    exposure = McpExposure(
        **common,
        transport="stdio" if transport == "stdio" else "http",
        tools=tuple(tool for tool in tools if tool is not None),
        resources=tuple(resources),
        prompts=tuple(prompt for prompt in prompts if prompt is not None),
        ttl_ms=max(0, node.get_int("ttlMs") or 0),
        cache_scope="public" if scope == "public" else "private",
    )
    check_names(exposure, problems)
    return check_texts(exposure, problems)


def _tool(name: str, node: Node, unit: Unit, context: ExposesContext, problems: Problems) -> McpTool | None:
    flow = compile_flow(unit, context.flows, problems)
    name = name or flow.name
    if not name:
        problems.error("E-TOOL-NAME", "a tool without a name is left out", node, "give it a `name`")
        return None
    hints = node.get("hints")
    declared = {HINTS[key]: value.value for key, value in (hints.items() if hints is not None else ()) if key in HINTS}
    derived = _derived_hints(node, unit, context)
    return McpTool(
        name=name,
        flow=flow,
        title=node.get_text("label", "display"),
        description=flow.description,
        hints={**derived, **{key: value for key, value in declared.items() if isinstance(value, bool)}},
        at=node.location,
    )


def _derived_hints(node: Node, unit: Unit, context: ExposesContext) -> Mapping[str, bool]:
    """An aggregate's declared semantics as hints; hints that the tool declares win over them."""
    ref = node.get("ref")
    aggregate = context.flows.aggregates.get(ref.text) if ref is not None else None
    semantics = aggregate.node.get("semantics") if aggregate is not None else None
    if semantics is None:
        return {}
    found: dict[str, bool] = {}
    safe, idempotent = semantics.get_bool("safe"), semantics.get_bool("idempotent")
    if safe is not None:
        found["readOnlyHint"] = safe
        found["destructiveHint"] = not safe
    if idempotent is not None:
        found["idempotentHint"] = idempotent
    return found


def _resource(name: str, node: Node, unit: Unit, context: ExposesContext, problems: Problems) -> McpResource | None:
    uri = node.get_text("uri")
    if not uri:
        problems.error("E-RESOURCE-URI", f"resource {name!r} has no `uri`", node, "add `uri: scheme://...`")
        return None
    directory, flow = "", None
    location = node.get("location")
    if location is not None:
        path = locate(location, context.directory, problems)
        if path is None:
            return None
        directory = str(path)
        if not path.is_dir():
            problems.warn(
                "W-LOCATION-MISSING", f"directory {location.text!r} does not exist; it is listed empty", location, "create it"
            )
    else:
        flow = compile_flow(unit, context.flows, problems)
    return McpResource(
        name=name, uri=uri, title=node.get_text("label", "display", default=name), description=node.get_text("description"),
        mime_type=node.get_text("mimeType"), flow=flow, directory=directory, binary=node.get_bool("binary") is True,
        at=node.location,
    )  # fmt: skip


def _prompt(name: str, node: Node, context: ExposesContext, problems: Problems) -> McpPrompt | None:
    location = node.get("location")
    messages: list[tuple[str, str]] = []
    if location is not None:
        path = locate(location, context.directory, problems)
        text = read_text_file(path) if path is not None else None
        if path is not None and text is None:
            what = f"prompt file {location.text!r} cannot be read"
            problems.error("E-PROMPT-FILE", what, location, f"looked for {path.name}, a text file of at most 1 MiB")
        if text is None:
            return None
        messages.append(("user", text))
    template = node.get("template")
    for message in template.elements() if template is not None else ():
        role = message.get_text("role", default="user")
        messages.append((role if role in ("user", "assistant") else "user", message.get_text("content")))
    if not messages:
        problems.error("E-PROMPT", f"prompt {name!r} has neither `template` nor `location`", node, "add one of them")
        return None
    arguments = tuple(
        PromptArgument(
            name=key,
            title=item.get_text("label", "display"),
            description=item.get_text("description"),
            required=item.get_bool("required") is not False,
        )
        for key, item in node.named("arguments")
        if key
    )
    return McpPrompt(
        name=name, title=node.get_text("label", "display"), description=node.get_text("description"), arguments=arguments,
        messages=tuple(messages), at=node.location,
    )  # fmt: skip


# ---- control


@EXPOSURE_TYPES.register("control")
def _control(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> ControlExposure:
    observability = node.get("observability")
    return ControlExposure(
        **common, management=node.get("management"), observability=observability,
        collector=_collector(observability, context, problems),
    )  # fmt: skip


def _collector(observability: Node | None, context: ExposesContext, problems: Problems) -> Template | None:
    """``exporters.otlp.endpoint``; a template over binds."""
    exporters = observability.get("exporters") if observability is not None else None
    otlp = exporters.get("otlp") if exporters is not None else None
    endpoint = otlp.get("endpoint") if otlp is not None else None
    if endpoint is None or not endpoint.text.strip():
        return None
    try:
        return compile_template(endpoint.text, context.flows.names, at=endpoint)
    except SpecError as error:
        problems.add(error)
        return None


@EXPOSURE_TYPES.register("skill", "agent-skill")
def _skill(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> SkillExposure:
    from naftiko_run.exposes.skill_compile import compile_skills

    return SkillExposure(**common, skills=compile_skills(node, common["namespace"], context, problems))
