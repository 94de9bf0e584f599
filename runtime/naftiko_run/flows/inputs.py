"""What a caller may supply to a flow: one ``InputParameter`` each.

Reading raw values into them, typed, is ``flows/binding.py``.
"""

from __future__ import annotations

from typing import Literal

from naftiko_run.records import field, record

InputPlace = Literal["path", "query", "header", "cookie", "body", "whole-body", "environment"]


@record
class Source:
    """Where a REST caller may put an input: ``key`` is the path variable, query name, header or body field."""

    place: InputPlace
    key: str = ""


@record
class InputParameter:
    """One input. ``name`` is how references know it; an MCP caller uses it too, or ``alias`` where LLM tool APIs refuse it."""

    name: str
    type: str = "string"  # string integer number boolean array object any; "file" arrives as text or base64
    required: bool = False
    description: str = ""
    alias: str = ""  # a published spelling that fits ^[A-Za-z0-9_.-]{1,64}$; "" where the name itself does
    pattern: str = ""  # RE2
    enum: tuple[object, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    default: object = None
    constant: object = None  # fixed by the document (exposed `value`): the caller's own is ignored
    json_path: str = ""  # exposed `value: $...`: read out of the JSON body
    sources: tuple[Source, ...] = field(default=())  # for REST, in the order they are tried

    @property
    def published(self) -> str:
        """The name that a tool schema or an OpenAPI document shows."""
        return self.alias or self.name
