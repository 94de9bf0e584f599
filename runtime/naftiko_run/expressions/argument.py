"""What an author writes as a value - in ``with``, in a body - in, an ``Expression`` that keeps JSON types out.

A ``with`` value may be a bare reference (``rest.id``); in a body only tags are references, and whatever a caller leaves out is
left out of the body too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from naftiko_run.document.nodes import Node
from naftiko_run.errors import SpecError
from naftiko_run.expressions.reference import Names, Reference, parse_reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.records import record


class Expression(Protocol):
    """Evaluates to a value of any JSON type, or ``MISSING``."""

    def evaluate(self, scope: Scope) -> object: ...

    @property
    def references(self) -> tuple[Reference, ...]: ...


@record
class Constant:
    """A value fixed by the document, of its YAML type."""

    value: object

    def evaluate(self, scope: Scope) -> object:
        return self.value

    @property
    def references(self) -> tuple[Reference, ...]:
        return ()


@record
class ReferenceExpression:
    """One reference, written bare or as the only tag of a text."""

    reference: Reference

    def evaluate(self, scope: Scope) -> object:
        return self.reference.evaluate(scope)

    @property
    def references(self) -> tuple[Reference, ...]:
        return (self.reference,)


@record(kw_only=False)
class TemplateExpression:
    """Text around tags: always text, and a name without a value is empty in it. A single tag alone keeps its type."""

    template: Template

    def evaluate(self, scope: Scope) -> object:
        whole = self.template.whole
        return self.template.render_lenient(scope) if whole is None else whole.evaluate(scope)

    @property
    def references(self) -> tuple[Reference, ...]:
        return self.template.references


@record
class MapExpression:
    """A map; entries whose value is missing are left out."""

    entries: tuple[tuple[str, Expression], ...]

    def evaluate(self, scope: Scope) -> object:
        values = ((name, expression.evaluate(scope)) for name, expression in self.entries)
        return {name: value for name, value in values if value is not MISSING}

    @property
    def references(self) -> tuple[Reference, ...]:
        return _together(expression for _, expression in self.entries)


@record
class ListExpression:
    """A list; elements whose value is missing are left out."""

    elements: tuple[Expression, ...]

    def evaluate(self, scope: Scope) -> object:
        values = (expression.evaluate(scope) for expression in self.elements)
        return [value for value in values if value is not MISSING]

    @property
    def references(self) -> tuple[Reference, ...]:
        return _together(self.elements)


def compile_argument(node: Node, names: Names) -> Expression:
    """A ``with`` value: bare references, templates, constants of any type, lists and maps of them."""
    return _compile(node, lambda text, at: _argument_text(text, names, at))


def compile_body(node: Node, names: Names) -> Expression:
    """Body data: ``{{...}}`` tags at any depth, everything else as written."""
    return _compile(node, lambda text, at: _tagged_text(text, names, at))


def _compile(node: Node, compile_text: Callable[[str, Node], Expression]) -> Expression:
    if isinstance(node.value, str):
        return compile_text(node.value, node)
    if node.is_map:
        expression: Expression = MapExpression(
            entries=tuple((name, _compile(item, compile_text)) for name, item in node.items())
        )
    elif isinstance(node.value, list):
        expression = ListExpression(elements=tuple(_compile(item, compile_text) for item in node.value))
    else:
        return Constant(value=node.plain())
    return expression if expression.references or _varies(expression) else Constant(value=node.plain())


def _varies(expression: Expression) -> bool:
    """Whether anything below is more than a constant: a section may depend on names that are not listed."""
    if isinstance(expression, MapExpression):
        return any(_varies(entry) for _, entry in expression.entries)
    if isinstance(expression, ListExpression):
        return any(map(_varies, expression.elements))
    return not isinstance(expression, Constant)


def _argument_text(text: str, names: Names, at: Node) -> Expression:
    try:
        reference = parse_reference(text, names)
    except SpecError as problem:  # a JSONPath inside a step's result
        raise SpecError(problem.message, at=at, hint=problem.hint, code=problem.code) from problem
    return ReferenceExpression(reference=reference) if reference else _tagged_text(text, names, at)


def _tagged_text(text: str, names: Names, at: Node) -> Expression:
    template = compile_template(text, names, at=at)
    whole = template.whole
    if whole is not None:
        return ReferenceExpression(reference=whole)
    if all(isinstance(part, str) for part in template.parts):
        return Constant(value="".join(map(str, template.parts)))
    return TemplateExpression(template=template)


def _together(expressions: Iterable[Expression]) -> tuple[Reference, ...]:
    """The distinct references of several expressions, in order."""
    found: dict[Reference, None] = {}
    for expression in expressions:
        found.update(dict.fromkeys(expression.references))
    return tuple(found)
