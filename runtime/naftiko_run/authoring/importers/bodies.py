"""A ``requestBody`` in, the inputs that fill it and the body template that sends them out."""

from __future__ import annotations

from collections.abc import Container, Iterator

from naftiko_run.authoring.importers.draft import DraftInput
from naftiko_run.authoring.importers.naming import input_name, prose, unique
from naftiko_run.authoring.importers.references import JsonObject, References, as_list, as_map, text_of, type_of

MOST_FIELDS = 40
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
Body = tuple[list[DraftInput], object]


def body_of(request: JsonObject, references: References, taken: Container[str]) -> Body:
    """Inputs and template for a request body; ``taken`` are names that parameters have already."""
    content = as_map(request.get("content"))
    media = _preferred(list(content))
    if not media:
        return [], None
    schema = references.schema(as_map(content[media]).get("schema"))
    needed = request.get("required") is True
    kind = media.partition(";")[0].strip().lower()
    fields = _fields(schema, references, taken, needed)
    if is_json(kind):
        if fields:
            return fields, {"type": "json", "data": {one.wire: tag(one) for one in fields}}
        return _whole(request, schema, taken, needed, "json")
    if kind == FORM and fields:
        return fields, {"type": "formUrlEncoded", "data": {one.wire: tag(one) for one in fields}}
    if kind == MULTIPART and fields:
        return fields, {"type": "multipartForm", "data": list(_parts(fields, schema, as_map(content[media]), references))}
    word = "xml" if kind.endswith(("/xml", "+xml")) else "text" if kind == "text/plain" else media
    return _whole(request, {**schema, "type": "string"}, taken, needed, word)


def is_json(media: str) -> bool:
    return media in ("application/json", "text/json", "*/*") or media.endswith("+json")


def tag(one: DraftInput) -> str:
    return f"{{{{{one.name}}}}}"


def _preferred(types: list[str]) -> str:
    for wanted in (is_json, FORM.__eq__, MULTIPART.__eq__):
        found = next((one for one in types if wanted(one.partition(";")[0].strip().lower())), "")
        if found:
            return found
    return types[0] if types else ""


def _whole(request: JsonObject, schema: JsonObject, taken: Container[str], needed: bool, word: str) -> Body:
    """One input that is the body."""
    kind = type_of(schema) or "object"
    description = prose(request.get("description"), schema.get("description")) or "The request body."
    name = unique("body", taken, "_")
    only = DraftInput(name=name, wire=name, place="body", type=kind, required=needed, description=description)
    return [only], {"type": word, "data": tag(only)}


def _fields(schema: JsonObject, references: References, taken: Container[str], needed: bool) -> list[DraftInput]:
    """One input for each property; none where the schema is not, or not only, an object of known properties."""
    properties = as_map(schema.get("properties"))
    if not properties or len(properties) > MOST_FIELDS or schema.get("oneOf") or schema.get("anyOf"):
        return []
    required = as_list(schema.get("required"))
    found: list[DraftInput] = []
    for wire, value in properties.items():
        prop = references.schema(value)
        if prop.get("readOnly") is True:
            continue
        names = {one.name for one in found}
        name = input_name(wire)
        name = f"{name}_body" if name in taken else name
        one = DraftInput(name=unique(name, names, "_"), wire=wire, place="body", required=needed and wire in required)
        describe(one, prop)
        found.append(one)
    return found


def describe(one: DraftInput, schema: JsonObject, description: object = "") -> None:
    """What a schema says of a value."""
    one.type = type_of(schema) or "object"
    one.description = prose(description, schema.get("description"), schema.get("title")) or one.wire
    one.enum = tuple(value for value in as_list(schema.get("enum")) if isinstance(value, (str, int, float)))
    default = schema.get("default")
    one.default = default if isinstance(default, (str, int, float, bool)) else None
    one.minimum, one.maximum = _number(schema, "minimum"), _number(schema, "maximum")


def _number(schema: JsonObject, key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _parts(
    fields: list[DraftInput], schema: JsonObject, media: JsonObject, references: References
) -> Iterator[dict[str, object]]:
    encoding = as_map(media.get("encoding"))
    for one in fields:
        part: dict[str, object] = {"name": one.wire, "value": tag(one)}
        prop = references.schema(as_map(schema.get("properties")).get(one.wire))
        if text_of(prop.get("format")) in ("binary", "base64") or "contentMediaType" in prop:
            part["filename"] = one.wire
            part["contentType"] = text_of(
                as_map(encoding.get(one.wire)).get("contentType"), "application/octet-stream"
            ).partition(",")[0]
        yield part
