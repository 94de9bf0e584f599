"""What REST exposures serve, as an OpenAPI 3.1 document: exposures in, plain data out. Pure; nothing is read, nothing is live.

Several exposures, of several files, become one document, as their routes are merged on a port: of two operations that say the
same the first stands, and paths that differ in the names of their variables only are one path. The document promises what is
certain: a mapped value may be null, an untouched answer is whatever the upstream sends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from naftiko_run.exposes.exposure import Exposure, ForwardRoute, RestExposure, RestRoute
from naftiko_run.exposes.mcp.schemas import below, nullable, property_schema
from naftiko_run.exposes.openapi_security import security_scheme
from naftiko_run.expressions.names import fold
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.steps import CallStep
from naftiko_run.records import field, record

Plain = dict[str, object]

METHODS = frozenset(("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"))
_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]+)\}")
_IGNORED_HEADERS = frozenset(("accept", "content-type", "authorization"))  # OpenAPI says: not as parameters
_MEDIA = {
    "json": "application/json", "xml": "application/xml", "csv": "text/csv", "tsv": "text/tab-separated-values",
    "html": "text/html", "markdown": "text/markdown", "yaml": "application/yaml", "text": "text/plain",
}  # fmt: skip
_PROBLEM: Plain = {
    "description": "What went wrong (RFC 9457).",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_PROBLEM_SCHEMA: Plain = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"}, "detail": {"type": "string"},
        "requestId": {"type": "string"},
    },
}  # fmt: skip


def build_openapi(exposures: Sequence[Exposure], *, title: str = "", version: str = "", server: str = "") -> Plain:
    """The document of all REST exposures among ``exposures``; title and version are the capability's where not given."""
    rest = [one for one in exposures if isinstance(one, RestExposure)]
    document = _Document()
    for exposure in rest:
        document.add(exposure)
    labels = list(dict.fromkeys(one.label for one in rest if one.label))
    info: Plain = {
        "title": title or ", ".join(labels) or "REST adapter",
        "version": version or next((one.version for one in rest if one.version), "") or "1.0.0",
    }
    described = "\n\n".join(dict.fromkeys(one.description for one in rest if one.description))
    if described:
        info["description"] = described
    built: Plain = {"openapi": "3.1.0", "info": info}
    if server:
        built["servers"] = [{"url": server}]
    components: Plain = {"schemas": {"Problem": _PROBLEM_SCHEMA}, "responses": {"Problem": _PROBLEM}}
    if document.schemes:
        components["securitySchemes"] = document.schemes
    tags = [{"name": name} for name in document.tags]
    return {**built, "tags": tags, "paths": document.paths, "components": components}


@record(frozen=False, kw_only=False)
class _Document:
    """The parts that grow while exposures are added."""

    paths: dict[str, Plain] = field(default_factory=dict)
    schemes: dict[str, Plain] = field(default_factory=dict)
    tags: dict[str, None] = field(default_factory=dict)
    _spelled: dict[str, str] = field(default_factory=dict)  # shape of a path -> the path that stands for it
    _ids: set[str] = field(default_factory=set)

    def add(self, exposure: RestExposure) -> None:
        security = self._security(exposure)
        for route in exposure.routes:
            item, names = self._item(route.path)
            method = route.method.lower()
            if method in item or route.method not in METHODS:
                continue
            tags = route.tags or ((exposure.namespace,) if exposure.namespace else ())
            self.tags.update(dict.fromkeys(tags))
            operation = build_operation(route, names)
            operation["operationId"] = self._operation_id(route)
            if tags:
                operation["tags"] = list(tags)
            if security:
                operation["security"] = security
            item[method] = operation
        for forward in exposure.forwards:
            item, _ = self._item(forward.path)
            item.setdefault("description", _relays(forward))

    def _item(self, path: str) -> tuple[Plain, dict[str, str]]:
        """The path item, and how its document spells each variable of ``path``."""
        bare = path.partition("#")[0].partition("?")[0] or "/"
        own = [(m[1] or m[2]).strip() for m in _VARIABLE.finditer(bare)]
        shape = _VARIABLE.sub("{}", bare)
        written = iter([name.rstrip("+*") for name in own])
        spelled = self._spelled.setdefault(shape, re.sub(r"\{\}", lambda _: f"{{{next(written)}}}", shape))
        names = dict(zip((name.rstrip("+*") for name in own), _VARIABLE_NAME.findall(spelled), strict=True))
        return self.paths.setdefault(spelled, {}), names

    def _operation_id(self, route: RestRoute) -> str:
        base = route.flow.name or re.sub(r"[^A-Za-z0-9]+", "-", f"{route.method.lower()}{route.path}").strip("-")
        name, count = base, 2
        while name in self._ids:
            name, count = f"{base}-{count}", count + 1
        self._ids.add(name)
        return name

    def _security(self, exposure: RestExposure) -> list[Plain]:
        if exposure.authentication is None:
            return []
        scheme, scopes = security_scheme(exposure.authentication)
        name, count = exposure.authentication.kind, 2
        while self.schemes.get(name, scheme) != scheme:
            name, count = f"{exposure.authentication.kind}{count}", count + 1
        self.schemes[name] = scheme
        return [{name: scopes}]


_VARIABLE_NAME = re.compile(r"\{([^{}/]+)\}")


def _relays(forward: ForwardRoute) -> str:
    return f"Whatever no operation takes is relayed to {forward.namespace!r}."


# ---- one operation


def build_operation(route: RestRoute, names: Mapping[str, str]) -> Plain:
    """Parameters, body and answers of one route; ``names`` are its path variables as the document spells them."""
    flow = route.flow
    operation: Plain = {}
    if flow.description:
        operation["summary"] = flow.description.partition("\n")[0].strip()[:120]
        operation["description"] = flow.description
    if flow.unavailable is not None:
        operation["description"] = f"{flow.description}\n\nNot available: {flow.unavailable.message}".strip()
        operation["x-unavailable"] = flow.unavailable.code
    placed = [(one, _place(one, flow, names)) for one in flow.inputs if one.constant is None]
    parameters = sorted(_parameters(placed, names), key=lambda one: one["in"] != "path")
    if parameters:
        operation["parameters"] = parameters
    body = _request_body([(one, place) for one, (place, _) in placed])
    if body is not None:
        operation["requestBody"] = body
    operation["responses"] = _responses(route)
    return operation


def _place(one: InputParameter, flow: Flow, names: Mapping[str, str]) -> tuple[str, str]:
    """Where the document says an input goes: the first place it is looked for, except that a field upstream is one here."""
    if one.json_path:
        return "json-body", one.json_path
    in_path = next((s.key for s in one.sources if s.place == "path" and s.key in names), "")
    if in_path:
        return "path", in_path
    places = {source.place: source.key for source in one.sources if source.place != "path"}
    if not places:
        return "", ""
    if "body" in places and "query" in places and _consumed_place(flow, one.name) == "body":
        return "body", places["body"]
    place = next(iter(places))
    return place, places[place]


def _consumed_place(flow: Flow, name: str) -> str:
    folded = fold(name)
    operations = (step.operation for step in flow.steps if isinstance(step, CallStep))
    return next((p.place for operation in operations for p in operation.parameters if fold(p.key) == folded), "")


def _parameters(placed: Iterable[tuple[InputParameter, tuple[str, str]]], names: Mapping[str, str]) -> Iterator[Plain]:
    seen: set[tuple[str, str]] = set()
    for one, (place, key) in placed:
        name = names[key] if place == "path" else key
        known = (place, name.lower() if place == "header" else name)
        if place not in ("path", "query", "header", "cookie") or known in seen:
            continue
        if place == "header" and name.lower() in _IGNORED_HEADERS:
            continue
        seen.add(known)
        yield _parameter(one, place, name)
    for name in names.values():
        if ("path", name) not in seen:
            yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _parameter(one: InputParameter, place: str, name: str) -> Plain:
    schema = property_schema(one)
    found: Plain = {"name": name, "in": place}
    description = schema.pop("description", "")
    if description:
        found["description"] = description
    if place == "path" or (one.required and one.default is None):
        found["required"] = True
    if one.type == "object" and place != "path":
        return {**found, "content": {"application/json": {"schema": schema}}}
    return {**found, "schema": schema}


def _request_body(placed: Sequence[tuple[InputParameter, str]]) -> Plain | None:
    whole = [one for one, place in placed if place == "whole-body"]
    fields = [one for one, place in placed if place == "body"]
    if whole and not fields:
        one = whole[0]
        media = "text/plain" if one.type == "string" and one.name != "body" else "application/json"
        schema = property_schema(one) if one.type in ("object", "array") else {}
        described: Plain = {"description": one.description} if one.description else {}
        return {**described, "required": one.required, "content": {media: {"schema": schema}}}
    if not fields and not any(place == "json-body" for _, place in placed):
        return None
    required = [_field(one) for one in fields if one.required and one.default is None]
    properties = {_field(one): property_schema(one) for one in fields}
    schema = {"type": "object", "properties": properties, **({"required": required} if required else {})}
    asked = bool(required) or any(place == "json-body" and one.required for one, place in placed)
    return {"required": asked, "content": {"application/json": {"schema": schema}}}


def _field(one: InputParameter) -> str:
    return next((source.key for source in one.sources if source.place == "body"), one.name)


# ---- answers


def _responses(route: RestRoute) -> Plain:
    problem: Plain = {"$ref": "#/components/responses/Problem"}
    declared = {str(status): _declared(answer) for status, answer in route.responses.items()}
    if not any(status[:1] == "2" for status in declared):
        declared["2XX" if route.flow.steps else "200"] = _success(route.flow)
    return {**declared, "4XX": problem, "5XX": problem} if declared else {"default": problem}


def _declared(answer: object) -> Plain:
    """A response as the author wrote it; what a media type holds is ``binary: true`` or a ``schema``."""
    written = answer if isinstance(answer, dict) else {}
    found: Plain = {"description": str(written.get("description") or "As declared.")}
    content = written.get("content")
    if isinstance(content, dict):
        found["content"] = {str(media): _media(entry) for media, entry in content.items()}
    return found


def _media(entry: object) -> Plain:
    written = entry if isinstance(entry, dict) else {}
    if written.get("binary"):
        return {"schema": {"type": "string", "format": "binary"}}
    schema = written.get("schema")
    return {"schema": schema if isinstance(schema, dict) else {}}


def _success(flow: Flow) -> Plain:
    last = next((step.operation for step in reversed(flow.steps) if isinstance(step, CallStep)), None)
    if flow.shape is not None and not (last is not None and last.decoder.binary):
        return {"description": "The answer.", "content": {"application/json": {"schema": _mapped(flow)}}}
    if last is None:
        return {"description": "The answer.", "content": {"application/json": {"schema": {}}}}
    if last.decoder.binary:
        media = last.output_media_type or "application/octet-stream"
        return {"description": "The upstream's bytes.", "content": {media: {"schema": {"type": "string", "format": "binary"}}}}
    media = last.output_media_type or _MEDIA.get(last.decoder.name, "*/*")
    return {"description": "The upstream's answer, untouched.", "content": {media: {"schema": {}}}}


def _mapped(flow: Flow) -> Plain:
    """The schema of a mapped answer. Whatever the upstream had nothing for is null, except an object that is built here."""
    schema = flow.shape.json_schema() if flow.shape is not None else None
    if not schema:
        return {}
    return below(schema) if schema.get("type") == "object" and schema.get("properties") else nullable(schema)
