"""The pieces an output shape is made of: functions from a document and a scope to a value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from naftiko_run.expressions.jsonpath import JsonPath
from naftiko_run.expressions.plain_path import Find, follow
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.text import to_text

Shaper = Callable[[object, Scope], object]
"""``(document, scope) -> value``; ``MISSING`` where the document has nothing for it."""


def scalar(base: JsonPath | None, cut: int | None) -> Shaper:
    if base is None:
        return lambda document, scope: MISSING
    find = base.find
    if cut is None:
        return lambda document, scope: find(document)

    def shaped(document: object, scope: Scope) -> object:
        value = find(document)
        return value[:cut] if isinstance(value, str) else value

    return shaped


def untouched(document: object, scope: Scope) -> object:
    return document


Fields = tuple[tuple[str, Shaper, tuple[str, ...]], ...]
"""The properties of an object: name, shape, and the names to follow where that is all that the shape does."""


def all_fields(fields: Fields) -> Shaper:
    """Every property is present; one that the document has nothing for is null.

    Most only follow names, and need no function for the first.
    """
    plan = [_step(*one) for one in fields]

    def shaped(document: object, scope: Scope) -> object:
        built: dict[str, object] = {}
        if not isinstance(document, dict):
            for name, shape, *_ in plan:
                value = shape(document, scope)
                built[name] = None if value is MISSING else value
            return built
        get = document.get
        for name, shape, first, second, rest in plan:
            if first is None:
                value = shape(document, scope)
            else:
                value = get(first)
                if second is not None and type(value) is dict:
                    value = value.get(second)
                elif rest is not None:
                    value = rest(value)
            built[name] = None if value is MISSING else value
        return built

    return shaped


def _step(name: str, shape: Shaper, names: tuple[str, ...]) -> tuple[str, Shaper, str | None, str | None, Find | None]:
    """A property with its first name, its second where it is the last, and what follows all names but the first."""
    first = names[0] if names else None
    second = names[1] if len(names) == 2 else None
    return name, shape, first, second, follow(names[1:]) if len(names) > 1 else None


def write_fields(fields: Fields, otherwise: Shaper) -> Shaper:
    """What ``all_fields`` does, written out as one function; ``otherwise`` shapes documents that are no objects."""
    space: dict[str, Any] = {"otherwise": otherwise, "known": _known}
    values, looked_up = [], list[str]()
    for number, (name, shape, names) in enumerate(fields):
        space[f"shape{number}"] = shape
        if len(names) == 1:
            value = f"get({names[0]!r})"
        elif len(names) == 2:
            looked_up.append(f"value{number} = get({names[0]!r})")
            value = f"value{number}.get({names[1]!r}) if type(value{number}) is dict else known(shape{number}(document, scope))"
        else:
            value = f"known(shape{number}(document, scope))"
        values.append(f"{name!r}: {value}")
    lines = ["if type(document) is not dict: return otherwise(document, scope)", "get = document.get", *looked_up]
    body = "\n ".join([*lines, f"return {{{', '.join(values)}}}"])
    exec(f"def shaped(document, scope):\n {body}", space)  # noqa: S102  # names stand in it as literals only
    written: Shaper = space["shaped"]
    return written


def _known(value: object) -> object:
    return None if value is MISSING else value


def known_fields(fields: Sequence[tuple[str, Shaper]]) -> Shaper:
    """A mock has the properties that it has values for, and is nothing without any."""

    def shaped(document: object, scope: Scope) -> object:
        built = {name: value for name, shape in fields if (value := shape(document, scope)) is not MISSING}
        return built or MISSING

    return shaped


def first_of(shapes: Sequence[Shaper]) -> Shaper:
    """The first whose result is neither missing nor null; the untouched document where none is."""

    def shaped(document: object, scope: Scope) -> object:
        for shape in shapes:
            value = shape(document, scope)
            if value is not MISSING and value is not None:
                return value
        return document

    return shaped


def _to_number(value: object) -> object:
    if isinstance(value, str):
        for parse in (int, float):
            try:
                return parse(value)
            except ValueError:
                continue
    return value


def _to_boolean(value: object) -> object:
    return {"true": True, "false": False}.get(value.lower(), value) if isinstance(value, str) else value


def _to_string(value: object) -> object:
    return value if isinstance(value, str) else to_text(value)


CONVERSIONS: dict[str, Callable[[object], object]] = {
    "number": _to_number,
    "integer": _to_number,
    "boolean": _to_boolean,
    "string": _to_string,
}
