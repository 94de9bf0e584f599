"""What an answer asks of a request before it is given: ``query.period: {in: [7d, 30d]}`` becomes a ``Condition``.

Values compare as text, because a path, a query and a header have nothing else; ``below`` and ``above`` compare numbers.
Patterns run in RE2 and have to match the whole value (requirement S44).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from naftiko_run.document.nodes import Node
from naftiko_run.errors import SpecError, UnresolvedReference
from naftiko_run.expressions.text import to_text
from naftiko_run.mock.request import PLACES, MockRequest
from naftiko_run.records import record

Test = Callable[[object, object], bool]


@record
class Condition:
    """``reference`` is ``place.name``, ``test`` a word of ``TESTS``, ``operand`` what follows it."""

    reference: str
    test: str
    operand: object = None

    def holds(self, request: MockRequest) -> bool:
        return TESTS[self.test](request.value(self.reference), self.operand)


def compile_conditions(when: Node) -> tuple[Condition, ...]:
    """All conditions under a ``when``; all have to hold."""
    if not when.is_map:
        raise SpecError("`when` takes a map of conditions", at=when, hint="for example `when: {query.period: 30d}`")
    return tuple(condition for reference, node in when.items() for condition in _compile(reference, node))


def _compile(reference: str, node: Node) -> list[Condition]:
    place, dot, name = reference.partition(".")
    if place not in PLACES[:-1] or not (name or place == "body") or (dot and not name):
        hint = "write it as path.NAME, query.NAME, header.NAME or body.FIELD"
        raise SpecError(f"condition on {reference!r} names no part of a request", at=node.key_location, hint=hint)
    if node.is_list:
        return [Condition(reference=reference, test="in", operand=node.plain())]
    if not node.is_map:
        return [Condition(reference=reference, test="equals", operand=node.plain())]
    return [_test(reference, word, operand) for word, operand in node.items()]


def _test(reference: str, word: str, operand: Node) -> Condition:
    if word not in TESTS:
        raise UnresolvedReference("comparison", word, known=TESTS, at=operand.key_location)
    if word == "pattern":
        _check_pattern(operand)
    if word in ("below", "above") and not (isinstance(operand.value, (int, float)) and not isinstance(operand.value, bool)):
        raise SpecError(f"`{word}` takes a number", at=operand)
    if word == "in" and not operand.is_list:
        raise SpecError("`in` takes a list", at=operand)
    return Condition(reference=reference, test=word, operand=operand.plain())


def _check_pattern(operand: Node) -> None:
    import re2

    try:
        re2.compile(operand.text)
    except re2.error as exc:
        raise SpecError(f"pattern {operand.text!r} is not a regular expression", at=operand) from exc


# ---- comparisons: (what the request has, what the document says)


def _equals(value: object, operand: object) -> bool:
    return value is not None and to_text(value) == to_text(operand)


def _in(value: object, operand: object) -> bool:
    return isinstance(operand, list) and any(_equals(value, one) for one in operand)


def _matches(value: object, operand: object) -> bool:
    return value is not None and _pattern(str(operand)).fullmatch(to_text(value)) is not None


def _absent(value: object, operand: object) -> bool:
    return (value is None) == bool(operand)


def _below(value: object, operand: object) -> bool:
    number = to_number(value)
    return number is not None and isinstance(operand, (int, float)) and number < operand


def _above(value: object, operand: object) -> bool:
    number = to_number(value)
    return number is not None and isinstance(operand, (int, float)) and number > operand


def to_number(value: object) -> float | None:
    """``value`` as a number, where its text is one."""
    try:
        return float(to_text(value))
    except ValueError:
        return None


@lru_cache
def _pattern(text: str) -> re2._Regexp:  # type: ignore[name-defined]  # noqa: F821  # imported below
    import re2

    return re2.compile(text)


TESTS: dict[str, Test] = {
    "equals": _equals,
    "in": _in,
    "pattern": _matches,
    "absent": _absent,
    "below": _below,
    "above": _above,
}
