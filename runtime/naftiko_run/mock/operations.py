"""Consumed operations and a mock document in, the table of a built-in upstream out."""

from __future__ import annotations

import re
from collections.abc import Iterable

from naftiko_run.consumes.operation import Operation
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.errors import Problems, UnresolvedReference
from naftiko_run.mock.condition import Condition
from naftiko_run.mock.document import MockDocument
from naftiko_run.mock.sample import SamplePaths, sample_answer
from naftiko_run.mock.table import MockOperation, MockTable, namespace_prefix

DIGEST_CHALLENGE = 'Digest realm="mock", nonce="bW9jaw", qop="auth", algorithm=SHA-256'


def mock_table(
    operations: Iterable[Operation], document: MockDocument, paths: SamplePaths, problems: Problems, *, owner: str = ""
) -> MockTable:
    """The table for ``operations``; an operation without an answer of its own gets a sample made from its declared outputs."""
    declared = list(operations)
    known = {operation.ref for operation in declared}
    for ref in document.answers:
        if ref not in known:
            problems.add(
                UnresolvedReference("operation", ref, known=known, at=document.places[ref].key_location, code="E-MOCK")
            )
    table = [_mock_operation(operation, document, paths, owner) for operation in declared if operation.unavailable is None]
    # The more literal a path, the earlier it is tried; declaration order decides the rest.
    table.sort(key=lambda operation: len(operation.variables))
    return MockTable(operations=tuple(table), refusals=document.refusals)


def _mock_operation(operation: Operation, document: MockDocument, paths: SamplePaths, owner: str) -> MockOperation:
    pattern, variables = _path_pattern(operation, owner)
    parameters = [(p, _reference(p)) for p in operation.parameters if p.place in ("query", "header", "body", "form")]
    answers = (*document.answers.get(operation.ref, ()), sample_answer(operation, paths.get(operation.ref, ())))
    return MockOperation(
        ref=operation.ref,
        method=operation.method,
        path=pattern,
        variables=variables,
        credentials=_credentials(operation),
        challenge=_challenge(operation),
        required=tuple(reference for p, reference in parameters if p.required and p.value is None),
        types={reference: p.type for p, reference in parameters if p.type in ("integer", "number", "boolean")},
        fixed=tuple(_fixed(operation)),
        answers=answers,
    )


def _path_pattern(operation: Operation, owner: str) -> tuple[str, tuple[str, ...]]:
    pieces = [re.escape(namespace_prefix(operation.consumer.namespace, owner))]
    variables: list[str] = []
    for part in operation.path.parts:
        if isinstance(part, str):
            pieces.append(re.escape(part))
        else:
            pieces.append("(.+)" if part.spans else "([^/]+)")
            variables.append(part.name)
    return "".join(pieces), tuple(variables)


def _reference(parameter: Parameter) -> str:
    """A parameter called ``body`` is the whole of it, not a field."""
    if parameter.place in ("body", "form"):
        return "body" if parameter.name == "body" else f"body.{parameter.name}"
    return f"{parameter.place}.{parameter.name}"


def _credentials(operation: Operation) -> tuple[str, ...]:
    """What a request must carry. An access token is not asked for: whoever issues it is not played here."""
    authentication = operation.consumer.authentication
    if authentication is None or authentication.kind == "oauth2":
        return ()
    headers = (f"header.{name}" for name in sorted(authentication.header_names))
    return (*headers, *(f"query.{name}" for name in sorted(authentication.query_names)))


def _challenge(operation: Operation) -> str:
    authentication = operation.consumer.authentication
    return DIGEST_CHALLENGE if authentication is not None and authentication.kind == "digest" else ""


def _fixed(operation: Operation) -> Iterable[Condition]:
    """Values that the document itself puts into every request of this operation."""
    for name, value in operation.path.headers:
        yield Condition(reference=f"header.{name}", test="equals", operand=value)
    for name, parts in operation.path.query:
        if all(isinstance(part, str) for part in parts):
            yield Condition(reference=f"query.{name}", test="equals", operand="".join(map(str, parts)))
    for parameter in operation.parameters:
        if parameter.value is not None and parameter.value.is_literal and parameter.place in ("query", "header"):
            yield Condition(reference=_reference(parameter), test="equals", operand=parameter.value.source)
