"""A list that a request filters, orders and pages: rows and a request in, one page of rows and their totals out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping

from naftiko_run.expressions.text import to_text
from naftiko_run.mock.condition import to_number
from naftiko_run.mock.request import MockRequest
from naftiko_run.records import field, record

Row = dict[str, object]


@record
class RowQuery:
    """``equal``, ``since`` and ``until`` pair a column with a reference into the request; an absent value filters nothing."""

    items: tuple[Row, ...]
    into: str = ""
    format: str = "json"
    equal: Mapping[str, str] = field(default_factory=dict)
    since: Mapping[str, str] = field(default_factory=dict)
    until: Mapping[str, str] = field(default_factory=dict)
    sort: str = ""
    order: str = ""  # a reference whose value is `asc` or `desc`
    page: str = ""
    limit: str = ""
    descending: bool = True  # where the request does not say


def select_rows(query: RowQuery, request: MockRequest) -> tuple[list[Row], dict[str, object]]:
    """The page of rows the request asks for, and ``page``, ``limit``, ``total`` and ``pages`` for ``{{rows.total}}``."""
    rows = [row for row in query.items if _kept(row, query, request)]
    if query.sort:
        asked = to_text(request.value(query.order)) if query.order else ""
        descending = asked != "asc" if asked else query.descending
        rows.sort(key=lambda row: to_text(row.get(query.sort)), reverse=descending)
    page = _positive(request, query.page, 1)
    limit = _positive(request, query.limit, max(len(rows), 1))
    totals: dict[str, object] = {"page": page, "limit": limit, "total": len(rows), "pages": -(-len(rows) // limit)}
    return rows[(page - 1) * limit : page * limit], totals


def _kept(row: Row, query: RowQuery, request: MockRequest) -> bool:
    def asked(reference: str) -> str:
        return to_text(request.value(reference))

    def cell(column: str, wanted: str) -> str:
        # A date without a time stands for the whole day: it compares with as much of the cell as it says.
        return to_text(row.get(column))[: len(wanted)] if len(wanted) == len("2026-01-01") else to_text(row.get(column))

    return (
        all(not asked(ref) or to_text(row.get(column)) == asked(ref) for column, ref in query.equal.items())
        and all(not asked(ref) or cell(column, asked(ref)) >= asked(ref) for column, ref in query.since.items())
        and all(not asked(ref) or cell(column, asked(ref)) <= asked(ref) for column, ref in query.until.items())
    )


def _positive(request: MockRequest, reference: str, default: int) -> int:
    number = to_number(request.value(reference)) if reference else None
    return int(number) if number is not None and number >= 1 else default


def write_csv(query: RowQuery, rows: list[Row]) -> bytes:
    """``rows`` as CSV with a header row; a nested map becomes columns ``outer.inner``, null an empty cell."""
    flat = [_flatten(row) for row in rows]
    columns = list(dict.fromkeys(name for row in map(_flatten, query.items) for name in row))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([to_text(row.get(column)) for column in columns] for row in flat)
    return out.getvalue().encode()


def _flatten(row: Row) -> Row:
    flat: Row = {}
    for name, value in row.items():
        if isinstance(value, dict):
            flat.update({f"{name}.{inner}": item for inner, item in value.items()})
        elif value is not None:
            flat[name] = value
    return flat
