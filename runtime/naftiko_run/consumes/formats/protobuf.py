"""``protobuf``: one message, the first of the ``.proto`` file that ``outputSchema`` names, as an object by field name.

The file is compiled at load with the reference compiler, imports below the capability's directory included. Enums come out by
name, bytes as base64, 64-bit integers as numbers; a field that cannot tell "absent" from its zero shows the zero. Runs in a
worker (requirement S43).
"""

from __future__ import annotations

import importlib.util
import math
import subprocess
import sys
import tempfile
from base64 import b64decode, b64encode
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from naftiko_run.consumes.formats.registry import Convert, Decoder, FormatSettings
from naftiko_run.consumes.formats.schema_file import CODE, require, schema_path
from naftiko_run.errors import SpecError, UpstreamBroken

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

VALUES = 1_000_000
COMPILE_SECONDS = 30


def decode_message(body: bytes, charset: str, /, *, message: type[Message]) -> object:
    from google.protobuf.message import DecodeError

    parsed = message()
    try:
        parsed.ParseFromString(body)
    except DecodeError as exc:
        raise ValueError("not a message of this type") from exc
    return _Converter().message(parsed)


class _Converter:
    def __init__(self) -> None:
        self.left = VALUES

    def spend(self, count: int) -> None:
        self.left -= count
        if self.left < 0:
            raise UpstreamBroken(f"the upstream's message holds more than {VALUES:,} values")

    def message(self, message: Message) -> dict[str, object]:
        fields: dict[str, object] = {}
        for field in message.DESCRIPTOR.fields:
            if field.has_presence and not message.HasField(field.name):
                continue
            fields[field.name] = self.field(field, getattr(message, field.name))
        self.spend(1 + len(fields))
        return fields

    def field(self, field: FieldDescriptor, value: Any) -> object:
        kind = field.message_type
        if kind is not None and kind.GetOptions().map_entry:
            self.spend(len(value))
            entry = kind.fields_by_name["value"]
            return {_key(key): self.single(entry, value[key]) for key in value}
        if field.is_repeated:
            self.spend(len(value))
            return [self.single(field, item) for item in value]
        return self.single(field, value)

    def single(self, field: FieldDescriptor, value: Any) -> object:
        if field.message_type is not None:
            return self.message(value)
        if field.enum_type is not None:
            named = field.enum_type.values_by_number.get(value)
            return named.name if named else value
        if isinstance(value, bytes):
            return b64encode(value).decode("ascii")
        return None if isinstance(value, float) and not math.isfinite(value) else value


def _key(key: object) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def rebuild(options: dict[str, str]) -> Convert:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(b64decode(options["descriptors"])).file:
        pool.Add(file)
    return partial(decode_message, message=message_factory.GetMessageClass(pool.FindMessageTypeByName(options["message"])))


def prepare() -> None:
    """Load the runtime whole, so that nothing is imported once the worker is locked in."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # noqa: F401  # for its effect
    from google.protobuf.message import DecodeError  # noqa: F401  # for its effect


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    require("grpc_tools", "protobuf", settings)
    if not settings.output_schema:
        hint = "add outputSchema: name.proto"
        raise SpecError("answers in protobuf need the .proto file that describes them", at=settings.at, code=CODE, hint=hint)
    path = schema_path(settings)
    options = _compile(path, settings)
    return Decoder(
        name="protobuf", convert=rebuild(options), isolated=True, options=orjson.dumps(options), limits=settings.limits
    )


def _compile(path: Path, settings: FormatSettings) -> dict[str, str]:
    """The file's descriptors, those it imports first, and the full name of its first message."""
    from google.protobuf import descriptor_pb2

    assert settings.base_directory is not None
    root = settings.base_directory.resolve()
    descriptors = descriptor_pb2.FileDescriptorSet.FromString(_run_compiler(path, root, settings))
    for file in descriptors.file:
        if not file.name.startswith("google/protobuf/") and not (root / file.name).resolve().is_relative_to(root):
            raise SpecError(f"the import {file.name!r} leaves the document's directory", at=settings.at, code=CODE)
    own = descriptors.file[-1]
    if not own.message_type:
        raise SpecError(f"the schema file {settings.output_schema!r} declares no message", at=settings.at, code=CODE)
    first = own.message_type[0].name
    encoded = b64encode(descriptors.SerializeToString()).decode("ascii")
    return {"descriptors": encoded, "message": f"{own.package}.{first}" if own.package else first}


def _run_compiler(path: Path, root: Path, settings: FormatSettings) -> bytes:
    found = importlib.util.find_spec("grpc_tools")
    assert found is not None
    assert found.origin is not None
    own = Path(found.origin).parent / "_proto"
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "descriptors")
        done = subprocess.run(  # noqa: S603 - our own interpreter; the paths have been checked
            [
                sys.executable, "-m", "grpc_tools.protoc", f"-I{root}", f"-I{own}", "--include_imports",
                f"--descriptor_set_out={output}", str(path.relative_to(root)),
            ],
            capture_output=True, text=True, timeout=COMPILE_SECONDS, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return output.read_bytes()
    said = (done.stderr.strip().splitlines() or ["it cannot be compiled"])[0].replace(f"{root}/", "")
    raise SpecError(f"the schema file {settings.output_schema!r} is wrong: {said}", at=settings.at, code=CODE)
