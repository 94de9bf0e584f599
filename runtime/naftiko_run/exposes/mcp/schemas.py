"""The schemas of a tool: its inputs and, where that is certain, its output, in the JSON Schema that every client accepts.

One schema a client dislikes can hide all tools of a server from it. So: no boolean subschemas, no ``$schema``, no unions at the
root, ``properties`` always there, ``items`` wherever there is an array.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from naftiko_run.exposes.exposure import McpTool
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter

Schema = dict[str, object]

_TYPES = frozenset(("string", "integer", "number", "boolean", "array", "object"))
# Written alike in RE2 and ECMA-262; any other pattern would make a client refuse the tool, and is checked by us anyway.
_PORTABLE = re.compile(r"(?!.*(\(\?(?!:)|\\[AzZQECapP]|\[\[:|[*+?}]\+))[\x20-\x7e]*")
_HINTS = {
    "readOnly": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "openWorld": "openWorldHint",
}


def input_schema(flow: Flow) -> Schema:
    """What a caller may send. Inputs that the document fixes are not asked for."""
    asked = [one for one in flow.inputs if one.constant is None]
    schema: Schema = {"type": "object", "properties": {one.published: property_schema(one) for one in asked}}
    required = [one.published for one in asked if one.required and one.default is None]
    if required:
        schema["required"] = required
    if not asked:
        schema["additionalProperties"] = False
    return schema


def property_schema(one: InputParameter) -> Schema:
    """The schema of one input."""
    schema: Schema = {}
    if one.type == "file":
        schema.update(type="string", contentEncoding="base64")
    elif one.type in _TYPES and all(_is_a(value, one.type) for value in one.enum):
        schema["type"] = one.type
    if one.type == "array":
        schema["items"] = {}
    if one.description:
        schema["description"] = one.description
    if one.enum:
        schema["enum"] = list(one.enum)
    if one.pattern and one.type == "string" and _PORTABLE.fullmatch(one.pattern):
        schema["pattern"] = one.pattern
    if one.minimum is not None:
        schema["minimum"] = one.minimum
    if one.maximum is not None:
        schema["maximum"] = one.maximum
    if one.default is not None:
        schema["default"] = one.default
    return schema


def _is_a(value: object, type_name: str) -> bool:
    if type_name in ("integer", "number"):
        return isinstance(value, int if type_name == "integer" else (int, float)) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool, "array": list, "object": dict}[type_name])


def output_schema(flow: Flow) -> Schema | None:
    """What every success returns, or ``None`` where the document does not fix it: an object with known properties, or nothing.

    Clients refuse answers that do not match. A mapped value is null where the upstream had nothing for it, so every typed place
    below the root may be null.
    """
    describe = getattr(flow.shape, "json_schema", None)
    schema = describe() if callable(describe) else None
    if not isinstance(schema, dict) or schema.get("type") != "object" or not schema.get("properties"):
        return None
    return below(schema)


def below(schema: Schema) -> Schema:
    """The schema with every typed place below its root allowed to be null."""
    found = dict(schema)
    properties = schema.get("properties")
    if isinstance(properties, dict):
        found["properties"] = {name: nullable(one) for name, one in properties.items()}
    for key in ("items", "additionalProperties"):
        if isinstance(inner := schema.get(key), dict):
            found[key] = nullable(inner)
    return found


def nullable(schema: Schema) -> Schema:
    if "type" not in schema or (schema["type"] == "object" and not schema.keys() & {"properties", "additionalProperties"}):
        # Passed through as the upstream sent it: whatever the author called it, it may be anything.
        return {key: value for key, value in schema.items() if key == "description"}
    return {"anyOf": [below(schema), {"type": "null"}]}


def tool_annotations(tool: McpTool) -> Schema:
    """The declared hints; those not declared follow from what the operation's HTTP method says. Nothing is guessed."""
    known: Schema = {"title": tool.title} if tool.title else {}
    semantics = tool.flow.semantics
    if semantics.safe is not None:
        known["readOnlyHint"] = semantics.safe
    if semantics.safe:
        known["destructiveHint"] = False
    if semantics.idempotent is not None:
        known["idempotentHint"] = semantics.idempotent
    return {**known, **_declared(tool.hints)}


def _declared(hints: Mapping[str, bool]) -> Schema:
    return {_HINTS.get(name, name): value for name, value in hints.items() if isinstance(value, bool)}


def tool_schema(tool: McpTool, name: str) -> Schema:
    """The tool as ``tools/list`` shows it."""
    shown: Schema = {"name": name}
    if tool.title:
        shown["title"] = tool.title
    description = tool.description or tool.flow.description
    if description:
        shown["description"] = description
    shown["inputSchema"] = input_schema(tool.flow)
    output = output_schema(tool.flow)
    if output is not None:
        shown["outputSchema"] = output
    hints = tool_annotations(tool)
    if hints:
        shown["annotations"] = hints
    return shown
