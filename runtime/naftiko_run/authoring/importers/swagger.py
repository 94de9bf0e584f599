"""A Swagger 2.0 document in, the same API in the form of OpenAPI 3 out; one importer then reads both."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from naftiko_run.authoring.importers.references import JsonObject, as_list, as_map, text_of

_SCHEMA_KEYS = ("type", "format", "items", "enum", "default", "minimum", "maximum", "pattern")
_FLOWS = {"application": "clientCredentials", "accessCode": "authorizationCode"}
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"


def modernise(document: JsonObject) -> dict[str, object]:
    """The document as OpenAPI 3.0."""
    text = json.dumps(document).replace('"#/definitions/', '"#/components/schemas/')
    source = as_map(json.loads(text.replace('"#/responses/', '"#/components/responses/')))
    shared = as_map(source.get("parameters"))
    paths = {path: _item(as_map(item), source, shared) for path, item in as_map(source.get("paths")).items()}
    return {
        "openapi": "3.0.3", "info": source.get("info", {}), "servers": _servers(source), "paths": paths,
        "security": source.get("security", []), "tags": source.get("tags", []),
        "components": {
            "schemas": source.get("definitions", {}),
            "responses": {name: _response(as_map(one), source) for name, one in as_map(source.get("responses")).items()},
            "securitySchemes": {
                name: _scheme(as_map(one)) for name, one in as_map(source.get("securityDefinitions")).items()
            },
        },
    }  # fmt: skip


def _servers(source: JsonObject) -> list[dict[str, object]]:
    host, base = text_of(source.get("host")), text_of(source.get("basePath")).rstrip("/")
    schemes = [one for one in as_list(source.get("schemes")) if one in ("https", "http")] or ["https"]
    if not host:
        return [{"url": base}] if base else []
    return [{"url": f"{scheme}://{host}{base}"} for scheme in sorted(map(str, schemes), reverse=True)]


def _item(item: JsonObject, source: JsonObject, shared: JsonObject) -> dict[str, object]:
    own = [_followed(one, shared) for one in as_list(item.get("parameters"))]
    found: dict[str, object] = {"parameters": [_parameter(one) for one in own if one.get("in") not in ("body", "formData")]}
    above = [one for one in own if one.get("in") in ("body", "formData")]
    for method, operation in item.items():
        if isinstance(operation, dict):
            found[method] = _operation(operation, above, source, shared)
    return found


def _followed(one: object, shared: JsonObject) -> JsonObject:
    pointer = text_of(as_map(one).get("$ref"))
    return as_map(shared.get(pointer.rpartition("/")[2])) if pointer.startswith("#/parameters/") else as_map(one)


def _operation(operation: JsonObject, above: list[JsonObject], source: JsonObject, shared: JsonObject) -> dict[str, object]:
    parameters = [*above, *(_followed(one, shared) for one in as_list(operation.get("parameters")))]
    consumes = [str(one) for one in as_list(operation.get("consumes") or source.get("consumes"))]
    found = {key: value for key, value in operation.items() if key not in ("consumes", "produces", "parameters", "responses")}
    found["parameters"] = [_parameter(one) for one in parameters if one.get("in") not in ("body", "formData")]
    body = _body(parameters, consumes)
    if body:
        found["requestBody"] = body
    scoped = {**source, "produces": operation.get("produces") or source.get("produces")}
    found["responses"] = {status: _response(as_map(one), scoped) for status, one in as_map(operation.get("responses")).items()}
    return found


def _parameter(one: JsonObject) -> dict[str, object]:
    kept = {key: value for key, value in one.items() if key not in _SCHEMA_KEYS}
    return {**kept, "schema": {key: one[key] for key in _SCHEMA_KEYS if key in one}}


def _body(parameters: list[JsonObject], consumes: list[str]) -> dict[str, object]:
    for one in parameters:
        if one.get("in") == "body":
            media = next((m for m in consumes if "json" in m), consumes[0] if consumes else "application/json")
            return {"description": one.get("description", ""), "required": one.get("required") is True,
                    "content": {media: {"schema": one.get("schema", {})}}}  # fmt: skip
    fields = [one for one in parameters if one.get("in") == "formData"]
    if not fields:
        return {}
    files = any(one.get("type") == "file" for one in fields)
    media = _MULTIPART if files or (_MULTIPART in consumes and _FORM not in consumes) else _FORM
    schema = {
        "type": "object", "properties": dict(_properties(fields)),
        "required": [one["name"] for one in fields if one.get("required") is True],
    }  # fmt: skip
    return {"required": bool(schema["required"]), "content": {media: {"schema": schema}}}


def _properties(fields: list[JsonObject]) -> Iterator[tuple[str, dict[str, object]]]:
    for one in fields:
        schema: dict[str, object] = {key: one[key] for key in (*_SCHEMA_KEYS, "description") if key in one}
        if schema.get("type") == "file":
            schema.update(type="string", format="binary")
        yield text_of(one.get("name")), schema


def _response(one: JsonObject, source: JsonObject) -> dict[str, object]:
    if "$ref" in one:
        return dict(one)
    produces = [str(media) for media in as_list(source.get("produces"))] or ["application/json"]
    found: dict[str, object] = {"description": one.get("description", "")}
    if "schema" in one:
        found["content"] = {media: {"schema": one["schema"]} for media in produces}
    return found


def _scheme(one: JsonObject) -> Mapping[str, object]:
    kind = one.get("type")
    if kind == "basic":
        return {"type": "http", "scheme": "basic"}
    if kind == "oauth2":
        flow = text_of(one.get("flow"))
        return {
            "type": "oauth2",
            "flows": {_FLOWS.get(flow, flow): {"tokenUrl": one.get("tokenUrl"), "scopes": one.get("scopes")}},
        }
    return one
