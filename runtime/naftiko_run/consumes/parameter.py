"""One input of a consumed operation: its wire name, its place in the request, and what is known of its type."""

from __future__ import annotations

from typing import Literal

from naftiko_run.expressions.template import Template
from naftiko_run.records import record

ParameterPlace = Literal["path", "query", "header", "body", "cookie", "form", "environment", "template"]
"""``form`` is ``formData``; ``template`` is a name that only a body, URL or header template uses."""

ParameterType = Literal["string", "integer", "number", "boolean", "array", "object", "file", "any"]


@record
class Parameter:
    """``key`` is how arguments name it: the wire name, or ``name_place`` for the second of two with the same name."""

    name: str
    key: str
    place: ParameterPlace
    type: ParameterType = "string"
    required: bool = False
    automatic: bool = False  # a header that the client sets by itself where nobody gives it
    description: str = ""
    declared: bool = True  # False: inferred from the path or a template
    typed: bool = False  # the document says type or required, as the published network does and the official language not
    value: Template | None = None  # fixed by the document (may use binds and other arguments): never asked of the caller
    enum: tuple[object, ...] = ()
    default: object = None
