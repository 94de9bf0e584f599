"""``outputRawFormat``: a name and its settings become a ``Decoder``, and a decoder turns an upstream body into a JSON value.

Each format is one module with ``compile_decoder(settings)``, named in the table below and imported only when a document asks
for it. A decoder is compiled once, at load: schema files are read and mistakes in them are found then.

Formats whose parsers are not trusted with an upstream's bytes are *isolated*: ``reply.decode_reply`` runs them in a worker
process, which gets ``options`` (all that the compiled decoder knows) and builds the same decoder from them.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from naftiko_run.errors import Place, UpstreamBroken
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record
from naftiko_run.registry import Registry


@record
class FormatSettings:
    """What a document says about an operation's answers. ``output_schema`` is a schema file, a selector or a heading."""

    output_schema: str = ""
    base_directory: Path | None = None
    limits: Limits = field(default=DEFAULT_LIMITS)
    at: Place = None


class Convert(Protocol):
    """``charset`` is the one of the ``Content-Type``, ``""`` where it names none."""

    def __call__(self, body: bytes, charset: str, /) -> object: ...


@record
class Decoder:
    """Compiled. ``options`` is a JSON object from which ``rebuild`` of the format's module makes the same conversion.

    ``read_copied`` is quicker, for UTF-8 whose values are only copied; see ``json.compile_read_copied``.
    """

    name: str
    convert: Convert
    isolated: bool = False
    binary: bool = False  # no JSON: the bytes are the answer
    options: bytes = b"{}"
    limits: Limits = field(default=DEFAULT_LIMITS)
    read_copied: Callable[[bytes], object] | None = None

    def decode(self, body: bytes, content_type: str = "") -> object:
        """The body as a JSON value, ``None`` for an empty one; ``UpstreamBroken`` where it is not of this format."""
        if not body:
            return None
        try:
            return self.convert(body, charset_of(content_type))
        except UpstreamBroken:
            raise
        except (ValueError, RecursionError, MemoryError) as exc:
            raise NotOfFormat(f"the upstream's body is not readable as {self.name}") from exc


class NotOfFormat(UpstreamBroken):
    """The body is of another format: said apart from a limit, because an answer declared ``json`` may be text."""


DecoderFactory = Callable[[FormatSettings], Decoder]

FORMATS: Registry[DecoderFactory] = Registry("raw format")

_MODULES = {
    "json": "json",
    "text": "text",
    "binary": "binary",
    "xml": "xml",
    "csv": "delimited",
    "tsv": "delimited",
    "psv": "delimited",
    "yaml": "yaml",
    "html": "html",
    "markdown": "markdown",
    "avro": "avro",
    "protobuf": "protobuf",
}


def charset_of(content_type: str) -> str:
    """The ``charset`` parameter of a ``Content-Type`` value, in lower case."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def _lazily(name: str, module: str) -> DecoderFactory:
    def factory(settings: FormatSettings) -> Decoder:
        loaded = importlib.import_module(f"naftiko_run.consumes.formats.{module}")
        decoder: Decoder = loaded.compile_decoder(name, settings)
        return decoder

    return factory


for _name, _module in _MODULES.items():
    FORMATS.register(_name)(_lazily(_name, _module))
# The spellings published files use for the same things.
FORMATS.register("yml")(_lazily("yaml", "yaml"))
FORMATS.register("md")(_lazily("markdown", "markdown"))
FORMATS.register("proto")(_lazily("protobuf", "protobuf"))


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    """The decoder for ``outputRawFormat: name``; ``""`` means ``json``. An unknown name is the author's mistake."""
    return FORMATS.lookup(name.strip() or "json", at=settings.at, code="E-FORMAT")(settings)
