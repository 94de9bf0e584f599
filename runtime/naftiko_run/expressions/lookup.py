"""How a name finds its value in a scope: the whole dotted name first, then step by step, and other spellings last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from naftiko_run.expressions.scope import MISSING, Scope, dig, pick

if TYPE_CHECKING:
    from naftiko_run.expressions.jsonpath import JsonPath

_BRACKET: Final = re.compile(r"\[(-?[0-9]{1,9})\]")
# Published files write `steps.x.response.y` for what other files write `steps.x.y`.
_RESULT_WORDS: Final = frozenset({"response", "result", "output", "outputs", "body"})


def split_brackets(name: str) -> tuple[str, ...]:
    """``items[0].id`` as ``("items", "0", "id")``: a number indexes a list whichever way it is written."""
    return tuple(_BRACKET.sub(r".\1", name).lstrip(".").split("."))


def find_exactly(values: Mapping[str, object], path: tuple[str, ...]) -> object:
    """The longest leading part of ``path`` that is a key of ``values``, and the rest of it followed into its value."""
    if len(path) == 1:
        return values.get(path[0], MISSING)
    for length in range(len(path), 0, -1):
        found = values.get(".".join(path[:length]), MISSING)
        if found is not MISSING:
            return dig(found, path[length:])
    return MISSING


def find_folded(values: Mapping[str, object], path: tuple[str, ...]) -> object:
    """The same with case and punctuation ignored in the input's own name."""
    found = pick(values, ".".join(path))
    if found is MISSING and len(path) > 1:
        found = dig(pick(values, path[0]), path[1:])
    return found


def find_input(inputs: Mapping[str, object], path: tuple[str, ...]) -> object:
    found = find_exactly(inputs, path)
    if found is MISSING and any("[" in name for name in path):
        found = find_exactly(inputs, split_brackets(".".join(path)))
    return find_folded(inputs, path) if found is MISSING else found


def find_body(inputs: Mapping[str, object]) -> object:
    """The whole body is the input called ``body``."""
    return inputs.get("body", MISSING)


def find_section(inputs: Mapping[str, object], place: str, path: tuple[str, ...]) -> object:
    """``rest.query.x``: input x, or field x of an input that is itself called like the section."""
    if place == "body":
        found = find_exactly({"body": find_body(inputs)}, ("body", *path))
        return find_input(inputs, path) if found is MISSING else found
    found = find_input(inputs, path)
    return find_exactly(inputs, (place, *path)) if found is MISSING else found


def find_step(steps: Mapping[str, object], path: tuple[str, ...], inner: JsonPath | None) -> object:
    result = pick(steps, path[0])
    if inner is not None:
        return inner.find(result)
    found = dig(result, path[1:])
    if found is MISSING and len(path) > 1 and path[1] in _RESULT_WORDS:
        return dig(result, path[2:])
    return found


def find_bind(scope: Scope, namespace: str, path: tuple[str, ...]) -> object:
    """A bound variable. Only one written without a namespace may come from an input instead: a caller must not
    be able to stand in for ``env.TOKEN``."""
    name = ".".join(path)
    found: object = scope.binds.get(f"{namespace}.{name}", MISSING) if namespace else MISSING
    if found is MISSING:
        found = scope.binds.get(name, MISSING)
    if found is MISSING and not namespace:
        found = find_input(scope.inputs, path)
    return found


def find_any(scope: Scope, path: tuple[str, ...]) -> object:
    """A plain name: an input, then a step's result, then a variable, then an input spelt another way."""
    found = find_exactly(scope.inputs, path)
    if found is MISSING and scope.steps:
        found = find_exactly(scope.steps, split_brackets(".".join(path)))
    if found is MISSING and scope.binds:
        found = scope.binds.get(".".join(path), MISSING)
    return find_input(scope.inputs, path) if found is MISSING else found
