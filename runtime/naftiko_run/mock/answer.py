"""What the built-in upstream says to a request: a declared ``Answer`` and a request in, status, headers and bytes out.

Texts in an answer may hold ``{{query.page}}``: a place and a name of the request, with a default after ``|``. Where a text is
one such tag alone, a number or a boolean of a query or a header becomes one in the JSON; a path's stays text, an identifier.
"""

from __future__ import annotations

import re

from naftiko_run.expressions.text import to_text
from naftiko_run.mock.condition import Condition
from naftiko_run.mock.request import MockRequest
from naftiko_run.mock.rows import RowQuery, select_rows, write_csv
from naftiko_run.records import field, record
from naftiko_run.values import dump_json

_TAG = re.compile(r"\{\{\s*([a-z]+\.[^\s{}|]+)\s*(?:\|\s*([^{}]*?)\s*)?\}\}")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,15})(\.[0-9]+)?")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None}


@record
class Answer:
    """``text`` goes out as written, ``body`` as JSON; ``rows`` go into ``body`` under their ``into``, or are the CSV text."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: object = None
    text: str | None = None
    rows: RowQuery | None = None
    when: tuple[Condition, ...] = field(default=())


@record
class MockReply:
    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


def give(answer: Answer, request: MockRequest) -> MockReply:
    """``answer`` filled in for ``request``."""
    media_type, body = _content(answer, request)
    headers = tuple((name, str(_fill_text(value, request, {}))) for name, value in answer.headers)
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers = (("Content-Type", media_type), *headers)
    return MockReply(status=answer.status, headers=headers, body=body)


def _content(answer: Answer, request: MockRequest) -> tuple[str, bytes]:
    totals: dict[str, object] = {}
    selected: list[dict[str, object]] = []
    if answer.rows is not None:
        selected, totals = select_rows(answer.rows, request)
        if answer.rows.format == "csv":
            return "text/csv; charset=utf-8", write_csv(answer.rows, selected)
    if answer.text is not None:
        return "text/plain; charset=utf-8", str(_fill_text(answer.text, request, totals)).encode()
    body = _fill(answer.body, request, totals)
    if answer.rows is not None:
        body = {**body, answer.rows.into: selected} if answer.rows.into and isinstance(body, dict) else selected
    return "application/json", b"" if body is None else dump_json(body)


def _fill(value: object, request: MockRequest, totals: dict[str, object]) -> object:
    if isinstance(value, dict):
        return {key: _fill(item, request, totals) for key, item in value.items()}
    if isinstance(value, list):
        return [_fill(item, request, totals) for item in value]
    if not isinstance(value, str) or "{{" not in value:
        return value
    whole = _TAG.fullmatch(value)
    return _typed(whole, request, totals) if whole else _fill_text(value, request, totals)


def _fill_text(text: str, request: MockRequest, totals: dict[str, object]) -> str:
    return _TAG.sub(lambda tag: to_text(_lookup(tag, request, totals)), text)


def _lookup(tag: re.Match[str], request: MockRequest, totals: dict[str, object]) -> object:
    place, _, name = tag[1].partition(".")
    found = totals.get(name) if place == "rows" else request.value(tag[1])
    return _read(tag[2]) if found is None and tag[2] is not None else found


def _typed(tag: re.Match[str], request: MockRequest, totals: dict[str, object]) -> object:
    """A query's or header's text as the JSON value it reads as."""
    value = _lookup(tag, request, totals)
    return _read(value) if isinstance(value, str) and tag[1].startswith(("query.", "header.")) else value


def _read(text: str) -> object:
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    return text if number is None else float(text) if number[2] else int(text)
