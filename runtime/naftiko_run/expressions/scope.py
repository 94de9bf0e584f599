"""What an expression can see while one request runs: inputs, the results of earlier steps, bound variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from naftiko_run.expressions.names import fold
from naftiko_run.records import field, record


class Missing:
    """The value of a name that nobody supplied: not the same as null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()
_INDEX: Final = re.compile(r"-?[0-9]{1,9}")


@record(kw_only=False)
class Scope:
    """Immutable. ``steps`` holds results by step name, ``binds`` variables as ``NAME`` and ``namespace.NAME``."""

    inputs: Mapping[str, object] = field(default_factory=dict)
    steps: Mapping[str, object] = field(default_factory=dict)
    binds: Mapping[str, str] = field(default_factory=dict)


def pick(values: Mapping[str, object], name: str) -> object:
    """``values[name]``, else the one whose name folds to the same spelling, else ``MISSING``."""
    found = values.get(name, MISSING)
    if found is not MISSING or not values:
        return found
    wanted = fold(name)
    return next((value for key, value in values.items() if fold(key) == wanted), MISSING)


def dig(value: object, names: tuple[str, ...]) -> object:
    """Follow ``names`` into nested mappings and lists (a number indexes a list); ``MISSING`` where it ends early."""
    for name in names:
        if isinstance(value, (dict, Mapping)):  # the plain type first: it is the quick answer
            value = value.get(name, MISSING)
        elif isinstance(value, list) and _INDEX.fullmatch(name) and -len(value) <= int(name) < len(value):
            value = value[int(name)]
        else:
            return MISSING
    return value
