"""A value as text, the same way wherever text is needed: URLs, headers, forms and templates."""

from __future__ import annotations


def to_text(value: object) -> str:
    """``true``/``false``, plain numbers, JSON for lists and maps; ``""`` for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value)) if value != 0 else "0"
    if isinstance(value, (dict, list)):
        import json

        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
