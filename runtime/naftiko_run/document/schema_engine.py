"""A JSON Schema in, a validator out: ``jsonschema-rs`` where it is installed, ``jsonschema`` where it is not.

The compiled validator is some hundred times faster and decides; on a platform without a build of it the reference
implementation takes its place, with the same errors. Both are seen through the few attributes that ``violations`` needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from naftiko_run.records import record

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError


class Kind(Protocol):
    """What rule was broken. ``value`` is the missing key, or the unknown ones."""

    @property
    def name(self) -> str: ...

    @property
    def value(self) -> object: ...

    @property
    def error(self) -> Any: ...


class SchemaError(Protocol):
    """One error: where in the document, where in the schema, which rule."""

    @property
    def instance_path(self) -> list[str | int]: ...

    @property
    def schema_path(self) -> list[str | int]: ...

    @property
    def kind(self) -> Kind: ...


class Validator(Protocol):
    def is_valid(self, instance: Any, /) -> bool: ...

    def iter_errors(self, instance: Any, /) -> Iterator[SchemaError]: ...


def build_validator(schema: Mapping[str, object], *, pure: bool = False) -> Validator:
    """A validator of ``schema`` (2020-12). ``pure`` asks for the one in Python."""
    if not pure:
        try:
            from jsonschema_rs import Draft202012Validator

            return Draft202012Validator(schema)  # type: ignore[arg-type, return-value]  # its errors have these attributes
        except ImportError:
            pass
    return _PureValidator(schema)


@record(kw_only=False)
class _Kind:
    name: str
    value: object = None
    error: Any = None


@record(kw_only=False)
class _Instance:
    instance: object


@record(kw_only=False)
class _Error:
    instance_path: list[str | int]
    schema_path: list[str | int]
    kind: _Kind


class _PureValidator:
    def __init__(self, schema: Mapping[str, object]) -> None:
        from jsonschema import Draft202012Validator

        self._validator = Draft202012Validator(schema)

    def is_valid(self, instance: Any, /) -> bool:
        return bool(self._validator.is_valid(instance))

    def iter_errors(self, instance: Any, /) -> Iterator[SchemaError]:
        for error in self._validator.iter_errors(instance):
            yield from _translated(error)


def _translated(error: ValidationError) -> Iterator[_Error]:
    """The same error, one per missing key, as the compiled validator reports it."""
    name = str(error.validator)
    where, rule = list(error.absolute_path), list(error.absolute_schema_path)
    instance: Any = error.instance
    if "propertyNames" in rule and name != "propertyNames":
        cut = rule[: rule.index("propertyNames") + 1]
        yield _Error(where, cut, _Kind("propertyNames", error=_Instance(instance)))
    elif name == "additionalProperties":
        known = error.schema.get("properties", {}) if isinstance(error.schema, dict) else {}
        yield _Error(where, rule, _Kind(name, [key for key in instance if key not in known]))
    elif name == "required":
        wanted: Any = error.validator_value
        for key in wanted:
            if key not in instance:
                yield _Error(where, rule, _Kind(name, key))
                return
    else:
        yield _Error(where, rule, _Kind(name))
