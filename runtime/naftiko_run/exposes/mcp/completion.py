"""``completion/complete``: values for a place of a resource template, or of a prompt, as far as the document lists them."""

from __future__ import annotations

from naftiko_run.exposes.mcp.catalog import Catalog
from naftiko_run.exposes.mcp.protocol import INVALID_PARAMS, RpcError
from naftiko_run.exposes.mcp.templates import variables
from naftiko_run.expressions.names import fold
from naftiko_run.values import dump_json

_MOST = 100


def complete(catalog: Catalog, params: dict[str, object]) -> bytes:
    """The member ``completion``: known values that begin with what was typed; none where none are known."""
    reference, argument = params.get("ref"), params.get("argument")
    if not isinstance(reference, dict) or not isinstance(argument, dict):
        raise RpcError(INVALID_PARAMS, "ref and argument must be objects")
    name, typed = argument.get("name"), argument.get("value")
    if not isinstance(name, str) or not isinstance(typed, str):
        raise RpcError(INVALID_PARAMS, "argument needs name and value as text")
    known = _known(catalog, reference, name)
    found = [value for value in known if value.casefold().startswith(typed.casefold())]
    answer = {"values": found[:_MOST], "total": len(found), "hasMore": len(found) > _MOST}
    return b'"completion":' + dump_json(answer)


def _known(catalog: Catalog, reference: dict[str, object], name: str) -> list[str]:
    kind = reference.get("type")
    if kind == "ref/prompt":
        prompt = reference.get("name")
        if not isinstance(prompt, str) or prompt not in catalog.prompts:
            raise RpcError(INVALID_PARAMS, f"unknown prompt {str(prompt)[:100]!r}")
        return []
    if kind == "ref/resource":
        return _template_values(catalog, reference.get("uri"), name)
    raise RpcError(INVALID_PARAMS, "ref.type must be ref/prompt or ref/resource")


def _template_values(catalog: Catalog, uri: object, name: str) -> list[str]:
    entry = next((entry for entry in catalog.resources if entry.resource.uri == uri), None)
    if entry is None:
        raise RpcError(INVALID_PARAMS, f"unknown resource template {str(uri)[:100]!r}")
    flow = entry.resource.flow
    if flow is None or name not in variables(entry.resource.uri):
        return []
    asked = next((one for one in flow.inputs if name in (one.name, one.published) or fold(one.name) == fold(name)), None)
    return [] if asked is None else [str(value) for value in asked.enum]
