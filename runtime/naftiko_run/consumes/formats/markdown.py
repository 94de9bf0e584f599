"""``markdown``: front matter, tables and sections of a document, all inline markup flattened to text.

``outputSchema`` keeps the sections whose heading starts with it; ``## Results`` is taken as ``Results``, which is what its
author means. Text before the first heading and code blocks are left out. Runs in a worker: the parser is not a quick one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TYPE_CHECKING

import orjson

from naftiko_run.consumes.formats.registry import Convert, Decoder, FormatSettings
from naftiko_run.consumes.formats.schema_file import require
from naftiko_run.consumes.formats.text import read_text
from naftiko_run.consumes.formats.yaml import decode_yaml
from naftiko_run.errors import UpstreamBroken
from naftiko_run.limits import DEFAULT_LIMITS, KIB

if TYPE_CHECKING:
    from markdown_it.token import Token

LARGEST = 256 * KIB
"""A second or two of the parser's time."""
BRACKETS = 5_000
"""Opening brackets are looked through again and again until one of them closes."""

_FENCE = "---"


def decode_markdown(body: bytes, charset: str, /, *, heading: str) -> dict[str, object]:
    if len(body) > LARGEST:
        raise UpstreamBroken("the upstream's Markdown is larger than 256 KiB")
    front_matter, text = _split(read_text(body, charset).replace("\r\n", "\n"))
    if text.count("[") > BRACKETS:
        raise UpstreamBroken(f"the upstream's Markdown has more than {BRACKETS:,} brackets")
    tokens = _parse(text)
    sections = [section for section in _sections(tokens) if str(section["heading"]).startswith(heading)]
    return {"frontMatter": front_matter, "tables": list(_tables(tokens)), "sections": sections}


def _parse(text: str) -> list[Token]:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").enable("table").parse(text)


def _split(text: str) -> tuple[dict[str, object], str]:
    """Front matter, ``{}`` where there is none or it is no mapping, and the rest."""
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        return {}, text
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.rstrip() == _FENCE), 0)
    if not end:
        return {}, text
    try:
        value = decode_yaml("\n".join(lines[1:end]).encode(), "utf-8", limits=DEFAULT_LIMITS)
    except (UpstreamBroken, ValueError):
        value = None
    return value if isinstance(value, dict) else {}, "\n".join(lines[end + 1 :])


def _sections(tokens: list[Token]) -> Iterator[dict[str, object]]:
    """One section for each heading at top level, flat; what is inside a table or a quoted heading is none."""
    section: dict[str, object] | None = None
    content: list[str] = []
    in_table = False
    for index, token in enumerate(tokens):
        if token.type == "heading_open" and token.level == 0:
            if section is not None:
                yield {**section, "content": "\n".join(content)}
            section, content = {"heading": _flat(tokens[index + 1]), "level": int(token.tag[1:])}, []
        elif token.type in ("table_open", "table_close"):
            in_table = token.type == "table_open"
        elif token.type == "inline" and not in_table and not (token.level == 1 and tokens[index - 1].type == "heading_open"):
            content.append(_flat(token))
    if section is not None:
        yield {**section, "content": "\n".join(content)}


def _tables(tokens: list[Token]) -> Iterator[list[dict[str, str]]]:
    """The tables at top level: the head's cells name the values of each row."""
    rows: list[list[str]] = []
    inside = False
    for token in tokens:
        if token.type == "table_open" and token.level == 0:
            rows, inside = [], True
        elif token.type == "table_close" and inside:
            yield [dict(zip(rows[0], row, strict=False)) for row in rows[1:]]
            inside = False
        elif inside and token.type == "tr_open":
            rows.append([])
        elif inside and token.type == "inline":
            rows[-1].append(_flat(token))


def _flat(token: Token) -> str:
    return "".join(_texts(token.children or ()))


def _texts(tokens: Iterable[Token]) -> Iterator[str]:
    for token in tokens:
        if token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"
        elif token.type == "image":
            yield from _texts(token.children or ())
        elif token.type in ("text", "code_inline", "text_special"):
            yield token.content


def rebuild(options: dict[str, str]) -> Convert:
    return partial(decode_markdown, heading=options["heading"])


def prepare() -> None:
    """Load the parser whole: it imports some of itself on first use."""
    _parse("# a *b* [c](d)\n\n|a|b|\n|-|-|\n|1|2|\n\n- &amp; `x` ![y](z) <https://e.test>\n")


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    require("markdown_it", "formats-markdown", settings)
    options = {"heading": settings.output_schema.strip().lstrip("#").strip()}
    return Decoder(
        name="markdown", convert=rebuild(options), isolated=True, options=orjson.dumps(options), limits=settings.limits
    )
