"""``NAME.mock.yaml`` in, a ``MockDocument`` out: the answers of the built-in upstream, with mistakes named by place.

The file has three keys. ``operations`` lists answers by ``namespace.operation``; the first whose ``when`` holds is given.
``refusals`` words what the upstream says by itself, before any answer: ``unauthenticated``, ``invalid``, ``unknown``,
``method``. ``rows`` names lists that several answers filter, order and page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from naftiko_run.document.nodes import Node
from naftiko_run.document.reader import read_document
from naftiko_run.errors import Problems, SpecError, UnresolvedReference
from naftiko_run.mock.answer import Answer
from naftiko_run.mock.condition import compile_conditions
from naftiko_run.mock.request import PLACES
from naftiko_run.mock.rows import RowQuery
from naftiko_run.records import field, record

REFUSALS = ("unauthenticated", "invalid", "unknown", "method")
_DOCUMENT_KEYS = frozenset({"description", "refusals", "rows", "operations"})
_ANSWER_KEYS = frozenset({"when", "status", "headers", "body", "text", "rows"})
_ROW_KEYS = frozenset({"of", "into", "format", "equal", "since", "until", "sort", "descending", "order", "page", "limit"})


@record
class MockDocument:
    """``places`` are where the operations are written, for whoever knows which operations exist."""

    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    refusals: Mapping[str, Answer] = field(default_factory=dict)
    places: Mapping[str, Node] = field(default_factory=dict)


def mock_path(capability: Path) -> Path:
    """Where the answers for a capability file stand: ``shop.yaml`` has ``shop.mock.yaml`` beside it."""
    return capability.with_name(capability.name.removesuffix(capability.suffix) + ".mock.yaml")


def read_mock_document(path: Path, problems: Problems) -> MockDocument:
    """The document at ``path``, an empty one where there is no such file; mistakes go to ``problems``."""
    if not path.exists():
        return MockDocument()
    return compile_mock_document(read_document(path), problems)


def compile_mock_document(root: Node, problems: Problems) -> MockDocument:
    _refuse_unknown(root, _DOCUMENT_KEYS, "key of a mock document", problems)
    rows = dict(_entries(root, "rows"))
    operations = dict(_entries(root, "operations"))
    return MockDocument(
        answers={ref: tuple(_answers(node, rows, problems)) for ref, node in operations.items()},
        refusals={name: answer for name, node in _entries(root, "refusals") for answer in _refusal(name, node, problems)},
        places=operations,
    )


def _entries(root: Node, key: str) -> list[tuple[str, Node]]:
    node = root.get(key)
    return [] if node is None else list(node.items())


def _refusal(name: str, node: Node, problems: Problems) -> list[Answer]:
    if name not in REFUSALS:
        problems.add(UnresolvedReference("refusal", name, known=REFUSALS, at=node.key_location, code="E-MOCK"))
        return []
    return list(_answers(node, {}, problems))


def _answers(node: Node, rows: Mapping[str, Node], problems: Problems) -> list[Answer]:
    """One answer, or a list of them; a wrong one is reported and left out."""
    found: list[Answer] = []
    for item in node.elements() if node.is_list else [node]:
        try:
            found.append(_answer(item, rows, problems))
        except SpecError as error:
            problems.error("E-MOCK", error.message, error.at, error.hint)
    return found


def _answer(node: Node, rows: Mapping[str, Node], problems: Problems) -> Answer:
    if not node.is_map:
        raise SpecError("an answer is a map", at=node, hint="for example `{status: 200, body: {...}}`")
    _refuse_unknown(node, _ANSWER_KEYS, "key of an answer", problems)
    if node.get("body") is not None and node.get("text") is not None:
        raise SpecError("an answer has either `body` or `text`", at=node, hint="`body` is sent as JSON, `text` as written")
    when, headers, body, query = node.get("when"), node.get("headers"), node.get("body"), node.get("rows")
    return Answer(
        status=_status(node),
        headers=tuple((name, value.text) for name, value in headers.items()) if headers else (),
        body=body.plain() if body else None,
        text=node.get_text("text") if node.get("text") else None,
        rows=_row_query(query, rows, problems) if query else None,
        when=compile_conditions(when) if when else (),
    )


def _status(node: Node) -> int:
    status = node.get("status")
    if status is None:
        return 200
    number = node.get_int("status")
    if number is None or not 200 <= number <= 599:
        raise SpecError(f"{status.text!r} is no status an upstream answers with", at=status, hint="a number from 200 to 599")
    return number


def _row_query(node: Node, rows: Mapping[str, Node], problems: Problems) -> RowQuery:
    _refuse_unknown(node, _ROW_KEYS, "key of a row query", problems)
    name = node.get_text("of")
    if name not in rows:
        raise UnresolvedReference("rows", name, known=rows, at=node.get("of") or node)
    return RowQuery(
        items=tuple(dict[str, object](item) for one in rows[name].elements() if isinstance(item := one.plain(), dict)),
        into=node.get_text("into"),
        format=node.get_text("format", default="json"),
        equal=_references(node, "equal"),
        since=_references(node, "since"),
        until=_references(node, "until"),
        sort=node.get_text("sort"),
        order=_reference(node.get("order")),
        page=_reference(node.get("page")),
        limit=_reference(node.get("limit")),
        descending=node.get_bool("descending") is not False,
    )


def _references(node: Node, key: str) -> dict[str, str]:
    """Column -> reference."""
    entries = node.get(key)
    return {column: _reference(value) for column, value in entries.items()} if entries else {}


def _reference(node: Node | None) -> str:
    if node is None:
        return ""
    place, _, name = node.text.partition(".")
    if place not in PLACES[:-1] or not name:
        raise SpecError(f"{node.text!r} names no part of a request", at=node, hint="for example query.page")
    return node.text


def _refuse_unknown(node: Node, known: frozenset[str], kind: str, problems: Problems) -> None:
    for key, value in node.items():
        if key not in known:
            problems.add(UnresolvedReference(kind, key, known=known, at=value.key_location, code="E-MOCK"))
