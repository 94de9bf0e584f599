"""HTML, Markdown, Avro and Protobuf: the JSON value of each body, decoded by worker processes, and what they refuse."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

fastavro = pytest.importorskip("fastavro", reason="the avro extra is not installed")
pytest.importorskip("grpc_tools", reason="the protobuf extra is not installed")
pytest.importorskip("selectolax", reason="the formats-html extra is not installed")
pytest.importorskip("markdown_it", reason="the formats-markdown extra is not installed")

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, compile_decoder  # noqa: E402  # after the skip
from naftiko_run.consumes.formats.reply import decode_reply  # noqa: E402  # after the skip
from naftiko_run.consumes.messages import UpstreamReply  # noqa: E402  # after the skip
from naftiko_run.errors import Location, RequestError, SpecError  # noqa: E402  # after the skip
from naftiko_run.isolation.pool import WorkerPool  # noqa: E402  # after the skip

HERE = Location(file="a.yaml", line=3, column=5)


class Formats:
    def __init__(self, workers: WorkerPool, directory: Path) -> None:
        self.workers, self.directory = workers, directory

    def compile(self, name: str, schema: str = "") -> Decoder:
        return compile_decoder(name, FormatSettings(output_schema=schema, base_directory=self.directory, at=HERE))

    async def decode(self, name: str, body: bytes | str, schema: str = "", content_type: str = "") -> object:
        headers = [("content-type", content_type)] if content_type else []
        content = body.encode() if isinstance(body, str) else body
        return await decode_reply(
            self.compile(name, schema), UpstreamReply(status=200, headers=headers, body=content), self.workers
        )

    def write(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text)
        return name


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("capability")


@pytest.fixture
async def formats(directory: Path) -> AsyncIterator[Formats]:
    async with WorkerPool(size=1) as workers:
        yield Formats(workers, directory)


# ---- html


async def test_tables_become_rows_under_their_header(formats: Formats):
    page = """
      <h1>Prices</h1><table><thead><tr><th>Name</th><th> Price <br>net</th></tr></thead>
      <tbody><tr><td><b>A</b>b<script>x()</script></td><td>1&nbsp;€</td></tr><tr><th>sum</th><td>1</td></tr>
      <tr><td>short</td></tr><tr><td>l</td><td>o</td><td>ng</td></tr><tr></tr></tbody></table>
      <table><tr><th>k</th></tr><tr><td>v</td></tr></table>
      <table><tr><td>layout</td></tr></table><table><tr><th> </th></tr><tr><td>blank</td></tr></table>
    """
    first = [
        {"Name": "Ab", "Price net": "1 €"},
        {"Name": "short", "Price net": ""},
        {"Name": "l", "Price net": "o"},
    ]
    assert await formats.decode("html", page) == {"tables": [first, [{"k": "v"}]]}


async def test_a_selector_chooses_tables_or_what_holds_them(formats: Formats):
    table = "<table id=%s><tr><th>k</th></tr><tr><td>%s</td></tr></table>"
    page = f"<div class=box>{table % ('a', 1)}{table % ('b', 2)}</div>{table % ('c', 3)}"

    assert await formats.decode("html", page, "#c") == {"tables": [[{"k": "3"}]]}
    assert await formats.decode("html", page, "div.box") == {"tables": [[{"k": "1"}], [{"k": "2"}]]}
    assert await formats.decode("html", page, "p") == {"tables": []}


async def test_a_table_within_a_table_is_not_its_rows(formats: Formats):
    page = "<table><tr><th>k</th></tr><tr><td>v <table><tr><th>i</th></tr><tr><td>w</td></tr></table></td></tr></table>"

    assert await formats.decode("html", page) == {"tables": [[{"k": "v iw"}], [{"i": "w"}]]}


async def test_html_is_read_in_its_charset(formats: Formats):
    page = "<table><tr><th>é</th></tr><tr><td>ü</td></tr></table>".encode("latin-1")

    assert await formats.decode("html", page, content_type="text/html; charset=iso-8859-1") == {"tables": [[{"é": "ü"}]]}


def test_a_selector_is_checked_at_load(directory: Path):
    with pytest.raises(SpecError) as caught:
        compile_decoder("html", FormatSettings(output_schema="div[", at=HERE))

    assert caught.value.message == "outputSchema 'div[' is no CSS selector"
    assert caught.value.at == HERE


# ---- markdown


async def test_sections_are_flat_with_the_text_below_them(formats: Formats):
    assert await formats.decode("markdown", "# A\n\nt1\n\n## B\n\nt2") == {
        "frontMatter": {},
        "tables": [],
        "sections": [{"heading": "A", "level": 1, "content": "t1"}, {"heading": "B", "level": 2, "content": "t2"}],
    }


async def test_the_parts_of_a_markdown_document(formats: Formats):
    text = """---
title: Report
date: 2024-01-31
tags: [a, 2]
---
lost

# The *big* [one](https://e.test)

para `code` **bold**
next ![alt](i.png)

- item
- > quoted

```
gone
```

| Name | N |
|---|---|
| *x* | 1 |
| y |

Setext
------
end
"""
    assert await formats.decode("markdown", text) == {
        "frontMatter": {"title": "Report", "date": "2024-01-31", "tags": ["a", 2]},
        "tables": [[{"Name": "x", "N": "1"}, {"Name": "y", "N": ""}]],
        "sections": [
            {"heading": "The big one", "level": 1, "content": "para code bold next alt\nitem\nquoted"},
            {"heading": "Setext", "level": 2, "content": "end"},
        ],
    }


@pytest.mark.parametrize("schema", ["Results", "## Results"])
async def test_a_heading_chooses_sections(formats: Formats, schema: str):
    value = await formats.decode("markdown", "# Intro\na\n## Results 2024\nb\n## Other\nc", schema)

    assert isinstance(value, dict)
    assert value["sections"] == [{"heading": "Results 2024", "level": 2, "content": "b"}]


@pytest.mark.parametrize("head", ["---\n- a\n---\n", "---\na: *b\n---\n", "---\nopen\n"])
async def test_front_matter_that_is_no_mapping_is_none(formats: Formats, head: str):
    value = await formats.decode("markdown", head + "# H\n")

    assert isinstance(value, dict)
    assert value["frontMatter"] == {}


# ---- avro

SCHEMA = {
    "type": "record",
    "name": "Job",
    "namespace": "t",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "at", "type": {"type": "int", "logicalType": "date"}},
        {"name": "raw", "type": "bytes"},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["ON", "OFF"]}},
        {"name": "note", "type": ["null", "string"]},
        {"name": "tags", "type": {"type": "map", "values": "double"}},
        {"name": "next", "type": ["null", {"type": "array", "items": "t.Job"}]},
    ],
}
JOB = {"id": 2**62, "at": 3, "raw": b"\xff", "state": "OFF", "note": None, "tags": {"a": 1.5}, "next": []}


def datum(schema: object, value: object) -> bytes:
    output = io.BytesIO()
    fastavro.schemaless_writer(output, fastavro.parse_schema(schema), value)
    return output.getvalue()


async def test_one_datum_is_read_by_its_schema_file(formats: Formats):
    schema = formats.write("job.avsc", json.dumps(SCHEMA))

    assert await formats.decode("avro", datum(SCHEMA, JOB), schema) == {**JOB, "raw": "/w=="}


async def test_a_container_brings_its_own_schema(formats: Formats):
    output = io.BytesIO()
    fastavro.writer(output, fastavro.parse_schema(SCHEMA), [JOB, JOB], codec="deflate")

    assert await formats.decode("avro", output.getvalue()) == [{**JOB, "raw": "/w=="}] * 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("../job.avsc", None, "outputSchema '../job.avsc' leaves the document's directory"),
        ("/etc/passwd", None, "outputSchema '/etc/passwd' leaves the document's directory"),
        ("none.avsc", None, "there is no schema file 'none.avsc'"),
        ("bad.avsc", "{", "the schema file 'bad.avsc' is no JSON"),
        ("odd.avsc", '{"type": "rec"}', "the schema file 'odd.avsc' is no Avro schema"),
        ("void.avsc", '{"type": "array", "items": "null"}', "an array of values that take no space is refused in avro"),
        (
            "empty.avsc",
            '[{"type": "record", "name": "e", "fields": []}, {"type": "array", "items": "e"}]',
            "an array of values that take no space is refused in avro",
        ),
        ("list.avsc", "[1]", "the schema file 'list.avsc' is no Avro schema"),
    ],
)
def test_a_schema_file_is_checked_at_load(directory: Path, name: str, text: str | None, said: str):
    if text is not None:
        (directory / name).write_text(text)

    with pytest.raises(SpecError) as caught:
        compile_decoder("avro", FormatSettings(output_schema=name, base_directory=directory, at=HERE))

    assert (caught.value.message, caught.value.at) == (said, HERE)


def test_a_schema_file_may_not_be_a_link_to_elsewhere(directory: Path, tmp_path: Path):
    (tmp_path / "outside.avsc").write_text('"string"')
    (directory / "link.avsc").symlink_to(tmp_path / "outside.avsc")

    with pytest.raises(SpecError, match="leaves the document's directory"):
        compile_decoder("avro", FormatSettings(output_schema="link.avsc", base_directory=directory))


# ---- protobuf

PROTO = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "money.proto";
message Order {
  enum State { OPEN = 0; PAID = 1; }
  string id = 1;
  int64 total = 2;
  repeated Line line_items = 3;
  map<string, int32> stock = 4;
  State state = 5;
  bytes raw = 6;
  optional string note = 7;
  oneof pay { string card = 8; bool cash = 9; }
  google.protobuf.Timestamp at = 10;
  double rate = 11;
  money.Price price = 12;
}
message Line { string sku = 1; }
"""


async def test_one_message_is_read_by_its_proto_file(formats: Formats):
    formats.write("money.proto", 'syntax = "proto3"; package money; message Price { int64 cents = 1; }')
    schema = formats.write("order.proto", PROTO)
    body = (
        b"\x0a\x02o1" b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f" b"\x1a\x03\x0a\x01a" b"\x1a\x00" b"\x22\x05\x0a\x01x\x10\x07"
        b"\x28\x01" b"\x32\x01\xff" b"\x48\x01" b"\x52\x02\x08\x05" b"\x62\x03\x08\xac\x02"
    )  # fmt: skip

    assert await formats.decode("protobuf", body, schema) == {
        "id": "o1",
        "total": 2**63 - 1,
        "line_items": [{"sku": "a"}, {"sku": ""}],
        "stock": {"x": 7},
        "state": "PAID",
        "raw": "/w==",
        "cash": True,
        "at": {"seconds": 5, "nanos": 0},
        "rate": 0.0,
        "price": {"cents": 300},
    }


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("", None, "answers in protobuf need the .proto file"),
        ("none.proto", None, "there is no schema file"),
        ("bad.proto", 'syntax = "proto3"; message A { strin a = 1; }', "the schema file 'bad.proto' is wrong: bad.proto:1:32"),
        ("empty.proto", 'syntax = "proto3";', "declares no message"),
        ("up.proto", 'syntax = "proto3"; import "../x.proto"; message A {}', "is wrong"),
        ("gone.proto", 'syntax = "proto3"; import "gone2.proto"; message A {}', "is wrong: gone2.proto: File not found"),
    ],
)
def test_a_proto_file_is_compiled_at_load(directory: Path, name: str, text: str | None, said: str):
    if text is not None:
        (directory / name).write_text(text)

    with pytest.raises(SpecError) as caught:
        compile_decoder("protobuf", FormatSettings(output_schema=name, base_directory=directory, at=HERE))

    assert said in caught.value.message
    assert str(directory) not in str(caught.value)


# ---- what is refused

DEEP = json.dumps({"type": "record", "name": "D", "fields": [{"name": "d", "type": ["null", "D"]}]})
TREE = 'syntax = "proto3"; message T { repeated T t = 1; string s = 2; }'


def varint(number: int) -> bytes:
    output = bytearray()
    while number > 127:
        output.append(number & 127 | 128)
        number >>= 7
    return bytes([*output, number])


def zigzag(number: int) -> bytes:
    return varint(number << 1)


def container(count: int, size: int) -> bytes:
    head = b"Obj\x01" + zigzag(1) + zigzag(11) + b"avro.schema" + zigzag(6) + b'"null"' + b"\x00" + b"s" * 16
    return head + zigzag(count) + zigzag(size) + b"s" * 16


def deflated(block: bytes) -> bytes:
    small = zlib.compress(block, 9)[2:-4]
    head = b"Obj\x01" + zigzag(2) + zigzag(11) + b"avro.schema" + zigzag(5) + b'"int"' + zigzag(10) + b"avro.codec"
    return head + zigzag(7) + b"deflate" + b"\x00" + b"s" * 16 + zigzag(len(block)) + zigzag(len(small)) + small + b"s" * 16


def nested_message(depth: int) -> bytes:
    body = b""
    for _ in range(depth):
        body = b"\x0a" + varint(len(body)) + body
    return body


BOMBS: dict[str, tuple[str, bytes, str, str]] = {
    "html-deep": ("html", b"<div>" * 2_000_000, "", ""),
    "html-unclosed": ("html", b"<b><i><u><p>" * 20_000, "", ""),
    "html-columns": ("html", b"<table><tr>" + b"<th>a" * 2_000 + b"<tr><td>1" * 1_000_000, "", ""),
    "html-rows": ("html", b"<table><tr>" + b"<th>a" * 900 + b"<tr><td>1" * 1_000_000, "", ""),
    "markdown-large": ("markdown", b"*a" * 5_000_000, "", ""),
    "markdown-brackets": ("markdown", b"![[a](b" * 9_000, "", ""),
    "avro-lying-length": ("avro", zigzag(2**40) + b"x", "s.avsc", '"string"'),
    "avro-negative-length": ("avro", b"\x01x", "s.avsc", '"string"'),
    "avro-endless-varint": ("avro", b"\xff" * 1000, "s.avsc", '"string"'),
    "avro-inflated": ("avro", deflated(b"\x00" * 20_000_000), "", ""),
    "avro-block": ("avro", container(2**40, 0), "", ""),
    "avro-deep": ("avro", b"\x02" * 1_000_000, "d.avsc", DEEP),
    "avro-rest": ("avro", b"\x02xyz", "s.avsc", '"string"'),
    "avro-garbage": ("avro", b"Obj\x01" + b"\xff" * 500, "", ""),
    "avro-no-schema": ("avro", b"\x02x", "", ""),
    "protobuf-deep": ("protobuf", nested_message(5_000), "t.proto", TREE),
    "protobuf-many": ("protobuf", b"\x0a\x00" * 3_000_000, "t.proto", TREE),
    "protobuf-cut": ("protobuf", b"\x0a\xff\xff\xff\x7f", "t.proto", TREE),
    "protobuf-text": ("protobuf", b"\x12\x02\xff\xfe", "t.proto", TREE),
    "protobuf-garbage": ("protobuf", b"{}" * 100, "t.proto", TREE),
}


@pytest.mark.parametrize("bomb", [*BOMBS])
async def test_a_bomb_harms_nobody(formats: Formats, bomb: str):
    name, body, schema, text = BOMBS[bomb]
    if text:
        formats.write(schema, text)

    with pytest.raises(RequestError) as caught:
        await formats.decode(name, body, schema)

    assert caught.value.status == 502
    assert await formats.decode("html", "<table><tr><th>k</th></tr></table>") == {"tables": [[]]}


async def test_a_mutated_body_never_ends_this_process(formats: Formats):
    schema = formats.write("job.avsc", json.dumps(SCHEMA))
    good = datum(SCHEMA, JOB)

    for position in range(len(good)):
        body = good[:position] + bytes([good[position] ^ 0xFF]) + good[position + 1 :]
        try:
            await formats.decode("avro", body, schema)
        except RequestError as exc:
            assert exc.status in (502, 504)
