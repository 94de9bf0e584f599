"""A draft in, the data of a capability document out: what is consumed, and the REST and MCP adapters over all of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from naftiko_run.authoring.importers.draft import Draft, DraftInput, DraftOperation
from naftiko_run.authoring.importers.naming import kebab, unique
from naftiko_run.records import record

VERSION = "1.0.0-beta5"
_SINGLE = re.compile(r"\{([^{}]+)\}")


@record
class Layout:
    """``by`` is what resources are named and ordered by: ``path`` or ``tag``."""

    rest_port: int = 8080
    mcp_port: int = 9090
    by: str = "path"


def consumes_document(draft: Draft, layout: Layout) -> dict[str, object]:
    """A shared document that others import: typed, because nothing else in it could say what an input is."""
    return {"ikanos": VERSION, **_binds(draft), "consumes": [_consumer(draft, layout, typed=True)]}


def capability_document(draft: Draft, layout: Layout) -> dict[str, object]:
    """A whole capability."""
    today = date.today().isoformat()
    info: dict[str, object] = {"display": draft.title, "description": draft.description or draft.title}
    if draft.version:
        info["version"] = draft.version
    if draft.tags:
        info["tags"] = list(draft.tags)
    info["created"] = info["modified"] = today
    return {
        "ikanos": VERSION,
        "info": info,
        **_binds(draft),
        "capability": {
            "consumes": [_consumer(draft, layout, typed=False)],
            "exposes": [_rest(draft, layout), _mcp(draft, layout)],
        },
    }


def _binds(draft: Draft) -> dict[str, object]:
    if not draft.variables:
        return {}
    return {"binds": [{"namespace": "env", "keys": {name: name for name in draft.variables}}]}


# ---- resources


def _grouped(draft: Draft, layout: Layout) -> list[tuple[str, str, list[DraftOperation]]]:
    """(name, path, operations) in document order, or by tag."""
    groups: dict[tuple[str, str], list[DraftOperation]] = {}
    for operation in draft.operations:
        tag = kebab(operation.tags[0]) if layout.by == "tag" and operation.tags else ""
        groups.setdefault((tag, operation.path), []).append(operation)
    ordered = sorted(groups.items(), key=lambda one: one[0][0]) if layout.by == "tag" else list(groups.items())
    taken: set[str] = set()
    found = []
    for (tag, path), operations in ordered:
        name = unique(kebab(f"{tag} {path}", "root"), taken)
        taken.add(name)
        found.append((name, path, operations))
    return found


def _consumer(draft: Draft, layout: Layout, *, typed: bool) -> dict[str, object]:
    entry: dict[str, object] = {"type": "http", "namespace": draft.namespace}
    if draft.description:
        entry["description"] = draft.description
    entry["baseUri"] = draft.base_uri
    if draft.authentication is not None:
        entry["authentication"] = dict(draft.authentication)
    if draft.fixed:
        entry["inputParameters"] = {one.wire: {"in": one.place, "value": one.value} for one in draft.fixed}
    entry["resources"] = {
        name: {
            "path": _SINGLE.sub(r"{{\1}}", path),
            "operations": {one.name: _consumed(one, typed=typed) for one in operations},
        }
        for name, path, operations in _grouped(draft, layout)
    }
    return entry


def _consumed(operation: DraftOperation, *, typed: bool) -> dict[str, object]:
    found: dict[str, object] = {"method": operation.method}
    if operation.title:
        found["display"] = operation.title
    if operation.description:
        found["description"] = operation.description
    if operation.inputs:
        found["inputParameters"] = _consumed_inputs(operation.inputs, typed=typed)
    if operation.body is not None:
        found["body"] = operation.body
    if operation.raw_format:
        found["outputRawFormat"] = operation.raw_format
    if operation.outputs:
        found["outputParameters"] = dict(operation.outputs)
    return found


def _consumed_inputs(inputs: list[DraftInput], *, typed: bool) -> object:
    """A map by wire name; a list where one name stands in two places. What fills the body is named as its template names it."""

    def entry(one: DraftInput) -> dict[str, object]:
        found: dict[str, object] = {"in": one.place}
        if one.value:
            found["value"] = one.value
        return {**found, **(_typed(one, required=True) if typed and not one.value else {})}

    names = [one.name if one.place == "body" else one.wire for one in inputs]
    if len(set(names)) == len(names):
        return {name: entry(one) for name, one in zip(names, inputs, strict=True)}
    return [{"name": name, **entry(one)} for name, one in zip(names, inputs, strict=True)]


def _typed(one: DraftInput, *, required: bool) -> dict[str, object]:
    found: dict[str, object] = {"type": one.type, "description": one.description or one.wire}
    if one.required and required:
        found["required"] = True
    said = {"default": one.default, "minimum": one.minimum, "maximum": one.maximum}
    found.update({key: value for key, value in said.items() if value is not None})
    if one.enum:
        found["enum"] = list(one.enum)
    return found


# ---- adapters


def _rest(draft: Draft, layout: Layout) -> dict[str, object]:
    resources = {
        name: {
            "path": path.partition("?")[0],
            "description": f"{draft.title}: {path}",
            "operations": {one.name: _exposed(one, draft) for one in operations},
        }
        for name, path, operations in _grouped(draft, layout)
    }
    return {"type": "rest", "namespace": f"{draft.namespace}-rest", "port": layout.rest_port, "resources": resources}


def _exposed(operation: DraftOperation, draft: Draft) -> dict[str, object]:
    found: dict[str, object] = {"method": operation.method, "description": operation.description}
    inputs = _asked(operation.inputs)
    if inputs:
        found["inputParameters"] = {
            one.name: {"in": one.place, **_typed(one, required=one.place != "path")} for one in inputs
        }  # fmt: skip
    found["call"] = f"{draft.namespace}.{operation.name}"
    return found


def _mcp(draft: Draft, layout: Layout) -> dict[str, object]:
    tools = {one.name: _tool(one, draft) for one in draft.operations}
    return {
        "type": "mcp", "namespace": f"{draft.namespace}-mcp", "port": layout.mcp_port, "transport": "http",
        "description": draft.description or draft.title, "tools": tools,
    }  # fmt: skip


def _tool(operation: DraftOperation, draft: Draft) -> dict[str, object]:
    found: dict[str, object] = {}
    if operation.title:
        found["display"] = operation.title
    found["description"] = operation.description
    found["hints"] = hints_of(operation.method)
    inputs = _asked(operation.inputs)
    if inputs:
        # The language takes a tool's input for required where it says nothing.
        found["inputParameters"] = {one.name: {**_typed(one, required=False), "required": one.required} for one in inputs}
    found["call"] = f"{draft.namespace}.{operation.name}"
    return found


def _asked(inputs: Iterable[DraftInput]) -> list[DraftInput]:
    return [one for one in inputs if not one.value]


def hints_of(method: str) -> dict[str, bool]:
    """What a method says of its effect (RFC 9110, 9.2); whether a POST or PATCH destroys something, it does not say."""
    if method == "GET":
        return {"readOnly": True, "destructive": False, "idempotent": True}
    if method in ("PUT", "DELETE"):
        return {"readOnly": False, "destructive": True, "idempotent": True}
    return {"readOnly": False, "idempotent": False}
