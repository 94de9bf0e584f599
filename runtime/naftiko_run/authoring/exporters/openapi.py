"""A capability's REST adapters in, their OpenAPI document out: 3.1 as it is served, or 3.0 for tools that know no other.

The document is the one behind ``/openapi.json``; only the version and the server differ. Going down to 3.0 loses nothing that
3.0 can say.
"""

from __future__ import annotations

from collections.abc import Sequence

from naftiko_run.capability import Capability
from naftiko_run.errors import UnresolvedReference
from naftiko_run.exposes.exposure import Exposure, RestExposure
from naftiko_run.exposes.openapi import build_openapi

DEFAULT_PORT = 8080
_ANYWHERE = ("", "0.0.0.0", "::", "127.0.0.1", "::1")  # noqa: S104  # compared, not bound

_NAMED = frozenset({"properties", "schemas", "paths", "responses", "parameters"})


def export_openapi(capability: Capability, *, adapter: str = "", version: str = "3.1") -> dict[str, object]:
    """The document of one REST adapter by namespace, or of all that share the first one's port."""
    rest = [one for one in capability.exposures if isinstance(one, RestExposure)]
    if not rest or (adapter and adapter not in [one.namespace for one in rest]):
        raise UnresolvedReference("REST adapter", adapter, known=[one.namespace for one in rest], code="E-NO-ADAPTER")
    chosen: Sequence[Exposure]
    if adapter:
        chosen = [one for one in rest if one.namespace == adapter]
    else:
        chosen = [one for one in rest if (one.address, one.port) == (rest[0].address, rest[0].port)]
    document = build_openapi(chosen, title=capability.label, version=capability.version, server=_server(chosen[0]))
    if capability.description and isinstance(info := document.get("info"), dict):
        info.setdefault("description", capability.description)
    return as_3_0(document) if version == "3.0" else document


def _server(exposure: Exposure) -> str:
    host = "localhost" if exposure.address in _ANYWHERE else exposure.address
    return f"http://{f'[{host}]' if ':' in host else host}:{exposure.port or DEFAULT_PORT}"


# ---- 3.1 to 3.0


def as_3_0(document: dict[str, object]) -> dict[str, object]:
    """The same document in the words of OpenAPI 3.0.3."""
    converted = _converted(document)
    assert isinstance(converted, dict)  # a mapping stays one
    converted.pop("jsonSchemaDialect", None)
    converted.pop("webhooks", None)
    converted.setdefault("paths", {})
    return {**converted, "openapi": "3.0.3"}


def _converted(value: object, *, names: bool = False) -> object:
    """``names``: the keys of this mapping are an author's names, whatever words they are."""
    if isinstance(value, list):
        return [_converted(one) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: _converted(one, names=not names and key in _NAMED) for key, one in value.items()}
    return _schema(found) if _is_schema(value) and not names else found


def _is_schema(value: dict[str, object]) -> bool:
    """Whether a mapping says something that only schemas of 3.1 say."""
    kind = value.get("type")
    words = ("anyOf", "oneOf", "const", "examples", "exclusiveMinimum", "exclusiveMaximum", "prefixItems", "contentEncoding")
    return isinstance(kind, list) or kind == "null" or any(word in value for word in words)


def _schema(schema: dict[str, object]) -> dict[str, object]:
    found = _nullable(_one_type(schema))
    if "const" in found:
        found["enum"] = [found.pop("const")]
    examples = found.pop("examples", None)
    if isinstance(examples, list) and examples:
        found["example"] = examples[0]
    elif examples is not None:
        found["examples"] = examples  # of a media type or parameter: 3.0 has those too
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        limit = found.get(word)
        if isinstance(limit, (int, float)) and not isinstance(limit, bool):
            found[bound], found[word] = limit, True
    if found.pop("contentEncoding", None) == "base64":
        found["format"] = "byte"
    if found.pop("prefixItems", None) is not None:
        found.setdefault("items", {})
    return found


def _one_type(schema: dict[str, object]) -> dict[str, object]:
    """``type: [string, null]`` as ``type: string, nullable: true``; several types as alternatives."""
    kind = schema.get("type")
    if kind == "null":
        return {**{key: value for key, value in schema.items() if key != "type"}, "nullable": True, "enum": [None]}
    if not isinstance(kind, list):
        return schema
    rest = {key: value for key, value in schema.items() if key != "type"}
    words = [one for one in kind if one != "null"]
    if len(words) == 1:
        rest["type"] = words[0]
    elif words:
        rest["anyOf"] = [{"type": word, **({"items": {}} if word == "array" else {})} for word in words]
    return {**rest, "nullable": True} if "null" in kind else rest


def _nullable(schema: dict[str, object]) -> dict[str, object]:
    """An alternative that is null becomes ``nullable``."""
    found = dict(schema)
    for word in ("anyOf", "oneOf"):
        options = found.get(word)
        if not isinstance(options, list):
            continue
        kept = [one for one in options if not (isinstance(one, dict) and one.get("enum") == [None] and one.get("nullable"))]
        if len(kept) < len(options):
            found["nullable"] = True
            del found[word]
            # `nullable` beside a reference is ignored in 3.0, so a single one is wrapped.
            found.update({"allOf": kept} if len(kept) == 1 else {word: kept} if kept else {})
    return found
