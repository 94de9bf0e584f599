"""A raw value and the word of its declared type in, the typed value out.

A caller's query can only say ``3`` as text, and models send numbers as text, so text that *is* the declared type is accepted;
anything else is ``Unfit``. ``object`` is written for lists, too, nearly everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from naftiko_run.consumes.bodies import RawBody

Converter = Callable[[object], object]


class Unfit(ValueError):
    """A value does not have the declared type; the text says what was expected."""


def _string(value: object) -> object:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise Unfit("must be text")


def _integer(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        digits = text[1:] if text[:1] in "+-" else text
        if digits.isdigit() and digits.isascii() and len(digits) <= 1000:
            return int(text)
    raise Unfit("must be an integer")


def _number(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            number = orjson.loads(value.strip().lstrip("+"))
        except ValueError:
            number = None
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            return number
    raise Unfit("must be a number")


def _boolean(value: object) -> object:
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("true", "1", 1, "yes", "on"):
        return True
    if word in ("false", "0", 0, "no", "off", ""):
        return False
    raise Unfit("must be true or false")


def _array(value: object) -> object:
    if isinstance(value, (list, RawBody)):
        return value
    if isinstance(value, str):
        parsed = _parsed(value)
        return parsed if isinstance(parsed, list) else [value]
    raise Unfit("must be an array")


def _object(value: object) -> object:
    if isinstance(value, (dict, RawBody)):
        return value
    parsed = _parsed(value) if isinstance(value, str) else None
    if isinstance(parsed, dict):
        return parsed
    if isinstance(value, list):
        return value
    raise Unfit("must be an object")


def anything(value: object) -> object:
    return value


def _parsed(text: str) -> object:
    try:
        return orjson.loads(text)
    except ValueError:
        return None


CONVERTERS: Mapping[str, Converter] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "array": _array,
    "object": _object,
    "any": anything,
    "file": anything,
}
