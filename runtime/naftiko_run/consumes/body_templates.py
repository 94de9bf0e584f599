"""The ``body`` key of an operation in, a ``BodyEncoder`` that fills its places out.

``data`` may be structured (its ``{{...}}`` places keep their JSON types), text, a form, or absent: then the arguments that
have no place elsewhere are the body. Every value is written for where it lands (requirement S31).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from naftiko_run.consumes.bodies import (
    BodyEncoder,
    FieldsBody,
    FormBody,
    WholeBody,
    encode_whole,
    is_json,
    plain_tree,
    plain_value,
)
from naftiko_run.consumes.forms import MULTIPART, URL_ENCODED, Encoded, Part, encode_form, encode_multipart
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.expressions.argument import Expression, MapExpression, compile_body
from naftiko_run.expressions.escape import xml
from naftiko_run.expressions.json_text import compile_json_text
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.records import record
from naftiko_run.registry import Registry
from naftiko_run.values import dump_json

BODY_TYPES: Registry[str] = Registry("body type")
"""Body type -> media type; the shape of ``data`` decides the rest."""

for _media, _names in {
    "application/json": ("json", "raw"),
    "text/plain": ("text",),
    "application/xml": ("xml",),
    "application/yaml": ("yaml",),
    "application/sparql-query": ("sparql",),
    "application/octet-stream": ("binary", "octet-stream"),
    URL_ENCODED: ("form", "formUrlEncoded", "urlencoded"),
    MULTIPART: ("multipart", "multipartForm"),
}.items():
    BODY_TYPES.register(*_names)(_media)


@record
class TemplateBody:
    """``body: {type: json, data: {...}}``: structured data whose places are filled, types kept."""

    data: Expression
    media_type: str = "application/json"

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.data.references

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields it writes at its top."""
        return tuple(name for name, _ in self.data.entries) if isinstance(self.data, MapExpression) else ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        value = self.data.evaluate(scope)
        if value is MISSING:
            return None, ""
        value = plain_tree(value)
        if extra and isinstance(value, dict) and self.references:
            value = {**{name: plain_value(item) for name, item in extra.items()}, **value}
        return dump_json(value), self.media_type


@record
class TextBody:
    """A body written as text, each value escaped as its template has it."""

    template: Template
    media_type: str
    xml: bool = False

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.template.references

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        if self.template.whole is not None and not is_json(self.media_type):
            value = self.template.value(scope)
            return (None, "") if value is MISSING else encode_whole(value, self.media_type)
        return self.template.render_lenient(scope, xml if self.xml else None).encode("utf-8", "replace"), self.media_type


@record
class PartsBody:
    """``formUrlEncoded`` with a map, or ``multipartForm``: one template for each part."""

    parts: tuple[tuple[Part, Expression], ...]
    multipart: bool = False

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(reference for _, expression in self.parts for reference in expression.references)

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        values = [part._replace(value=plain_value(expression.evaluate(scope))) for part, expression in self.parts]
        given = [part for part in values if part.value is not MISSING and part.value is not None]
        given += [Part(name, plain_value(value)) for name, value in extra.items()]
        return encode_multipart(given) if self.multipart else encode_form((part.name, part.value) for part in given)


def compile_declared_body(node: Node, names: Names, inputs: Sequence[Parameter], problems: Problems) -> BodyEncoder:
    """The encoder of an operation's ``body`` key; ``inputs`` are its ``in: body`` inputs, used where no data is given."""
    if node.is_text:
        return TextBody(template=compile_json_text(node.text, names, at=node), media_type="application/json")
    media = _media_type(node, problems)
    data = node.get("data", "content", "value", "template")
    if data is None or ((data.is_map or data.is_list) and not data.value):
        return _from_arguments(media, inputs)
    if media == MULTIPART:
        return PartsBody(parts=_multipart(data, names), multipart=True)
    if media == URL_ENCODED and data.is_map:
        fields = ((name, value) for name, value in data.items() if not value.is_null)
        return PartsBody(parts=tuple((Part(name, ""), compile_body(value, names)) for name, value in fields))
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


def _from_arguments(media: str, inputs: Sequence[Parameter]) -> BodyEncoder:
    names = tuple((one.key, one.name) for one in inputs)
    if media in (URL_ENCODED, MULTIPART):
        files = frozenset(one.name for one in inputs if one.type == "file")
        return FormBody(names=names, multipart=media == MULTIPART, files=files)
    if not names:
        return WholeBody(name="body", media_type=media, empty=is_json(media))
    if len(names) == 1 and not is_json(media):
        return WholeBody(name=names[0][0], media_type=media)
    return FieldsBody(names=names, media_type=media, empty=True)


def _multipart(data: Node, names: Names) -> tuple[tuple[Part, Expression], ...]:
    if data.is_map:
        return tuple((Part(key, ""), compile_body(value, names)) for key, value in data.items() if not value.is_null)
    parts = []
    for item in data.elements():
        value = item.get("value", "data", "content")
        if value is not None:
            part = Part(item.get_text("name"), "", item.get_text("filename"), item.get_text("contentType"))
            parts.append((part, compile_body(value, names)))
    return tuple(parts)


def _text_body(data: Node, media: str, names: Names) -> BodyEncoder:
    """Text, XML and the like; a one-key object stands for its value, a structure for its JSON."""
    if data.is_map and isinstance(data.value, dict) and len(data.value) == 1:
        data = next(iter(data.value.values()))
    if not data.is_text:
        return TemplateBody(data=compile_body(data, names), media_type=media)
    if is_json(media):
        whole = compile_template(data.text, names, at=data).whole
        if whole is not None:
            return TemplateBody(data=compile_body(data, names), media_type=media)
        return TextBody(template=compile_json_text(data.text, names, at=data), media_type=media)
    return TextBody(template=compile_template(data.text, names, at=data), media_type=media, xml="xml" in media)
