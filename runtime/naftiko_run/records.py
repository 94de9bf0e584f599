"""A class of annotated names in, a record out: frozen, slotted, made by keywords. ``dataclasses`` without its price at import.

A standard dataclass has five to eight methods written as source and compiled the moment its module is imported, and imports
``inspect`` to do so: with some two hundred of them that was a third of a cold start. Here all records share their methods but
``__init__``, which is written when a class is used more than a few times, and is then as quick as a hand-written one::

    @record
    class Route:
        path: str
        methods: tuple[str, ...] = ("GET",)
        headers: dict[str, str] = field(default_factory=dict)

What the standard library says of dataclasses holds for records, inheritance and ``__post_init__`` included: two are equal when
they are of one class and their fields are, ``replace`` makes a changed copy, ``dataclasses.fields`` and ``asdict`` take them.
Class variables are not annotated.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform, overload

if TYPE_CHECKING:
    from dataclasses import field, replace

__all__ = ["field", "record", "replace", "values_of"]

T = TypeVar("T")
_MISSING: Any = object()
_FEW = 5


class _Field:
    """What is known of one field."""

    __slots__ = ("compare", "default", "factory", "init", "kw_only", "name", "repr")

    def __init__(self, default: Any, factory: Any, init: bool, repr: bool, compare: bool) -> None:
        self.default, self.factory, self.init, self.repr, self.compare = default, factory, init, repr, compare
        self.name, self.kw_only = "", True


if not TYPE_CHECKING:  # a type checker knows the standard ones best

    def field(*, default=_MISSING, default_factory=_MISSING, init=True, repr=True, compare=True):
        """A field that is more than its annotation; the words are those of ``dataclasses.field``."""
        return _Field(default, default_factory, init, repr, compare)

    def replace(instance, /, **changes):
        """A copy with other values."""
        for one in instance.__fields__:
            if one.init and one.name not in changes:
                changes[one.name] = getattr(instance, one.name)
        return type(instance)(**changes)


def values_of(instance: Any) -> dict[str, Any]:
    """The fields of a record by name, as they are."""
    return {one.name: getattr(instance, one.name) for one in instance.__fields__}


@overload
def record(cls: type[T], /) -> type[T]: ...
@overload
def record(*, frozen: bool = True, kw_only: bool = True) -> Callable[[type[T]], type[T]]: ...
@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def record(cls: type[Any] | None = None, /, *, frozen: bool = True, kw_only: bool = True) -> Any:
    """Make a class a record. One that is not ``frozen`` can be changed, and has no hash."""
    if cls is None:
        return lambda cls: _record(cls, frozen, kw_only)
    return _record(cls, frozen, kw_only)


def _record(cls: Any, frozen: bool, kw_only: bool) -> Any:
    content = dict(cls.__dict__)
    own = content.get("__annotations__", {})
    inherited = [one for base in reversed(cls.__mro__[1:]) for one in base.__dict__.get("__fields__", ())]
    known = {one.name: one for one in inherited}
    for name in own:
        value = content.pop(name, _MISSING)
        one = value if isinstance(value, _Field) else _Field(value, _MISSING, True, True, True)
        one.name, one.kw_only = name, kw_only
        known[name] = one
    content.pop("__dict__", None)
    content.pop("__weakref__", None)
    fields = tuple(known.values())
    slotted = {one.name for one in inherited}
    content["__slots__"] = tuple(name for name in own if name not in slotted)
    content["__fields__"] = fields
    content["__match_args__"] = tuple(one.name for one in fields if one.init and not one.kw_only)
    content["__dataclass_fields__"] = _STANDARD
    content["__key__"] = attrgetter(*([one.name for one in fields if one.compare] or ["__fields__"]))
    for name, method in (_FROZEN if frozen else _CHANGEABLE).items():
        content.setdefault(name, method)
    if content.get("__hash__", ...) is None and frozen:  # Python says so wherever a class has its own __eq__
        content["__hash__"] = _hash
    made: Any = type(cls)(cls.__name__, cls.__bases__, content)
    made.__qualname__ = cls.__qualname__
    if "__init__" not in content:
        made.__init__ = _late_init(made, frozen)
    return made


def _late_init(cls: Any, frozen: bool) -> Callable[..., None]:
    """What makes the first few of a class, of which there may never be more; then one that is written for it takes over."""
    made = 0

    def __init__(self: Any, *arguments: Any, **values: Any) -> None:
        nonlocal made
        made += 1
        if made > _FEW or not _fill(self, cls, arguments, values):
            init = cls.__init__ = _written_init(cls, frozen)
            init(self, *arguments, **values)

    return __init__


def _fill(self: Any, cls: Any, arguments: tuple[Any, ...], values: dict[str, Any]) -> bool:
    """Set all fields; false where something is missing or too much, which a written ``__init__`` says better."""
    if arguments:
        by_place = dict(zip(cls.__match_args__, arguments, strict=False))
        if len(by_place) < len(arguments) or not by_place.keys().isdisjoint(values):
            return False
        values = by_place | values
    given = 0
    for one in cls.__fields__:
        if one.init and one.name in values:
            given += 1
            value = values[one.name]
        elif one.factory is not _MISSING:
            value = one.factory()
        elif one.default is not _MISSING:
            value = one.default
        elif one.init:
            return False
        else:
            continue  # left to __post_init__
        object.__setattr__(self, one.name, value)
    if given < len(values):
        return False
    if hasattr(cls, "__post_init__"):
        self.__post_init__()
    return True


def _written_init(cls: type[Any], frozen: bool) -> Callable[..., None]:
    """The ``__init__`` of a class, compiled. A frozen one sets its slots past ``__setattr__``."""
    fields: tuple[_Field, ...] = cls.__fields__
    names: dict[str, Any] = {"_MISSING": _MISSING}
    by_place: list[str] = []
    by_name: list[str] = []
    lines: list[str] = []
    for one in fields:
        parameter, value = one.name, one.name
        if one.factory is not _MISSING:
            names[f"_make_{one.name}"] = one.factory
            value = f"_make_{one.name}()"
            if one.init:
                parameter, value = f"{one.name}=_MISSING", f"{value} if {one.name} is _MISSING else {one.name}"
        elif one.default is not _MISSING:
            names[f"_default_{one.name}"] = one.default
            parameter = f"{one.name}=_default_{one.name}"
            value = value if one.init else f"_default_{one.name}"
        elif not one.init:
            continue  # left to __post_init__
        if one.init:
            (by_name if one.kw_only else by_place).append(parameter)
        if frozen:
            names[f"_set_{one.name}"] = getattr(cls, one.name).__set__
            lines.append(f"_set_{one.name}(self, {value})")
        else:
            lines.append(f"self.{one.name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(["self", *by_place, *(["*", *by_name] if by_name else [])])
    outer = ", ".join(names)
    body = "\n  ".join(lines or ["pass"])
    space: dict[str, Any] = {}
    exec(f"def make({outer}):\n def __init__({parameters}):\n  {body}\n return __init__", space)  # noqa: S102
    init: Callable[..., None] = space["make"](**names)
    init.__qualname__ = f"{cls.__qualname__}.__init__"
    init.__module__ = cls.__module__
    return init


@recursive_repr()
def _repr(self: Any) -> str:
    shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in self.__fields__ if one.repr)
    return f"{type(self).__qualname__}({shown})"


def _eq(self: Any, other: Any) -> Any:
    if other.__class__ is not self.__class__:
        return NotImplemented
    return self is other or self.__key__(self) == self.__key__(other)


def _hash(self: Any) -> int:
    return hash(self.__key__(self))


def _refuse_set(self: Any, name: str, value: object) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_delete(self: Any, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, one.name) for one in self.__fields__]


def _set_state(self: Any, state: list[Any]) -> None:
    for one, value in zip(self.__fields__, state, strict=True):
        object.__setattr__(self, one.name, value)


class _Standard:
    """What the functions of ``dataclasses`` look for, made when one of them does."""

    def __get__(self, instance: object, owner: Any) -> dict[str, Any]:
        import dataclasses

        fields: list[Any] = []
        for one in owner.__fields__:
            given = {"default": one.default, "default_factory": one.factory}
            given = {name: value for name, value in given.items() if value is not _MISSING}
            fields.append((one.name, Any, dataclasses.field(init=one.init, repr=one.repr, compare=one.compare, **given)))
        twin: Any = dataclasses.make_dataclass(owner.__name__, fields, kw_only=True)
        found: dict[str, Any] = twin.__dataclass_fields__
        return found


_STANDARD = _Standard()
_CHANGEABLE: dict[str, Any] = {"__repr__": _repr, "__eq__": _eq, "__hash__": None}
_FROZEN: dict[str, Any] = {
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": _hash,
    "__setattr__": _refuse_set,
    "__delattr__": _refuse_delete,
    "__getstate__": _get_state,
    "__setstate__": _set_state,
}
