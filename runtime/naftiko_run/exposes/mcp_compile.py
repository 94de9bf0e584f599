"""``type: mcp``: tools and resources become flows under a name, prompts become messages to fill in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool, PromptArgument
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES, ExposesContext, binary_limit_of, calls_of
from naftiko_run.exposes.locations import locate, read_text_file
from naftiko_run.exposes.mcp.names import check_names
from naftiko_run.exposes.mcp.texts import check_texts
from naftiko_run.flows.compile import Unit, compile_flow

HINTS = {
    "readOnly": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "openWorld": "openWorldHint",
}


@EXPOSURE_TYPES.register("mcp")
def _mcp(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> McpExposure:
    counter = context.flows.index.uses(calls_of(tool for _, tool in node.named("tools")))
    own, limit = common["namespace"], binary_limit_of(node, problems)
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
    derived = _derived_hints(node, context)
    return McpTool(
        name=name,
        flow=flow,
        title=node.get_text("label", "display"),
        description=flow.description,
        hints={**derived, **{key: value for key, value in declared.items() if isinstance(value, bool)}},
        at=flow.at,
    )


def _derived_hints(node: Node, context: ExposesContext) -> Mapping[str, bool]:
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
