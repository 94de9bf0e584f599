"""Request bodies: what a document declares becomes one ``BodyEncoder``; arguments in, bytes and a media type out.

A body is declared in many ways: a template (``body: {type: json, data: ...}`` or a raw string), inputs with ``in: body``, form
fields, or not at all on a method that carries one. Each is one small encoder, chosen at start. A caller's own bytes
(``RawBody``) travel untouched wherever the whole body is the caller's.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote_plus, urlencode

from naftiko_run.errors import MalformedRequest, Problems, suggest
from naftiko_run.expressions.argument import Expression, compile_body
from naftiko_run.expressions.escape import json_string, xml
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.sections import Tag
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.expressions.text import to_text
from naftiko_run.document.nodes import Node
from naftiko_run.registry import Registry
from naftiko_run.values import dump_json

WHOLE_BODY_NAMES = frozenset({"body", "payload", "requestbody"})


@dataclass(frozen=True, slots=True)
class RawBody:
    """A caller's body as it came; ``json`` is its decoded value where that was needed anyway."""

    content: bytes
    media_type: str = "application/json"


Encoded = tuple[bytes | None, str]


class BodyEncoder(Protocol):
    """Arguments (by parameter name) to the bytes of a body and its media type; ``(None, "")`` for no body."""

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded: ...

    @property
    def references(self) -> tuple[Reference, ...]: ...


def encode_whole(value: object, media_type: str) -> Encoded:
    """A whole body given as one value: bytes stay bytes, text stays text for a type that is not JSON, the rest is JSON."""
    if isinstance(value, RawBody):
        return value.content, value.media_type or media_type
    if isinstance(value, str) and not is_json(media_type):
        return value.encode(), media_type
    return dump_json(value), media_type


def is_json(media_type: str) -> bool:
    kind = media_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBody:
    """One ``in: body`` input that is the body: always for ``body`` and its synonyms, otherwise when the value is structured.

    Arguments that no parameter declares become fields beside it; with ``implicit`` the document declares no body at all.
    """

    name: str
    always: bool = True
    media_type: str = "application/json"
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        value = arguments.get(self.name, MISSING)
        if value is MISSING:
            return (dump_json(dict(extra)), self.media_type) if extra else (None, "")
        if extra and isinstance(value, dict):
            return dump_json({**value, **extra}), self.media_type
        if not self.always and not isinstance(value, (dict, list, RawBody)):
            return dump_json({self.name: value, **extra}), self.media_type
        return encode_whole(value, self.media_type)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsBody:
    """Several ``in: body`` inputs: an object of those that were given. ``empty`` sends ``{}`` when none was."""

    names: tuple[str, ...]
    media_type: str = "application/json"
    empty: bool = False
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        fields = {name: arguments[name] for name in self.names if arguments.get(name, MISSING) is not MISSING}
        fields.update(extra)
        whole = fields.get("body")
        if len(fields) == 1 and isinstance(whole, RawBody):
            return encode_whole(whole, self.media_type)
        if fields or self.empty:
            return dump_json({name: plain_value(value) for name, value in fields.items()}), self.media_type
        return None, ""


def plain_value(value: object) -> object:
    """A raw body inside a larger one is read as JSON, or as text where it is none."""
    if not isinstance(value, RawBody):
        return value
    import orjson

    try:
        return orjson.loads(value.content)
    except ValueError:
        return value.content.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormBody:
    """``in: formData`` inputs: url-encoded, or multipart when one of them is a file."""

    names: tuple[str, ...]
    files: frozenset[str] = frozenset()
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        fields = [(n, arguments[n]) for n in self.names if arguments.get(n, MISSING) not in (MISSING, None)]
        fields += list(extra.items())
        if not fields:
            return None, ""
        if not self.files:
            return _form(fields)
        return encode_multipart([(n, plain_value(v), n if n in self.files else "", "") for n, v in fields])


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBody:
    """``body: {type: json, data: {...}}``: structured data whose ``{{...}}`` places are filled, types kept."""

    data: Expression
    media_type: str = "application/json"

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.data.references

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        value = self.data.evaluate(scope)
        if value is MISSING:
            return None, ""
        return dump_json(_plain_tree(value)), self.media_type


def _plain_tree(value: object) -> object:
    if isinstance(value, RawBody):
        return plain_value(value)
    if isinstance(value, dict):
        return {key: _plain_tree(item) for key, item in value.items()}
    return [_plain_tree(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class RawTemplateBody:
    """A body written as text: rendered with every value escaped for where it lands, JSON inside JSON, XML inside XML."""

    template: Template
    media_type: str
    escape: str = ""  # "json", "xml" or ""

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.template.references

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        if self.escape == "json":
            return render_json_text(self.template, scope).encode(), self.media_type
        if self.template.whole is not None:
            value = self.template.value(scope)
            return (None, "") if value is MISSING else encode_whole(value, self.media_type)
        return self.template.render_lenient(scope, xml if self.escape == "xml" else None).encode(), self.media_type


def render_json_text(template: Template, scope: Scope) -> str:
    """A JSON text with places: inside a string a value is escaped, outside it is written as JSON (numbers, lists, null)."""
    if not all(isinstance(part, (str, Tag)) for part in template.parts):
        return template.render_lenient(scope, json_string)
    pieces: list[str] = []
    inside = False
    for part in template.parts:
        if isinstance(part, str):
            inside = _ends_inside_string(part, inside)
            pieces.append(part)
            continue
        value = part.reference.evaluate(scope) if isinstance(part, Tag) else MISSING
        if inside:
            pieces.append("" if value is MISSING else json_string(to_text(plain_value(value))))
        elif isinstance(value, str):
            pieces.append(_bare_json(value))
        else:
            pieces.append("null" if value is MISSING else dump_json(plain_value(value)).decode())
    return "".join(pieces)


def _bare_json(text: str) -> str:
    """A text value outside quotes: a JSON number, literal or structure stays what it is, anything else becomes a string."""
    import orjson

    try:
        orjson.loads(text)
    except ValueError:
        return dump_json(text).decode()
    return text


def _ends_inside_string(text: str, inside: bool) -> bool:
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = inside
        elif character == '"':
            inside = not inside
    return inside


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldsTemplateBody:
    """``formUrlEncoded`` with a map, or ``multipartForm``: one (name, value, filename, content type) template each."""

    fields: tuple[tuple[str, Expression, str, str], ...]
    multipart: bool = False

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(ref for field in self.fields for ref in field[1].references)

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        values = [(n, plain_value(e.evaluate(scope)), f, c) for n, e, f, c in self.fields]
        given = [(n, v, f, c) for n, v, f, c in values if v is not MISSING and v is not None]
        given += [(n, plain_value(v), "", "") for n, v in extra.items()]
        return encode_multipart(given) if self.multipart else _form([(n, v) for n, v, _, _ in given])


def _form(fields: list[tuple[str, object]]) -> Encoded:
    pairs = [(n, to_text(v)) for n, value in fields for v in (value if isinstance(value, list) else [value])]
    return urlencode(pairs, quote_via=quote_plus).encode(), "application/x-www-form-urlencoded"


def encode_multipart(fields: list[tuple[str, object, str, str]]) -> Encoded:
    """RFC 7578 parts of (name, value, filename, content type); names and filenames cannot break out of their quotes."""
    boundary = secrets.token_hex(16)
    out = bytearray()
    for name, value, filename, content_type in fields:
        out += f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'.encode()
        if filename:
            out += f'; filename="{_quoted(filename)}"'.encode()
        kind = content_type or ("application/octet-stream" if filename else "")
        if kind:
            if "\r" in kind or "\n" in kind:
                raise MalformedRequest(f"content type of the part {name!r} is not a header value")
            out += f"\r\nContent-Type: {kind}".encode()
        out += b"\r\n\r\n" + (value if isinstance(value, bytes) else to_text(value).encode()) + b"\r\n"
    out += f"--{boundary}--\r\n".encode()
    return bytes(out), f"multipart/form-data; boundary={boundary}"


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


# ---- compiling a declared `body`

BodyFactory = type[None] | object
BODY_TYPES: Registry[str] = Registry("body type")
"""Body type -> media type; the shape of ``data`` decides the rest."""

for _name, _media in {
    "json": "application/json",
    "text": "text/plain",
    "xml": "application/xml",
    "yaml": "application/yaml",
    "sparql": "application/sparql-query",
    "binary": "application/octet-stream",
    "octet-stream": "application/octet-stream",
    "raw": "application/json",
    "form": "application/x-www-form-urlencoded",
    "formUrlEncoded": "application/x-www-form-urlencoded",
    "urlencoded": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "multipartForm": "multipart/form-data",
}.items():
    BODY_TYPES.register(_name)(_media)


def compile_declared_body(node: Node, names: Names, body_inputs: tuple[str, ...], problems: Problems) -> BodyEncoder:
    """The encoder of an operation's ``body`` key; ``body_inputs`` are its ``in: body`` inputs, used where no data is given."""
    if node.is_text:
        template = compile_template(node.text, names, at=node)
        return RawTemplateBody(template=template, media_type="application/json", escape="json")
    media = _media_type(node, problems)
    data = node.get("data", "content", "value", "template")
    if data is None or (data.is_map and not data.value) or (data.is_list and not data.value):
        return _from_arguments(media, body_inputs)
    if media == "multipart/form-data":
        return FieldsTemplateBody(fields=_multipart_fields(data, names), multipart=True)
    if media == "application/x-www-form-urlencoded" and data.is_map:
        return FieldsTemplateBody(fields=tuple((k, compile_body(v, names), "", "") for k, v in data.items() if not v.is_null))
    if is_json(media) and not data.is_text:
        return TemplateBody(data=compile_body(data, names), media_type=media)
    return _text_body(data, media, names)


def _media_type(node: Node, problems: Problems) -> str:
    kind = node.get_text("type", "contentType", "mediaType", default="json")
    if "/" in kind:
        return kind
    if kind in BODY_TYPES:
        return BODY_TYPES.lookup(kind)
    where = node.get("type") or node
    problems.warn("W-BODY-TYPE", f"unknown body type {kind!r}, read as json", where, suggest(kind, BODY_TYPES))
    return "application/json"


def _from_arguments(media: str, body_inputs: tuple[str, ...]) -> BodyEncoder:
    if media == "application/x-www-form-urlencoded":
        return FormBody(names=body_inputs)
    if media == "multipart/form-data":
        return FormBody(names=body_inputs, files=frozenset({""}))
    if not is_json(media):
        return WholeBody(name=body_inputs[0] if body_inputs else "body", media_type=media)
    return FieldsBody(names=body_inputs, empty=True)


def _multipart_fields(data: Node, names: Names) -> tuple[tuple[str, Expression, str, str], ...]:
    if data.is_map:
        return tuple((key, compile_body(value, names), "", "") for key, value in data.items() if not value.is_null)
    parts = []
    for item in data.elements():
        value = item.get("value", "data", "content")
        if value is not None:
            parts.append((item.get_text("name"), compile_body(value, names), item.get_text("filename"), item.get_text("contentType")))
    return tuple(parts)


def _text_body(data: Node, media: str, names: Names) -> BodyEncoder:
    """Text, XML and the like; a one-key object stands for its value, a structure for its JSON."""
    if data.is_map and isinstance(data.value, dict) and len(data.value) == 1:
        data = next(iter(data.value.values()))
    if not data.is_text:
        return TemplateBody(data=compile_body(data, names), media_type=media)
    escape = "json" if is_json(media) else "xml" if "xml" in media else ""
    template = compile_template(data.text, names, at=data)
    if escape == "json" and template.whole is not None:
        return TemplateBody(data=compile_body(data, names), media_type=media)
    return RawTemplateBody(template=template, media_type=media, escape=escape)
