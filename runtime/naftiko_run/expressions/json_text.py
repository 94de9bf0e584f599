"""JSON written as template text in, a ``Template`` whose every value lands as valid JSON out (requirement S31).

``{"name": "{{name}}", "ids": {{ids}}}``: a value between the quotes of a JSON string is escaped for it, a value outside of them
becomes one JSON value. Which of the two a tag is follows from the text before it, so it is worked out once.
"""

from __future__ import annotations

import orjson

from naftiko_run.errors import Place, SpecError
from naftiko_run.expressions.escape import json_string
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import MISSING
from naftiko_run.expressions.sections import Part, Section
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.expressions.text import to_json, to_text
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import replace


def compile_json_text(text: str, names: Names, *, at: Place = None, limits: Limits = DEFAULT_LIMITS) -> Template:
    """Compile ``text``; ``render_lenient`` writes a name without a value as ``null``, or as nothing inside a string."""
    template = compile_template(text, names, at=at, limits=limits)
    parts, _ = _encoded(template.parts, False, at)
    return replace(template, parts=parts)


def _encoded(parts: tuple[Part, ...], quoted: bool, at: Place) -> tuple[tuple[Part, ...], bool]:
    """The parts with their encoders, and whether the text after them is inside a string."""
    found: list[Part] = []
    for part in parts:
        if isinstance(part, str):
            quoted = _quoted_after(part, quoted)
            found.append(part)
        elif isinstance(part, Section):
            inside, after = _encoded(part.parts, quoted, at)
            if after != quoted:
                message = f"section '{part.tag.reference.text}' opens a JSON string that it does not close"
                raise SpecError(message, at=at, hint="put both quotes inside the section, or both outside", code="E-TEMPLATE")
            found.append(replace(part, parts=inside))
        else:
            found.append(replace(part, encode=_inside_string if quoted else _json_value))
    return tuple(found), quoted


def _quoted_after(text: str, quoted: bool) -> bool:
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\" and quoted:
            escaped = True
        elif character == '"':
            quoted = not quoted
    return quoted


def _inside_string(value: object) -> str:
    return "" if value is MISSING else json_string(to_text(value))


def _json_value(value: object) -> str:
    """One JSON value. Text that already is one stays so: a caller's query can only say ``3`` as text."""
    if value is MISSING:
        return "null"
    if value is None or isinstance(value, (bool, int, float, dict, list)):
        return to_json(value)
    text = to_text(value)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return to_json(text)
    return text
