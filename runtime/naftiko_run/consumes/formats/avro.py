"""``avro``: one binary datum, or a whole object container file, by the schema that ``outputSchema`` names.

A container carries its own schema and becomes an array; without ``outputSchema`` only containers can be read. Bytes come out
as base64, logical types as the numbers they are made of. Runs in a worker (requirement S43).
"""

from __future__ import annotations

import io
import math
from base64 import b64encode
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import orjson

from naftiko_run.consumes.formats.registry import Convert, Decoder, FormatSettings, NotOfFormat
from naftiko_run.consumes.formats.schema_file import CODE, require, schema_path
from naftiko_run.errors import SpecError, UpstreamBroken

if TYPE_CHECKING:
    from fastavro.types import Schema

VALUES = 1_000_000
"""Values in one body: a null takes no byte on the wire, so a count alone can ask for any number of them."""

_CONTAINER = b"Obj\x01"
_HEAD: Schema = {
    "type": "record",
    "name": "head",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": 4}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}},
    ],
}
_WEIGHTLESS = "an array of values that take no space is refused in avro"


def decode_avro(body: bytes, charset: str, /, *, schema: Schema | None) -> object:
    import fastavro

    source = io.BytesIO(body)
    if body.startswith(_CONTAINER):
        found: object = list(islice(fastavro.reader(_plain_container(source)), VALUES))
    elif schema is None:
        raise NotOfFormat("the upstream's avro has no schema of its own, and outputSchema names none")
    else:
        found = fastavro.schemaless_reader(source, schema, None)
        if source.read(1):
            raise NotOfFormat("the upstream's avro goes on after the value that outputSchema describes")
    return _Converter().convert(found)


class _Converter:
    def __init__(self) -> None:
        self.left = VALUES

    def convert(self, value: object) -> object:
        self.left -= 1
        if self.left < 0:
            raise UpstreamBroken(f"the upstream's avro holds more than {VALUES:,} values")
        if isinstance(value, dict):
            return {str(key): self.convert(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.convert(item) for item in value]
        if isinstance(value, (bytes, bytearray)):
            return b64encode(value).decode("ascii")
        if isinstance(value, float):
            return value if math.isfinite(value) else None
        return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _plain_container(source: io.BytesIO) -> io.BytesIO:
    """The container with its own schema checked and its logical types taken out."""
    import fastavro

    head: Any = fastavro.schemaless_reader(source, _HEAD, None)
    schema = without_logical_types(orjson.loads(head["meta"]["avro.schema"]))
    if not takes_bytes(schema, {}) or not _arrays_take_bytes(schema):
        raise UpstreamBroken(_WEIGHTLESS)
    head["meta"]["avro.schema"] = orjson.dumps(schema)
    plain = io.BytesIO()
    fastavro.schemaless_writer(plain, _HEAD, head)
    plain.write(source.read())
    plain.seek(0)
    return plain


def takes_bytes(schema: object, named: dict[str, bool]) -> bool:
    """Whether a value of ``schema`` takes at least a byte: where not, any number of them fits into nothing."""
    if isinstance(schema, list):
        return True
    if not isinstance(schema, dict):
        return schema != "null" and named.get(str(schema), True)
    kind = schema.get("type")
    if kind == "fixed":
        return bool(schema.get("size"))
    if kind in ("record", "error"):
        return any(takes_bytes(field["type"], named) for field in schema["fields"])
    return kind in ("array", "map", "enum") or takes_bytes(kind, named)


def _named_records(schema: object) -> Iterator[tuple[str, bool]]:
    for part in _parts(schema):
        if isinstance(part, dict) and "name" in part and part.get("type") in ("record", "error", "fixed"):
            weight = takes_bytes(part, {})
            yield str(part["name"]), weight
            yield str(part["name"]).rpartition(".")[2], weight
            yield f"{part.get('namespace', '')}.{part['name']}", weight


def _arrays_take_bytes(schema: object) -> bool:
    named = dict(_named_records(schema))
    arrays = (part for part in _parts(schema) if isinstance(part, dict) and part.get("type") == "array")
    return all(takes_bytes(array.get("items"), named) for array in arrays)


def _parts(schema: object) -> Iterator[object]:
    yield schema
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for part in inner:
        yield from _parts(part)


def without_logical_types(schema: object) -> object:
    """The schema with plain types only: dates and decimals stay the numbers and bytes that travel."""
    if isinstance(schema, dict):
        return {key: without_logical_types(item) for key, item in schema.items() if key != "logicalType"}
    return [without_logical_types(item) for item in schema] if isinstance(schema, list) else schema


def rebuild(options: dict[str, Schema | None]) -> Convert:
    import fastavro

    schema = options["schema"]
    return partial(decode_avro, schema=None if schema is None else fastavro.parse_schema(schema))


def prepare() -> None:
    """Load the reader whole, so that nothing is imported once the worker is locked in."""
    rebuild({"schema": {"type": "record", "name": "r", "fields": [{"name": "f", "type": ["null", "bytes"]}]}})(b"\x00", "")


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    require("fastavro", "avro", settings)
    schema = None
    if settings.output_schema:
        try:
            schema = without_logical_types(orjson.loads(schema_path(settings).read_bytes()))
        except orjson.JSONDecodeError as exc:
            raise SpecError(f"the schema file {settings.output_schema!r} is no JSON", at=settings.at, code=CODE) from exc
        if not _arrays_take_bytes(schema):
            raise SpecError(_WEIGHTLESS, at=settings.at, code=CODE)
    try:
        convert = rebuild({"schema": schema})  # type: ignore[dict-item]  # it is checked here
    except Exception as exc:  # the library has no common class for what it finds wrong in a schema
        raise SpecError(f"the schema file {settings.output_schema!r} is no Avro schema", at=settings.at, code=CODE) from exc
    options = orjson.dumps({"schema": schema})
    return Decoder(name="avro", convert=convert, isolated=True, options=options, limits=settings.limits)
