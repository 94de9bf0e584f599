"""The operations a built-in upstream serves, as plain values: they travel to its process as JSON.

How they are made from a capability is in ``operations.py``, which this module must not need: the process starts quickly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from naftiko_run.mock.answer import Answer
from naftiko_run.mock.condition import Condition
from naftiko_run.mock.rows import RowQuery
from naftiko_run.records import field, record


@record
class MockOperation:
    """``path`` is a regular expression whose groups are the variables, in the order of ``variables``.

    ``credentials`` and ``required`` are references (``header.authorization``, ``query.session_id``); ``types`` says what kind
    of value a reference has to hold; ``fixed`` tells apart operations that share method and path. ``challenge`` goes with a
    refused credential.
    """

    ref: str
    method: str
    path: str
    variables: tuple[str, ...] = ()
    credentials: tuple[str, ...] = ()
    challenge: str = ""
    required: tuple[str, ...] = ()
    types: Mapping[str, str] = field(default_factory=dict)
    fixed: tuple[Condition, ...] = ()
    answers: tuple[Answer, ...] = ()


@record
class MockTable:
    """All that the upstream's process needs to know."""

    operations: tuple[MockOperation, ...] = ()
    refusals: Mapping[str, Answer] = field(default_factory=dict)


def namespace_prefix(namespace: str, owner: str = "") -> str:
    """The first segment under which a namespace is served; ``owner`` tells apart files that consume one of the same name."""
    return "/" + quote(f"{owner}~{namespace}" if owner else namespace, safe="~")


def dump_table(table: MockTable) -> dict[str, object]:
    return asdict(table)


def load_table(data: dict[str, object]) -> MockTable:
    """What ``dump_table`` made, after a journey as JSON."""
    operations, refusals = data["operations"], data["refusals"]
    if not isinstance(operations, list) or not isinstance(refusals, dict):
        raise ValueError("this is not a table of mock operations")
    return MockTable(
        operations=tuple(_load_operation(item) for item in operations),
        refusals={name: _load_answer(item) for name, item in refusals.items()},
    )


def _load_operation(item: dict[str, object]) -> MockOperation:
    plain = {name: item[name] for name in ("ref", "method", "path", "types", "challenge")}
    texts = {name: tuple(_items(item[name])) for name in ("variables", "credentials", "required")}
    fixed = tuple(Condition(**one) for one in _items(item["fixed"]))
    answers = tuple(map(_load_answer, _items(item["answers"])))
    return MockOperation(**plain, **texts, fixed=fixed, answers=answers)  # type: ignore[arg-type]  # as dump_table wrote it


def _load_answer(item: dict[str, object]) -> Answer:
    rows = item["rows"]
    return Answer(
        status=item["status"],  # type: ignore[arg-type]  # as dump_table wrote it
        headers=tuple((name, value) for name, value in _items(item["headers"])),
        body=item["body"],
        text=item["text"],  # type: ignore[arg-type]  # as dump_table wrote it
        rows=RowQuery(**{**rows, "items": tuple(rows["items"])}) if isinstance(rows, dict) else None,
        when=tuple(Condition(**one) for one in _items(item["when"])),
    )


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
