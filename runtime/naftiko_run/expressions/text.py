"""A value as the text a template shows: booleans and numbers as JSON writes them, lists and maps as JSON, null as nothing."""

from __future__ import annotations

import json

import orjson


def to_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, (dict, list, tuple)):
        return to_json(value)
    # A caller's body that nobody had to decode yet travels as an object around its bytes.
    content = getattr(value, "content", value)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(value)


def to_json(value: object) -> str:
    """Compact JSON. What orjson refuses, such as integers beyond 64 bits, is written by the standard library."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:
        return json.dumps(value, separators=(",", ":"), default=str)
