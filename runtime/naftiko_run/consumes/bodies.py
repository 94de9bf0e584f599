"""Request bodies: arguments in, bytes and a media type out.

Which encoder an operation has is chosen at start from what its document declares: one ``in: body`` input, several, form
fields, or a template (``body_templates.py``). A caller's own bytes (``RawBody``) travel untouched wherever the whole body is
the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from naftiko_run.consumes.forms import MULTIPART, URL_ENCODED, Encoded, Part, encode_form, encode_multipart
from naftiko_run.expressions.reference import Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.text import to_text
from naftiko_run.records import record, replace
from naftiko_run.values import dump_json, load_json

WHOLE_BODY_NAMES = frozenset({"body", "payload", "requestbody"})


@record(kw_only=False)
class RawBody:
    """A caller's body as it came."""

    content: bytes
    media_type: str = "application/json"


class BodyEncoder(Protocol):
    """Arguments by parameter key, those that no parameter declares (``extra``), and the scope of templates."""

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded: ...

    @property
    def references(self) -> tuple[Reference, ...]: ...


def is_json(media_type: str) -> bool:
    kind = bare_type(media_type)
    return kind == "application/json" or kind.endswith("+json")


def bare_type(media_type: str) -> str:
    """``text/plain; charset=utf-8`` as ``text/plain``."""
    return media_type.partition(";")[0].strip().lower()


def plain_value(value: object) -> object:
    """A raw body inside a larger one is read as JSON, or as text where it is none."""
    if not isinstance(value, RawBody):
        return value
    try:
        return load_json(value.content)
    except ValueError:
        return value.content.decode("utf-8", "replace")


def plain_tree(value: object) -> object:
    """The same at any depth."""
    if isinstance(value, dict):
        return {key: plain_tree(item) for key, item in value.items()}
    return [plain_tree(item) for item in value] if isinstance(value, list) else plain_value(value)


def encode_whole(value: object, media_type: str) -> Encoded:
    """A whole body given as one value, written as its media type has it; a caller's bytes stay as they came."""
    if isinstance(value, RawBody):
        return value.content, value.media_type or media_type
    kind = bare_type(media_type)
    if is_json(kind):
        return _json_document(value), media_type
    if isinstance(value, dict) and kind == URL_ENCODED:
        return encode_form(value.items())
    if isinstance(value, dict) and kind == MULTIPART:
        return encode_multipart(Part(name, item) for name, item in value.items())
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))  # an object around one text stands for the text
    return to_text(value).encode("utf-8", "replace"), media_type


def _json_document(value: object) -> bytes:
    """JSON; a text that is itself an object or a list is one: callers of tools write bodies so."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            load_json(value)
        except ValueError:
            return dump_json(value)
        return value.encode()
    return dump_json(plain_tree(value))


def is_structured(value: object) -> bool:
    """Whether a value can be a whole body rather than one field of it: an object, a list, or the text of one."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            load_json(value)
        except ValueError:
            return False
        return True
    return isinstance(value, (dict, list, RawBody))


@record
class WholeBody:
    """One ``in: body`` input that is the body: ``always`` for ``body`` and its synonyms, else where its value is structured.

    Arguments that no parameter declares become fields beside it. ``empty`` sends an empty object where nothing is given.
    """

    name: str
    field: str = ""  # the wire name, where the value is a field after all
    always: bool = True
    media_type: str = "application/json"
    empty: bool = False
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        value = arguments.get(self.name, MISSING)
        if value is MISSING:
            return encode_whole(dict(extra), self.media_type) if extra or self.empty else (None, "")
        if extra:
            plain = plain_value(value)
            if isinstance(plain, dict):
                return encode_whole({**plain, **extra}, self.media_type)
        if not self.always and not is_structured(value):
            return encode_whole({self.field or self.name: value, **extra}, self.media_type)
        return encode_whole(value, self.media_type)


@record
class FieldsBody:
    """Several ``in: body`` inputs: an object of those that were given. ``names`` are (key, wire name)."""

    names: tuple[tuple[str, str], ...]
    media_type: str = "application/json"
    empty: bool = False
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        fields = {wire: arguments[key] for key, wire in self.names if arguments.get(key, MISSING) is not MISSING}
        fields.update(extra)
        if fields or self.empty:
            return encode_whole({name: plain_value(value) for name, value in fields.items()}, self.media_type)
        return None, ""


@record
class FormBody:
    """``in: formData`` inputs as (key, wire name): url-encoded, or multipart where one of them is a file."""

    names: tuple[tuple[str, str], ...]
    files: frozenset[str] = frozenset()
    multipart: bool = False
    references: tuple[Reference, ...] = ()

    def encode(self, arguments: Mapping[str, object], extra: Mapping[str, object], scope: Scope) -> Encoded:
        given = [(wire, arguments[key]) for key, wire in self.names if arguments.get(key, MISSING) not in (MISSING, None)]
        given += list(extra.items())
        if not given:
            return None, ""
        fields = [(name, plain_value(value)) for name, value in given]
        if self.files or self.multipart:
            return encode_multipart(Part(n, v, n if n in self.files else "") for n, v in fields)
        return encode_form(fields)


def retyped(encoder: BodyEncoder, media_type: str) -> BodyEncoder:
    """The same body as ``media_type`` where its values can be written so; a template stays what its author wrote."""
    if isinstance(encoder, (WholeBody, FieldsBody)):
        return replace(encoder, media_type=media_type)
    if isinstance(encoder, FormBody) and bare_type(media_type) == MULTIPART:
        return replace(encoder, multipart=True)
    return encoder
