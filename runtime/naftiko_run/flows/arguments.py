"""``with`` and everything it leaves out: the arguments of one call, and the inputs they ask of the caller.

For each parameter of the operation: what ``with`` says for it, else an input of the same name. Keys of ``with`` that the operation
does not declare travel on as query or body fields.
"""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.consumes.operation import WITH_BODY, Operation
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.document.nodes import Node
from naftiko_run.expressions.argument import Expression, ReferenceExpression, compile_argument
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.flows.collector import InputCollector

Arguments = tuple[tuple[str, Expression], ...]


def compile_arguments(unit: Node, operation: Operation, names: Names, collector: InputCollector) -> Arguments:
    """The arguments of ``operation`` by parameter key; the inputs they need are added to ``collector``."""
    written = _written(unit, names, collector)
    used: set[str] = set()
    arguments: list[tuple[str, Expression]] = []
    leftover = _keys_for_the_body(written, operation)
    for parameter in operation.parameters:
        if parameter.value is not None:
            continue
        key, expression = _match(parameter, written, used)
        if expression is None:
            if leftover and not parameter.declared and parameter.place == "body":
                continue  # `with` writes the fields of a body that the document does not declare
            name = collector.need_parameter(parameter)
            arguments.append((parameter.key, Reference(text=name, root="input", path=(name,))))
            continue
        used.add(key)
        for reference in expression.references:
            collector.need(reference, parameter if _is_plain(expression) else None, place=parameter.place)
        arguments.append((parameter.key, expression))
    for key, expression in written.items():
        if key in used:
            continue
        for reference in expression.references:
            collector.need(reference, None, place="body" if operation.method in WITH_BODY else "query")
        arguments.append((key, expression))
    return tuple(arguments)


def _is_plain(expression: Expression) -> bool:
    """The value goes over as it is, so the parameter's type is the input's."""
    return isinstance(expression, Reference)


def _written(unit: Node, names: Names, collector: InputCollector) -> dict[str, Expression]:
    node = unit.get("with")
    written: dict[str, Expression] = {}
    if node is not None:
        for key, value in node.items():
            if not value.is_null:
                expression = compile_argument(value, names)
                written[key] = expression.reference if isinstance(expression, ReferenceExpression) else expression
    for item_name, item in unit.named("inputParameters"):
        destination = item.get_text("mapping")
        place, _, key = destination.partition(".")
        if key and place.lower() in ("queryparameters", "pathparameters", "headers", "headerparameters", "body") and key not in written:
            written[key] = Reference(text=item_name, root="input", path=(item_name,))
    return written


def _match(parameter: Parameter, written: Mapping[str, Expression], used: set[str]) -> tuple[str, Expression | None]:
    for key in (parameter.key, parameter.name):
        if key in written:
            return key, written[key]
    folded = fold(parameter.name)
    key = next((key for key in written if fold(key) == folded and key not in used), "")
    return key, written.get(key)


def _keys_for_the_body(written: Mapping[str, Expression], operation: Operation) -> bool:
    if operation.method not in WITH_BODY:
        return False
    known = {fold(p.name) for p in operation.parameters} | {fold(p.key) for p in operation.parameters}
    return any(fold(key) not in known for key in written)
