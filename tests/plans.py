"""A compiled plan as plain data that can be compared: everything but the places things were written at.

Functions that a compiler built are compared by what they are and by what they closed over, so two plans are equal only where
running them is.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Set
from dataclasses import fields, is_dataclass
from pathlib import Path

from naftiko_run.capability import Capability
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Location

_NOT_OF_THE_PLAN = {"at", "document", "findings", "path_on_disk", "dialect", "spec_version", "uses"}


def plan_of(capability: Capability) -> object:
    return comparable(capability)


def comparable(value: object) -> object:
    if value is None or isinstance(value, (str, int, float, bool, bytes, type)):
        return value
    if isinstance(value, Location):
        return None
    if isinstance(value, Node):
        return comparable(value.plain())
    if is_dataclass(value):
        return (
            type(value).__name__,
            {f.name: comparable(getattr(value, f.name)) for f in fields(value) if f.name not in _NOT_OF_THE_PLAN},
        )
    if isinstance(value, Mapping):
        return {key: comparable(item) for key, item in value.items()}
    if isinstance(value, Set):
        return sorted(map(repr, map(comparable, value)))
    if isinstance(value, (list, tuple)):
        return [comparable(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    return _function(value)


def _function(value: object) -> object:
    if isinstance(value, types.MethodType):
        return (value.__func__.__qualname__, comparable(value.__self__))
    if isinstance(value, types.FunctionType):
        return (value.__qualname__, [comparable(cell.cell_contents) for cell in value.__closure__ or ()])
    if isinstance(value, types.BuiltinFunctionType):
        return value.__qualname__
    if hasattr(value, "pattern"):  # a compiled regular expression
        return value.pattern
    slots = {
        name: getattr(value, name)
        for kind in type(value).__mro__
        for name in getattr(kind, "__slots__", ())
        if hasattr(value, name)
    }
    held = {**slots, **getattr(value, "__dict__", {})}
    return (type(value).__name__, {key: comparable(item) for key, item in held.items()})
