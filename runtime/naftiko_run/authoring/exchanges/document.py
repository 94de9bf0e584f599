"""A file of exchange tests in, ``Case``s out; a mistake in it is named by its place (``E-TEST``).

``shop.test.yaml`` beside ``shop.yaml`` tests it; any other file says ``capability: PATH``, or holds one under ``document``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from naftiko_run.document.nodes import Node, Plain
from naftiko_run.document.reader import read_document
from naftiko_run.errors import DocumentErrors, Location, Problems, suggest
from naftiko_run.records import field, record

_FILE_KEYS = ("description", "capability", "document", "environment", "tests")
_CASE_KEYS = ("name", "call", "inputs", "headers", "body", "environment", "upstream", "answer")
_EXCHANGE_KEYS = ("namespace", "request", "answer")
_REQUEST_KEYS = ("method", "path", "query", "target", "headers", "absent", "body", "includes", "text")
_REPLY_KEYS = ("status", "headers", "body", "text", "fault")
_ANSWER_KEYS = ("status", "headers", "body", "includes", "text", "contains", "isError")
FAULTS = ("reset", "cut", "empty")


@record
class Exchange:
    """One request that the upstream should see, and its answer. ``expected`` holds only what is checked."""

    namespace: str = ""
    expected: Mapping[str, Plain] = field(default_factory=dict)
    reply: Mapping[str, Plain] = field(default_factory=dict)


@record
class Case:
    """One call and everything that should come of it. ``call`` is ``METHOD /target`` or ``tool NAME``."""

    name: str
    call: str
    inputs: Mapping[str, Plain] = field(default_factory=dict)
    headers: Mapping[str, Plain] = field(default_factory=dict)
    body: Plain = None
    environment: Mapping[str, str] = field(default_factory=dict)
    exchanges: tuple[Exchange, ...] = ()
    answer: Mapping[str, Plain] = field(default_factory=dict)
    at: Location | None = None


@record
class Suite:
    """``capability`` is the file that is tested; ``document`` its text where it stands in the test file itself."""

    file: Path
    capability: Path
    document: Plain = None
    cases: tuple[Case, ...] = ()


def suite_path(capability: Path) -> Path:
    """Where the tests of a capability file stand: ``shop.yaml`` has ``shop.test.yaml`` beside it."""
    return capability.with_name(capability.name.removesuffix(capability.suffix) + ".test.yaml")


def is_suite(path: Path) -> bool:
    return path.name.endswith((".test.yaml", ".test.yml"))


def read_suite(file: Path) -> Suite:
    """The tests of one file; raises ``DocumentErrors`` naming everything that is wrong with it."""
    root = read_document(file)
    problems = Problems()
    _refuse_unknown(root, _FILE_KEYS, problems)
    named = root.get_text("capability")
    environment = {key: value.text for key, value in _items(root, "environment")}
    tests = root.get("tests")
    cases = tuple(_case(node, environment, problems) for node in tests.elements()) if tests is not None else ()
    if not cases:
        problems.error("E-TEST", "there are no tests in it", root, "write `tests:` as a list")
    if problems.errors:
        raise DocumentErrors(problems.findings)
    own = root.get("document")
    own_name = file.with_name(file.name.replace(".test.", "."))
    return Suite(
        file=file, capability=(file.parent / named) if named else own_name,
        document=own.plain() if own is not None else None, cases=cases,
    )  # fmt: skip


def _items(node: Node, key: str) -> Iterator[tuple[str, Node]]:
    child = node.get(key)
    if child is not None:
        yield from child.items()


def _refuse_unknown(node: Node, known: tuple[str, ...], problems: Problems) -> None:
    for key, child in node.items():
        if key not in known:
            problems.error("E-TEST", f"unknown key {key!r}", child.key_location, suggest(key, known))


def _plain(node: Node, key: str) -> Plain:
    child = node.get(key)
    return child.plain() if child is not None else None


def _map(node: Node, key: str, known: tuple[str, ...], problems: Problems) -> dict[str, Plain]:
    child = node.get(key)
    if child is None:
        return {}
    if not child.is_map:
        problems.error("E-TEST", f"{key!r} should be a mapping", child)
        return {}
    if known:
        _refuse_unknown(child, known, problems)
    return {name: value.plain() for name, value in child.items()}


def _case(node: Node, environment: Mapping[str, str], problems: Problems) -> Case:
    _refuse_unknown(node, _CASE_KEYS, problems)
    call = node.get_text("call")
    if " " not in call:
        problems.error(
            "E-TEST", "a test needs a call", node.get("call") or node, "write `call: GET /path` or `call: tool NAME`"
        )
    upstream = node.get("upstream")
    exchanges = [] if upstream is None else [upstream] if upstream.is_map else list(upstream.elements())
    own = {key: value.text for key, value in _items(node, "environment")}
    return Case(
        name=node.get_text("name") or call, call=call, inputs=_map(node, "inputs", (), problems),
        headers=_map(node, "headers", (), problems), body=_plain(node, "body"), environment={**environment, **own},
        exchanges=tuple(_exchange(one, problems) for one in exchanges), answer=_map(node, "answer", _ANSWER_KEYS, problems),
        at=node.location,
    )  # fmt: skip


def _exchange(node: Node, problems: Problems) -> Exchange:
    _refuse_unknown(node, _EXCHANGE_KEYS, problems)
    reply = _map(node, "answer", _REPLY_KEYS, problems)
    if reply.get("fault") not in (None, *FAULTS):
        problems.error("E-TEST", f"unknown fault {reply['fault']!r}", node.get("answer"), suggest(str(reply["fault"]), FAULTS))
    return Exchange(
        namespace=node.get_text("namespace"), expected=_map(node, "request", _REQUEST_KEYS, problems), reply=reply
    )  # fmt: skip
