"""JSON values: writing them compactly and reading them exactly. The one place that chooses the JSON library."""

from __future__ import annotations

import json
import re

import orjson

_LONG_INTEGER = re.compile(rb"[0-9]{19}")


def dump_json(value: object) -> bytes:
    """Compact JSON, UTF-8; integers of any size stay exact."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def load_json(text: bytes | str) -> object:
    """The value of a JSON text; integers beyond 64 bits stay exact. Raises ``ValueError``."""
    raw = text.encode() if isinstance(text, str) else text
    if _LONG_INTEGER.search(raw):
        return json.loads(raw, parse_constant=_refuse)
    return orjson.loads(raw)


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def depth_exceeds(raw: bytes, limit: int) -> bool:
    """Whether brackets outside strings nest deeper than ``limit``; one cheap pass that most texts leave at once."""
    if raw.count(b"[") + raw.count(b"{") <= limit:
        return False
    depth = deepest = 0
    inside = escaped = False
    for byte in raw:
        if escaped:
            escaped = False
        elif byte == 0x22:
            inside = not inside
        elif inside:
            escaped = byte == 0x5C
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest > limit
