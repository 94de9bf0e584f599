"""One raw request and the table in, one reply out: matching, the checks a real service makes, the first answer that fits.

Pure: no socket, no clock. Checks come in the order a service makes them: address, method, credential, parameters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, unquote

from naftiko_run.mock.answer import Answer, MockReply, give
from naftiko_run.mock.condition import to_number
from naftiko_run.mock.request import MockRequest, Unreadable, read_body
from naftiko_run.mock.table import MockOperation, MockTable
from naftiko_run.records import record, replace

_DEFAULTS = {
    "unauthenticated": Answer(status=401, body={"error": "{{refusal.message}}"}),
    "invalid": Answer(status=400, body={"error": "{{refusal.message}}", "parameter": "{{refusal.name}}"}),
    "unknown": Answer(status=404, body={"error": "{{refusal.message}}"}),
    "method": Answer(status=405, body={"error": "{{refusal.message}}"}),
}


@record
class RawRequest:
    """As it came: ``target`` is the raw path and query, header names are lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class MockService:
    """The table, its patterns compiled."""

    def __init__(self, table: MockTable) -> None:
        self._routes = [(re.compile(operation.path), operation) for operation in table.operations]
        self._refusals = {**_DEFAULTS, **table.refusals}

    def answer(self, raw: RawRequest) -> MockReply:
        path, _, query = raw.target.partition("?")
        request = MockRequest(
            method=raw.method, query=_first(parse_qsl(query, keep_blank_values=True)), headers=_first(raw.headers)
        )
        matches = [(match, operation) for pattern, operation in self._routes if (match := pattern.fullmatch(path))]
        if not matches:
            return self._refuse("unknown", request, path, f"there is nothing at {path}")
        served = [(match, operation) for match, operation in matches if operation.method == raw.method]
        if not served:
            return self._refuse("method", request, raw.method, f"{path} does not take {raw.method}")
        match, operation = _closest(served, request)
        variables = {name: unquote(value) for name, value in zip(operation.variables, match.groups(), strict=True)}
        return self._serve(operation, replace(request, path=variables), raw)

    def _serve(self, operation: MockOperation, request: MockRequest, raw: RawRequest) -> MockReply:
        for credential in operation.credentials:
            if not _present(request.value(credential)):
                refused = self._refuse("unauthenticated", request, credential, f"no credential in {_worded(credential)}")
                challenge = (("WWW-Authenticate", operation.challenge),) if operation.challenge else ()
                return replace(refused, headers=(*refused.headers, *challenge))
        try:
            request = replace(request, body=read_body(raw.body, request.headers.get("content-type", "application/json")))
        except Unreadable as exc:
            return self._refuse("invalid", request, "body", str(exc))
        for reference in operation.required:
            if request.value(reference) is None:
                return self._refuse("invalid", request, reference, f"{_worded(reference)} is required")
        for reference, kind in operation.types.items():
            if not _fits(request.value(reference), kind):
                return self._refuse("invalid", request, reference, f"{_worded(reference)} has to be of type {kind}")
        chosen = next(answer for answer in operation.answers if all(condition.holds(request) for condition in answer.when))
        return give(chosen, request)

    def _refuse(self, kind: str, request: MockRequest, reference: str, message: str) -> MockReply:
        name = reference.partition(".")[2] or reference
        return give(self._refusals[kind], replace(request, refusal={"name": name, "message": message}))


def _first(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        found.setdefault(name, value)
    return found


def _closest(served: list[tuple[re.Match[str], MockOperation]], request: MockRequest) -> tuple[re.Match[str], MockOperation]:
    """Of several operations at one address, the one whose fixed values the request carries; the most of them wins."""
    fitting = [one for one in served if all(condition.holds(request) for condition in one[1].fixed)]
    return max(fitting or served, key=lambda one: (-len(one[1].variables), len(one[1].fixed)))


def _present(value: object) -> bool:
    """A credential is there when something stands behind its scheme's word."""
    return isinstance(value, str) and bool(re.sub(r"^(Bearer|Basic)\b", "", value, flags=re.IGNORECASE).strip())


def _worded(reference: str) -> str:
    place, _, name = reference.partition(".")
    return f"{place} parameter {name!r}" if name and place != "header" else f"header {name!r}" if name else "the body"


def _fits(value: object, kind: str) -> bool:
    if value is None or (isinstance(value, bool) and kind == "boolean"):
        return True
    if kind == "boolean":
        return value in ("true", "false")
    number = None if isinstance(value, bool) else to_number(value)
    return number is not None and (kind == "number" or number == int(number))
