"""An OpenAPI 3.0, 3.1 or Swagger 2.0 document becomes a draft: every operation with its inputs, body, answer and credential."""

from __future__ import annotations

import re
from collections.abc import Iterator

from naftiko_run.authoring.importers.bodies import body_of, describe, is_json
from naftiko_run.authoring.importers.draft import IMPORTERS, METHODS, Draft, DraftInput, DraftOperation, ImportOptions
from naftiko_run.authoring.importers.naming import input_name, kebab, prose, unique
from naftiko_run.authoring.importers.references import JsonObject, References, as_list, as_map, text_of, type_of
from naftiko_run.authoring.importers.security import HTTP_METHODS, add_security
from naftiko_run.authoring.importers.servers import base_uri_of, server_url
from naftiko_run.authoring.importers.source import parse
from naftiko_run.authoring.importers.swagger import modernise
from naftiko_run.errors import DocumentError, Problems

UNKNOWN = "unknown-api"
_PATH_VARIABLE = re.compile(r"\{([^{}]+)\}")
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})  # OpenAPI says so itself
_FORMATS = {
    "application/xml": "xml", "text/xml": "xml", "text/csv": "csv", "application/yaml": "yaml", "application/x-yaml": "yaml",
    "text/yaml": "yaml", "text/html": "html", "text/markdown": "markdown", "text/tab-separated-values": "tsv",
}  # fmt: skip
_BINARY = ("image/", "audio/", "video/", "font/", "application/pdf", "application/zip", "application/octet-stream")


@IMPORTERS.register("openapi", "swagger")
def import_openapi(text: str, options: ImportOptions, problems: Problems) -> Draft:
    """Read an OpenAPI document."""
    document: JsonObject = parse(text, options.source, options.limits)
    if text_of(document.get("swagger")).startswith("2") or document.get("swagger") == 2:
        document = modernise(document)
    if not str(document.get("openapi", "")).startswith("3"):
        said = document.get("openapi") or document.get("swagger")
        message = f"{options.source!r} is no OpenAPI 3 or Swagger 2 document" + (f" (it says {said!r})" if said else "")
        raise DocumentError(message, code="E-IMPORT-OPENAPI", hint="it starts with `openapi: 3.x` or `swagger: '2.0'`")
    references = References(document, options.source, problems, options.limits.openapi_refs)
    draft = _head(document, options, references)
    add_security(draft, document, references)
    for path, value in as_map(document.get("paths")).items():
        item = references.resolve(value)
        for operation in _operations(path, item, draft, options, references):
            draft.operations.append(operation)
    if not draft.operations:
        raise DocumentError(
            f"{options.source!r} has no operation to import",
            code="E-IMPORT-EMPTY",
            hint="GET, POST, PUT, PATCH and DELETE are imported",
        )
    return draft


def _head(document: JsonObject, options: ImportOptions, references: References) -> Draft:
    info = as_map(document.get("info"))
    title = prose(info.get("title"), longest=120)
    namespace = kebab(options.namespace or title)
    if not namespace:
        references.warn(
            "W-IMPORT-TITLE", f"the document has no title; its namespace is {UNKNOWN!r}", "info.title", "--namespace NAME"
        )
        namespace = UNKNOWN
    return Draft(
        namespace=namespace, title=title or namespace, description=prose(info.get("description"), info.get("summary"), title),
        version=text_of(info.get("version")), base_uri=base_uri_of(document, options, references),
        tags=tuple(name for one in as_list(document.get("tags")) if (name := prose(as_map(one).get("name"), longest=60))),
    )  # fmt: skip


def _operations(
    path: str, item: JsonObject, draft: Draft, options: ImportOptions, references: References
) -> Iterator[DraftOperation]:
    shared = [references.resolve(one) for one in as_list(item.get("parameters"))]
    for method in HTTP_METHODS:
        value = item.get(method)
        if not isinstance(value, dict):
            continue
        place = f"paths.{path}.{method}"
        tags = tuple(str(one) for one in as_list(value.get("tags")))
        if options.tags and not options.tags & set(tags):
            continue
        if method.upper() not in METHODS:
            references.note("N-IMPORT-METHOD", f"{method.upper()} operations are left out", place)
            continue
        _look_at_servers([*as_list(item.get("servers")), *as_list(value.get("servers"))], draft, options, references, place)
        yield _operation(path, method.upper(), value, shared, draft, references)


def _look_at_servers(servers: list[object], draft: Draft, options: ImportOptions, references: References, place: str) -> None:
    urls = [url for one in servers if (url := server_url(as_map(one), options, references))]
    if urls and urls[0] != draft.base_uri:
        message = f"an operation has a server of its own, {urls[0]}; it is called at {draft.base_uri} all the same"
        references.warn("W-IMPORT-SERVER", message, place, "give it a consumes entry of its own")


def _operation(
    path: str, method: str, value: JsonObject, shared: list[JsonObject], draft: Draft, references: References
) -> DraftOperation:
    taken = {one.name for one in draft.operations}
    name = _name(text_of(value.get("operationId")), method, path)
    summary = prose(value.get("summary"), longest=120)
    if value.get("deprecated") is True:
        references.note("N-IMPORT-DEPRECATED", f"{method} {path} is deprecated", f"paths.{path}.{method.lower()}")
    operation = DraftOperation(
        name=unique(name[:60].rstrip("-"), taken), method=method, path=_path(path), title=summary,
        description=_description(value, summary) or f"{method} {path}", tags=tuple(map(str, as_list(value.get("tags")))),
    )  # fmt: skip
    _add_parameters(operation, shared, [references.resolve(one) for one in as_list(value.get("parameters"))], draft, references)
    request = references.resolve(value.get("requestBody"))
    names = {one.name for one in operation.inputs} | set(draft.variables)
    inputs, operation.body = body_of(request, references, names)
    operation.inputs += inputs
    _add_answer(operation, value, references)
    return operation


def _name(identifier: str, method: str, path: str) -> str:
    """The operation id; generators that add path and method to the function's name mean the function's name."""
    name, slug = kebab(identifier), kebab(f"{path} {method}")
    return name.removesuffix(f"-{slug}") or kebab(f"{method} {path}")


def _path(path: str) -> str:
    path = path if path.startswith("/") else f"/{path}"
    return path.partition("#")[0]


def _description(value: JsonObject, summary: str) -> str:
    text = prose(value.get("description"))
    return text if not summary or summary.rstrip(".").lower() in text.lower() else f"{summary}\n\n{text}".strip()


# ---- parameters


def _add_parameters(
    operation: DraftOperation, shared: list[JsonObject], own: list[JsonObject], draft: Draft, references: References
) -> None:
    """Those of the path item, replaced by the operation's own of the same name and place; then undeclared path variables."""
    found: dict[tuple[str, str], JsonObject] = {}
    for one in (*shared, *own):
        found[text_of(one.get("name")), text_of(one.get("in"))] = one
    for (wire, place), one in found.items():
        if _is_carried(wire, place, operation, draft, references):
            operation.inputs.append(_input(wire, place, one, {i.name for i in operation.inputs}, references))
    declared = {one.wire for one in operation.inputs if one.place == "path"}
    for wire in dict.fromkeys(_PATH_VARIABLE.findall(operation.path)):
        if wire not in declared:
            operation.inputs.append(DraftInput(name=input_name(wire), wire=wire, place="path", required=True, description=wire))


def _is_carried(wire: str, place: str, operation: DraftOperation, draft: Draft, references: References) -> bool:
    if not wire or place not in ("path", "query", "header", "cookie"):
        references.warn(
            "W-IMPORT-PARAMETER", f"a parameter in {place or 'no place'!r} of {operation.name} is left out", operation.path
        )
        return False
    if place == "header" and wire.lower() in _IGNORED_HEADERS:
        return False
    if place == "path" and f"{{{wire}}}" not in operation.path:
        message = f"path parameter {wire!r} of {operation.name} has no place in {operation.path} and is left out"
        references.warn("W-IMPORT-PARAMETER", message, operation.path)
        return False
    credential = draft.authentication.get("key") if draft.authentication is not None else None
    return not (wire == credential or any(one.wire == wire for one in draft.fixed))


def _input(wire: str, place: str, value: JsonObject, names: set[str], references: References) -> DraftInput:
    name = unique(wire, names, f"_{place}_") if wire in names else wire
    name = f"{wire}_{place}" if wire in names and f"{wire}_{place}" not in names else name
    one = DraftInput(name=name, wire=wire, place=place)
    schema = value.get("schema")
    content = list(as_map(value.get("content")).values())
    describe(one, references.schema(schema if schema is not None else as_map(content[0] if content else {}).get("schema")),
             value.get("description"))  # fmt: skip
    one.type = "string" if one.type == "object" and place != "query" else one.type
    one.required = value.get("required") is True or place == "path"
    return one


# ---- the answer


def _add_answer(operation: DraftOperation, value: JsonObject, references: References) -> None:
    """The raw format and the named outputs of the first successful response."""
    responses = as_map(value.get("responses"))
    status = next((one for one in sorted(responses) if one.startswith("2")), "default" if "default" in responses else "")
    content = as_map(references.resolve(responses.get(status)).get("content")) if status else {}
    media = next((one for one in content if is_json(one.partition(";")[0].lower())), next(iter(content), ""))
    kind = media.partition(";")[0].strip().lower()
    if kind.startswith(_BINARY):
        operation.raw_format = "binary"
        return
    if kind and not is_json(kind):
        operation.raw_format = _FORMATS.get(kind, "xml" if kind.endswith("+xml") else "")
        return
    schema = references.schema(as_map(content.get(media)).get("schema")) if media else {}
    operation.outputs = dict(_outputs(schema, references))


def _outputs(schema: JsonObject, references: References) -> Iterator[tuple[str, dict[str, object]]]:
    if type_of(schema) == "array":
        yield "result", {"type": "array", "value": "$"}
        return
    taken: set[str] = set()
    for wire, value in as_map(schema.get("properties")).items():
        prop = references.schema(value)
        if prop.get("writeOnly") is True:
            continue
        name = unique(input_name(wire), taken, "_")
        taken.add(name)
        kind = {"integer": "number", "": "object"}.get(type_of(prop), type_of(prop))
        quoted = wire.replace("\\", "\\\\").replace("'", "\\'")
        yield name, {"type": kind, "value": f"$.{wire}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", wire) else f"$['{quoted}']"}
