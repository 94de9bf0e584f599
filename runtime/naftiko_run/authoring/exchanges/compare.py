"""What was expected and what came in, one sentence for each difference out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naftiko_run.authoring.exchanges.upstream import Seen
from naftiko_run.document.nodes import Plain
from naftiko_run.flows.binding import parse_query
from naftiko_run.values import load_json

_LONGEST = 300


def shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def compare_request(expected: Mapping[str, Plain], seen: Seen, number: int) -> Iterator[str]:
    """How a request differs from what the test says of it."""
    where = f"upstream request {number}"
    path, _, query = seen.target.partition("?")
    if "method" in expected and expected["method"] != seen.method:
        yield f"{where}: the method is {seen.method}, expected {expected['method']}"
    if "path" in expected and expected["path"] != path:
        yield f"{where}: the path is {path!r}, expected {expected['path']!r}"
    if "target" in expected and expected["target"] != seen.target:
        yield f"{where}: the target is {seen.target!r}, expected {expected['target']!r}"
    if "query" in expected:
        wanted = {
            key: [str(v) for v in value] if isinstance(value, list) else [_text(value)]
            for key, value in _items(expected["query"])
        }
        if wanted != parse_query(query):
            yield f"{where}: the query is {parse_query(query)!r}, expected {wanted!r}"
    for name, value in _items(expected.get("headers")):
        if seen.header(name) != _text(value):
            # A header may hold a credential: what arrived is not shown.
            state = "another" if seen.header(name) is not None else "not there"
            yield f"{where}: header {name!r} is {state}, expected {_text(value)!r}"
    absent = expected.get("absent")
    for one in absent if isinstance(absent, list) else ():
        if seen.header(str(one)) is not None:
            yield f"{where}: header {one!r} is there, expected none"
    yield from compare_body(expected, seen.body, where)


def compare_body(expected: Mapping[str, Plain], content: bytes, where: str) -> Iterator[str]:
    """``body`` is JSON and exact, ``includes`` a part of it, ``text`` exact text, ``contains`` a part of that."""
    if "text" in expected and content.decode("utf-8", "replace") != expected["text"]:
        yield f"{where}: the text is {shown(content.decode('utf-8', 'replace'))}, expected {shown(expected['text'])}"
    if "contains" in expected and str(expected["contains"]) not in content.decode("utf-8", "replace"):
        yield f"{where}: {expected['contains']!r} is not in {shown(content.decode('utf-8', 'replace'))}"
    if "body" not in expected and "includes" not in expected:
        return
    if expected.get("body", True) is None and not content:
        return
    try:
        value = load_json(content)
    except ValueError:
        yield f"{where}: the body is no JSON: {shown(content.decode('utf-8', 'replace'))}"
        return
    if "body" in expected and value != expected["body"]:
        yield f"{where}: the body is {shown(value)}, expected {shown(expected['body'])}"
    if "includes" in expected:
        yield from _missing(expected["includes"], value, where, "body")


def _missing(wanted: Plain, value: object, where: str, path: str) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(value, dict):
        for key, item in wanted.items():
            if key not in value:
                yield f"{where}: {path}.{key} is not there"
            else:
                yield from _missing(item, value[key], where, f"{path}.{key}")
    elif wanted != value:
        yield f"{where}: {path} is {shown(value)}, expected {shown(wanted)}"


def compare_answer(expected: Mapping[str, Plain], status: int, headers: list[tuple[str, str]], content: bytes) -> Iterator[str]:
    if "status" in expected and expected["status"] != status:
        yield f"the answer's status is {status}, expected {expected['status']}: {shown(content.decode('utf-8', 'replace'))}"
    found = {name.lower(): value for name, value in headers}
    for name, value in _items(expected.get("headers")):
        if found.get(name.lower()) != _text(value):
            yield f"the answer's header {name!r} is {found.get(name.lower())!r}, expected {_text(value)!r}"
    yield from compare_body(expected, content, "the answer")


def _items(value: Plain) -> list[tuple[str, Plain]]:
    return list(value.items()) if isinstance(value, dict) else []


def _text(value: Plain) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
