"""A Postman collection (v2.0 or v2.1) becomes a draft: each request an operation, each folder a tag.

Saved credentials are never carried over: where the collection has one, a variable is named.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from naftiko_run.authoring.importers.bodies import tag
from naftiko_run.authoring.importers.draft import IMPORTERS, METHODS, Draft, DraftInput, DraftOperation, ImportOptions
from naftiko_run.authoring.importers.naming import input_name, kebab, prose, unique
from naftiko_run.authoring.importers.references import JsonObject, as_list, as_map, text_of
from naftiko_run.authoring.importers.security import variable
from naftiko_run.authoring.importers.servers import PLACEHOLDER
from naftiko_run.authoring.importers.source import parse
from naftiko_run.consumes.base_uri import split_base
from naftiko_run.errors import DocumentError, Location, Problems

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_COLON = re.compile(r"/:([A-Za-z_][A-Za-z0-9_-]*)")
_IGNORED = frozenset({"authorization", "content-type", "accept", "host", "content-length", "user-agent"})


@IMPORTERS.register("postman")
def import_postman(text: str, options: ImportOptions, problems: Problems) -> Draft:
    """Read a collection."""
    document = parse(text, options.source, options.limits)
    info = as_map(document.get("info"))
    if "item" not in document or not info:
        raise DocumentError(f"{options.source!r} is no Postman collection", code="E-IMPORT-POSTMAN", hint="export it as v2.1")
    title = prose(info.get("name"), longest=120) or "collection"
    values = {text_of(v.get("key")): text_of(v.get("value")) for v in map(as_map, as_list(document.get("variable")))}
    requests = [
        one
        for one in _requests(as_list(document["item"]), ())
        if text_of(as_map(one[2].get("request")).get("method"), "GET").upper() in METHODS
    ]
    if not requests:
        raise DocumentError(f"{options.source!r} has no request to import", code="E-IMPORT-EMPTY")
    draft = Draft(
        namespace=kebab(options.namespace or title, "collection"), title=title, base_uri="",
        description=prose(_described(info.get("description"))),
    )  # fmt: skip
    draft.base_uri = options.server.rstrip("/") or _base(requests, values, problems, options)
    draft.authentication = _authentication(as_map(document.get("auth")), draft)
    for folders, name, item in requests:
        if options.tags and not options.tags & set(folders):
            continue
        draft.operations.append(_operation(folders, name, item, draft, values))
    return draft


def _requests(items: object, folders: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str, JsonObject]]:
    for item in map(as_map, as_list(items)):
        name = text_of(item.get("name"))
        if "item" in item and len(folders) < 10:
            yield from _requests(item["item"], (*folders, name))
        elif isinstance(item.get("request"), dict):
            yield folders, name, item


def _described(value: object) -> object:
    return as_map(value).get("content") if isinstance(value, dict) else value


def _raw_url(item: JsonObject) -> str:
    url = as_map(item.get("request")).get("url")
    return text_of(as_map(url).get("raw")) if isinstance(url, dict) else text_of(url)


def _filled(text: str, values: Mapping[str, str]) -> str:
    for _ in range(3):
        text = _VARIABLE.sub(lambda match: values.get(match[1]) or match[0], text)
    return text


def _base(
    requests: list[tuple[tuple[str, ...], str, JsonObject]],
    values: Mapping[str, str],
    problems: Problems,
    options: ImportOptions,
) -> str:
    for _, _, item in requests:
        parts = urlsplit(_filled(_raw_url(item), values))
        base = f"{parts.scheme}://{parts.netloc}"
        if parts.scheme in ("http", "https") and "{" not in parts.netloc and split_base(base)[0] is not None:
            return base
    problems.warn("W-IMPORT-SERVER", "no request of the collection has a complete address",
                  Location(file=options.source, line=1, column=1), "name it with --server URL")  # fmt: skip
    return PLACEHOLDER


def _operation(
    folders: tuple[str, ...], name: str, item: JsonObject, draft: Draft, values: Mapping[str, str]
) -> DraftOperation:
    request = as_map(item.get("request"))
    url = _filled(_raw_url(item), values)
    after = url.partition("://")[2] if "://" in url else url
    path = "/" + after.partition("/")[2].partition("?")[0].partition("#")[0]
    path = _COLON.sub(r"/{\1}", _VARIABLE.sub(r"{\1}", path))
    method = text_of(request.get("method"), "GET").upper()
    taken = {one.name for one in draft.operations}
    operation = DraftOperation(
        name=unique(kebab(name or f"{method} {path}")[:60].rstrip("-"), taken), method=method, path=path,
        title=prose(name, longest=120), tags=folders[-1:],
        description=prose(_described(request.get("description")), name) or f"{method} {path}",
    )  # fmt: skip
    for wire in dict.fromkeys(re.findall(r"\{([^{}]+)\}", path)):
        operation.inputs.append(DraftInput(name=input_name(wire), wire=wire, place="path", required=True, description=wire))
    query = as_list(as_map(request.get("url")).get("query"))
    credential = draft.authentication.get("key") if draft.authentication else None
    for place, entries in (("query", query), ("header", as_list(request.get("header")))):
        for entry in map(as_map, entries):
            wire = text_of(entry.get("key"))
            if wire and wire != credential and not (place == "header" and wire.lower() in _IGNORED):
                _add(operation, wire, place, entry)
    _add_body(operation, as_map(request.get("body")))
    return operation


def _add(operation: DraftOperation, wire: str, place: str, entry: JsonObject) -> DraftInput:
    name = unique(wire if place != "body" else input_name(wire), {one.name for one in operation.inputs}, "_")
    one = DraftInput(name=name, wire=wire, place=place, description=prose(_described(entry.get("description")), wire))
    operation.inputs.append(one)
    return one


def _add_body(operation: DraftOperation, body: JsonObject) -> None:
    mode = text_of(body.get("mode"))
    fields = [entry for entry in map(as_map, as_list(body.get(mode))) if entry.get("key")]
    if mode == "urlencoded" and fields:
        data = {text_of(e["key"]): tag(_add(operation, text_of(e["key"]), "body", e)) for e in fields}
        operation.body = {"type": "formUrlEncoded", "data": data}
    elif mode == "formdata" and fields:
        operation.body = {"type": "multipartForm", "data": [_part(operation, e) for e in fields]}
    elif mode == "raw":
        _add_raw(operation, text_of(body.get("raw")))


def _part(operation: DraftOperation, entry: JsonObject) -> dict[str, object]:
    wire = text_of(entry["key"])
    part: dict[str, object] = {"name": wire, "value": tag(_add(operation, wire, "body", entry))}
    return {**part, "filename": wire, "contentType": "application/octet-stream"} if entry.get("type") == "file" else part


def _add_raw(operation: DraftOperation, raw: str) -> None:
    try:
        value = json.loads(_VARIABLE.sub("0", raw))
    except ValueError:
        value = None
    if isinstance(value, dict) and value:
        data = {}
        for wire, item in value.items():
            one = _add(operation, wire, "body", {})
            one.type = "object" if isinstance(item, dict) else "array" if isinstance(item, list) else "string"
            if isinstance(item, (bool, int, float)):
                one.type = "boolean" if isinstance(item, bool) else "number"
            data[wire] = tag(one)
        operation.body = {"type": "json", "data": data}
    elif raw.strip():
        one = _add(operation, "body", "body", {"description": "The request body."})
        one.type = "array" if isinstance(value, list) else "string"
        operation.body = {"type": "json" if isinstance(value, list) else "text", "data": tag(one)}


def _authentication(auth: JsonObject, draft: Draft) -> Mapping[str, object] | None:
    kind = text_of(auth.get("type"))
    settings = auth.get(kind)
    found = {text_of(one.get("key")): one.get("value") for one in map(as_map, as_list(settings))} or dict(as_map(settings))
    if kind in ("bearer", "oauth2"):
        return {"type": "bearer", "token": variable(draft, "TOKEN")}
    if kind in ("basic", "digest"):
        return {"type": kind, "username": variable(draft, "USERNAME"), "password": variable(draft, "PASSWORD")}
    if kind == "apikey":
        place = "query" if found.get("in") == "query" else "header"
        return {
            "type": "apikey",
            "key": text_of(found.get("key"), "X-API-Key"),
            "value": variable(draft, "API_KEY"),
            "placement": place,
        }
    return None
