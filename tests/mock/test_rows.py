"""Lists that a request filters, orders and pages."""

from __future__ import annotations

import json

import pytest

LEDGER = """
rows:
  ledger:
  - {id: a, day: '2026-01-03T10:00:00Z', unit: USD, note: null}
  - {id: b, day: '2026-01-02T10:00:00Z', unit: EUR, note: {by: Ada}}
  - {id: c, day: '2026-01-01T10:00:00Z', unit: USD, note: {by: 'Li, nus'}}
operations:
  shop.list-orders:
    body: {page: '{{rows.page}}', total: '{{rows.total}}', pages: '{{rows.pages}}'}
    rows:
      of: ledger
      into: rows
      equal: {unit: query.unit}
      since: {day: query.from}
      until: {day: query.to}
      sort: day
      order: query.order
      page: query.page
      limit: query.limit
"""


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", "abc", id="all, newest first"),
        pytest.param("order=asc", "cba", id="oldest first"),
        pytest.param("unit=USD", "ac", id="equal"),
        pytest.param("from=2026-01-02", "ab", id="since a day"),
        pytest.param("to=2026-01-02", "bc", id="until a day, the day included"),
        pytest.param("to=2026-01-02T09:00:00Z", "c", id="until a moment"),
        pytest.param("limit=2&page=2", "c", id="second page"),
        pytest.param("limit=2&page=3", "", id="beyond the last page"),
    ],
)
def test_rows_are_chosen_by_the_request(ask, query, expected):
    _, _, body = ask(LEDGER)("GET", f"/shop/orders?{query}")

    assert "".join(row["id"] for row in json.loads(body)["rows"]) == expected


def test_totals_count_what_the_filters_left(ask):
    _, _, body = ask(LEDGER)("GET", "/shop/orders?unit=USD&limit=1&page=2")

    assert {key: value for key, value in json.loads(body).items() if key != "rows"} == {"page": 2, "total": 2, "pages": 2}


def test_rows_become_csv_with_nested_columns(ask):
    csv = LEDGER.replace("into: rows", "format: csv")

    _, headers, body = ask(csv)("GET", "/shop/orders?unit=USD")

    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert body == 'id,day,unit,note.by\r\na,2026-01-03T10:00:00Z,USD,\r\nc,2026-01-01T10:00:00Z,USD,"Li, nus"\r\n'
