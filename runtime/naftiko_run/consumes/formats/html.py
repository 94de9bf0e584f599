"""``html``: the tables of a page, each an array of row objects under its header cells; everything else is left out.

``outputSchema`` is a CSS selector for tables, or for what holds them. Runs in a worker (requirement S43).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import orjson

from naftiko_run.consumes.formats.delimited import CELLS
from naftiko_run.consumes.formats.registry import Convert, Decoder, FormatSettings
from naftiko_run.consumes.formats.schema_file import CODE, require
from naftiko_run.consumes.formats.text import read_text
from naftiko_run.errors import SpecError, UpstreamBroken

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

TAGS = 400_000
NESTING = 500
"""Open elements at once: the parser looks through all of them at many a tag, so depth costs quadratic time."""

_UNSEEN = ["script", "style", "template", "noscript"]
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
# Elements that never enclose others, and those whose end is commonly left out and implied by what follows.
_UNCOUNTED = frozenset((
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "html", "head",
    "body", "p", "li", "dt", "dd", "td", "th", "tr", "thead", "tbody", "tfoot", "colgroup", "option", "optgroup", "rt", "rp",
))  # fmt: skip


def decode_tables(body: bytes, charset: str, /, *, selector: str, rows: int, columns: int) -> dict[str, object]:
    from selectolax.lexbor import LexborHTMLParser

    text = read_text(body, charset)
    _check_nesting(text)
    page = LexborHTMLParser(text)
    page.strip_tags(_UNSEEN)
    for line_break in page.css("br"):
        line_break.replace_with(" ")
    budget = _Budget(rows, columns)
    tables = [table for node in _selected(page, selector) if (table := _table(node, budget)) is not None]
    return {"tables": tables}


def _check_nesting(text: str) -> None:
    """Refuse a page that is costly to parse, before it is: a rough count, far above what pages are made of."""
    if text.count("<") > TAGS:
        raise UpstreamBroken(f"the upstream's page has more than {TAGS:,} tags")
    depth = 0
    for closing, name in _TAG.findall(text):
        if name.lower() not in _UNCOUNTED:
            depth = max(0, depth - 1) if closing else depth + 1
            if depth > NESTING:
                raise UpstreamBroken(f"the upstream's page is nested deeper than {NESTING} elements")


class _Budget:
    """What all tables of a page may come to."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns, self.cells = rows, columns, CELLS

    def spend(self, cells: int) -> None:
        self.rows, self.cells = self.rows - 1, self.cells - cells
        if cells > self.columns or self.rows < 0 or self.cells < 0:
            raise UpstreamBroken("the tables of the upstream's page have too many rows or columns")


def _selected(page: LexborHTMLParser, selector: str) -> list[LexborNode]:
    if not selector:
        return page.css("table")
    found: list[LexborNode] = []
    for match in page.css(selector):
        found += [match] if match.tag == "table" else match.css("table")
    return found


def _table(table: LexborNode, budget: _Budget) -> list[dict[str, str]] | None:
    """The rows of one table, ``None`` where it has no header; those of a table inside it are not its own."""
    groups: dict[str, list[LexborNode]] = {"thead": [], "tbody": [], "other": []}
    for child in _children(table):
        tag = child.tag or ""
        if tag == "tr":
            groups["other"].append(child)
        elif tag in ("thead", "tbody", "tfoot"):
            groups[tag if tag in groups else "other"] += [row for row in _children(child) if row.tag == "tr"]
    every = groups["thead"] + groups["tbody"] + groups["other"]
    header = [_text(cell) for cell in _children(every[0]) if cell.tag == "th"] if every else []
    if not any(header):
        return None
    budget.spend(len(header))
    return [row for element in groups["tbody"] or every if (row := _row(element, header, budget)) is not None]


def _row(element: LexborNode, header: list[str], budget: _Budget) -> dict[str, str] | None:
    cells = list(_children(element))
    values = [cell for cell in cells if cell.tag == "td"]
    if not values or any(cell.tag == "th" for cell in cells):
        return None
    budget.spend(len(header))
    texts = [_text(cell) for cell in values[: len(header)]]
    return dict(zip(header, texts + [""] * (len(header) - len(texts)), strict=True))


def _children(node: LexborNode) -> Iterator[LexborNode]:
    child = node.child
    while child is not None:
        yield child
        child = child.next


def _text(cell: LexborNode) -> str:
    return " ".join(cell.text(deep=True).split())


def rebuild(options: dict[str, object]) -> Convert:
    return partial(decode_tables, **options)  # type: ignore[arg-type]  # the keywords compile_decoder wrote


def prepare() -> None:
    """Load the parser, so that nothing is imported once the worker is locked in."""
    rebuild({"selector": "", "rows": 1, "columns": 1})(b"<p>", "utf-8")


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    require("selectolax", "formats-html", settings)
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    selector = settings.output_schema.strip()
    try:
        LexborHTMLParser("").css(selector or "table")
    except (SelectolaxError, ValueError) as exc:
        raise SpecError(f"outputSchema {selector!r} is no CSS selector", at=settings.at, code=CODE) from exc
    options: dict[str, object] = {
        "selector": selector,
        "rows": settings.limits.csv_rows,
        "columns": settings.limits.csv_columns,
    }
    return Decoder(name="html", convert=rebuild(options), isolated=True, options=orjson.dumps(options), limits=settings.limits)
