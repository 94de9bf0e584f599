"""JSON values: writing them compactly and reading them exactly. The one place that chooses the JSON library."""

from __future__ import annotations

import json
import math

import orjson

_DIGITS = bytes(48 if 48 <= byte <= 57 else 120 for byte in range(256))
_LONG_INTEGER = b"0" * 19  # to be found where every digit is written as this one, which is quicker than a pattern


def dump_json(value: object) -> bytes:
    """Compact JSON, UTF-8. Integers of any size stay exact; half a surrogate pair becomes U+FFFD, and NaN becomes null."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return _dump_anything(value)


def _dump_anything(value: object) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if text.isascii():
        return text.encode()
    # Two halves that belong together are one character in UTF-16; what is left alone is replaced there.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _finite(value: object) -> object:
    """Infinity and NaN as null, like the fast path writes them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, (list, tuple)) else value


def load_json(text: bytes | str) -> object:
    """The value of a JSON text; integers beyond 64 bits stay exact. Raises ``ValueError``."""
    raw = text.encode() if isinstance(text, str) else text
    if _LONG_INTEGER not in raw.translate(_DIGITS):
        return orjson.loads(raw)
    try:
        return json.loads(raw.decode(), parse_constant=_refuse, parse_float=_float)
    except RecursionError:
        raise ValueError("the text is nested too deeply") from None


def _refuse(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large for a double")
    return number


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
