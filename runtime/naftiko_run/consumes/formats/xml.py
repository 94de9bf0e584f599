"""``xml``: elements and attributes become fields, repeated siblings an array, text a string; the root's name is dropped.

``<r n="2"><i k="a">x</i><i k="b">y</i><e/></r>`` is ``{"n":"2","i":[{"k":"a","":"x"},{"k":"b","":"y"}],"e":""}``. Prefixes,
comments and processing instructions are dropped; nothing is ever a number. A document type declaration is refused: it is
what entity bombs and file reads are made of.
"""

from __future__ import annotations

import pyexpat
from functools import partial

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, NotOfFormat
from naftiko_run.consumes.formats.text import codec_for
from naftiko_run.errors import UpstreamBroken

ELEMENTS = 400_000
"""Elements and attributes in one body, so that the shortest ones stay within a second (requirement S3)."""

# An older parser has known faults and runs in a worker (requirement S43).
OUTDATED_PARSER = pyexpat.version_info < (2, 7)


class _Element:
    __slots__ = ("fields", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.fields: dict[str, object] = {}
        self.text: list[str] = []

    def add(self, name: str, value: object) -> None:
        """A field; one that is there already becomes an array."""
        if name not in self.fields:
            self.fields[name] = value
            return
        present = self.fields[name]
        if isinstance(present, list):
            present.append(value)
        else:
            self.fields[name] = [present, value]

    def value(self) -> object:
        text = "".join(self.text)
        if not self.fields:
            return text
        if text and not text.isspace():
            self.add("", text)
        return self.fields


class _Builder:
    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.open: list[_Element] = [_Element("")]
        self.count = 0

    def start(self, name: str, attributes: list[str]) -> None:
        self.count += 1 + len(attributes) // 2
        if len(self.open) > self.depth:
            raise UpstreamBroken(f"the upstream's XML is nested deeper than {self.depth} levels")
        if self.count > ELEMENTS:
            raise UpstreamBroken(f"the upstream's XML holds more than {ELEMENTS:,} elements and attributes")
        element = _Element(name.rpartition(":")[2])
        for index in range(0, len(attributes), 2):
            attribute = attributes[index]
            if attribute != "xmlns" and not attribute.startswith("xmlns:"):
                element.add(attribute.rpartition(":")[2], attributes[index + 1])
        self.open.append(element)

    def end(self, name: str) -> None:
        element = self.open.pop()
        self.open[-1].add(element.name, element.value())

    def text(self, data: str) -> None:
        self.open[-1].text.append(data)

    def doctype(self, *declared: object) -> None:
        raise UpstreamBroken("the upstream's XML has a document type declaration, which is refused")


def decode_xml(body: bytes, charset: str, /, *, depth: int) -> object:
    builder = _Builder(depth)
    parser = pyexpat.ParserCreate(codec_for(charset) or None)
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.doctype
    try:
        parser.Parse(body.lstrip(), True)
    except pyexpat.ExpatError as exc:
        raise NotOfFormat("the upstream's body is not well-formed XML") from exc
    (root,) = builder.open[0].fields.values()
    return root


def rebuild(options: dict[str, int]) -> partial[object]:
    return partial(decode_xml, depth=options["depth"])


def prepare() -> None:
    """The parser was loaded with this module."""


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    depth = settings.limits.xml_depth
    return Decoder(
        name=name,
        convert=rebuild({"depth": depth}),
        isolated=OUTDATED_PARSER,
        options=b'{"depth":%d}' % depth,
        limits=settings.limits,
    )
