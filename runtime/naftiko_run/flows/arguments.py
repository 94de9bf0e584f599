"""``with`` and everything it leaves out: the arguments of one call, and the inputs they ask of the caller.

For each parameter of the operation: what ``with`` says for it, else an input of the same name. Keys of ``with`` that the
operation does not declare travel on as query or body fields, and so do inputs that the unit declares and nothing else takes
- unless the operation withholds them: a caller never fills what the configured authentication owns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache

from naftiko_run.consumes.inputs import WITH_BODY
from naftiko_run.consumes.operation import Operation
from naftiko_run.consumes.parameter import Parameter, ParameterPlace
from naftiko_run.document.nodes import Node
from naftiko_run.expressions.argument import Expression, ReferenceExpression, compile_argument
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.collector import InputCollector
from naftiko_run.records import record

Arguments = tuple[tuple[str, Expression], ...]

_DESTINATIONS = {
    "query": "query", "queryparameters": "query", "path": "path", "pathparameters": "path", "header": "header",
    "headers": "header", "headerparameters": "header", "body": "body",
}  # fmt: skip
"""What an input's ``mapping`` may start with: ``$.body.name``, ``queryParameters.like``."""


def compile_arguments(
    unit: Node, operation: Operation, names: Names, collector: InputCollector, *, only_call: bool = False
) -> Arguments:
    """The arguments of ``operation`` by parameter key; the inputs they need are added to ``collector``.

    ``only_call``: no other step could take what the unit declares.
    """
    written = dict(_written(unit, operation, names))
    used: set[str] = set()
    arguments: list[tuple[str, Expression]] = []
    fields = _writes_body_fields(written, operation)
    for parameter in operation.parameters:
        if parameter.value is not None:
            continue
        key, expression = _match(parameter, written, used)
        if expression is None:
            if fields and not parameter.declared and parameter.place == "body":
                continue  # `with` writes the fields of a body that the document does not declare
            name = collector.need_parameter(parameter, sole_body=_is_sole_body(parameter, operation))
            arguments.append((parameter.key, _own_input(name, parameter, operation)))
            continue
        used.add(key)
        for reference in expression.references:
            collector.need(reference, parameter if isinstance(expression, Reference) else None, place=parameter.place)
        if isinstance(expression, Reference) and not expression.whole_body and _is_sole_body(parameter, operation):
            collector.accept_body(collector.name_of(expression))
        arguments.append((parameter.key, expression))
    arguments += _undeclared(written, used, operation, collector)
    if only_call:
        arguments += _left_over(operation, collector)
    return tuple(arguments)


@record(kw_only=False)
class ExactInput:
    """The input of exactly this name, where another one differs in case and punctuation only (``$top`` and ``top``)."""

    name: str

    def evaluate(self, scope: Scope) -> object:
        return scope.inputs.get(self.name, MISSING)

    @property
    def references(self) -> tuple[Reference, ...]:
        return (_input(self.name),)


@lru_cache(maxsize=8192)
def _input(name: str) -> Reference:
    return Reference(text=name, root="input", path=(name,))


def _own_input(name: str, parameter: Parameter, operation: Operation) -> Expression:
    alike = sum(fold(one.key) == fold(parameter.key) for one in operation.parameters)
    return ExactInput(name) if alike > 1 else _input(name)


def _is_sole_body(parameter: Parameter, operation: Operation) -> bool:
    return parameter.place == "body" and sum(one.place == "body" for one in operation.parameters) == 1


# ---- written


def _written(unit: Node, operation: Operation, names: Names) -> Iterator[tuple[str, Expression]]:
    """What ``with`` says by key, then what inputs say of their own destination."""
    node = unit.get("with")
    keys = set()
    for key, value in node.items() if node is not None else ():
        if not value.is_null and not _is_withheld(key, operation):
            expression = compile_argument(value, names)
            keys.add(key)
            yield key, expression.reference if isinstance(expression, ReferenceExpression) else expression
    for name, item in unit.named("inputParameters"):
        destination = _destination(item.get_text("mapping"), operation)
        if destination and destination not in keys:
            yield destination, _input(name)


def _destination(mapping: str, operation: Operation) -> str:
    """The parameter that an input's ``mapping`` names; ``""`` where it names none, or a path variable that is not there."""
    if not mapping:
        return ""
    own = f"{operation.ref}."
    if mapping.startswith(own):
        return mapping[len(own) :]
    section, _, name = mapping.removeprefix("$.").partition(".")
    place = _DESTINATIONS.get(section.lower(), "")
    if not place or not name:
        return ""
    in_path = {fold(variable.name) for variable in operation.path.variables}
    return "" if place == "path" and fold(name) not in in_path else name


def _is_withheld(key: str, operation: Operation) -> bool:
    return key.lower() in operation.withheld and key not in operation.known


def _match(parameter: Parameter, written: Mapping[str, Expression], used: set[str]) -> tuple[str, Expression | None]:
    for key in (parameter.key, parameter.name):
        if key in written:
            return key, written[key]
    folded = fold(parameter.name)
    key = next((key for key in written if fold(key) == folded and key not in used), "")
    return key, written.get(key)


def _writes_body_fields(written: Mapping[str, Expression], operation: Operation) -> bool:
    if operation.method not in WITH_BODY:
        return False
    known = {fold(p.name) for p in operation.parameters} | {fold(p.key) for p in operation.parameters}
    return any(fold(key) not in known for key in written)


# ---- what the operation does not declare


def _undeclared(
    written: Mapping[str, Expression], used: set[str], operation: Operation, collector: InputCollector
) -> Iterator[tuple[str, Expression]]:
    """Keys of ``with`` that no parameter took: query, or fields of the body."""
    place: ParameterPlace = "body" if operation.method in WITH_BODY else "query"
    for key, expression in written.items():
        if key in used:
            continue
        for reference in expression.references:
            kind = collector.type_of(reference)
            collector.need(reference, Parameter(name=key, key=key, place=place, type=kind, declared=False), place=place)
        yield key, expression


def _left_over(operation: Operation, collector: InputCollector) -> Iterator[tuple[str, Expression]]:
    """Declared inputs that nothing takes go the same way, in files that keep to no stricter language.

    Nothing upstream says that such an input is required, so it is left to the upstream to ask for it.
    """
    for name in collector.declared():
        if not collector.is_used(name) and _is_withheld(name, operation):
            collector.drop(name)
        elif not collector.is_used(name) and collector.travels(name):
            yield name, _input(name)
    if not collector.strict:
        for name in collector.declared():
            collector.relax(name)
