"""What one run of a script is, on its way into a worker and back: JSON both ways.

Shared by the side that asks (``script``) and the interpreters that answer (``python``, ``javascript``).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import orjson

from naftiko_run.isolation.jobs import Refused

RESULT_DEPTH = 64
RESERVED = ("context", "result")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """``sources`` are the dependencies in order and then the script; ``variables`` are bound beside ``context``."""

    sources: list[str]
    names: list[str]  # what each source is called in a message
    context: dict[str, object]
    variables: dict[str, object]
    seconds: float
    memory: int
    result_bytes: int

    def to_bytes(self) -> bytes:
        return orjson.dumps(asdict(self)) if _plain(self.context) else _exact(asdict(self))

    @classmethod
    def from_bytes(cls, payload: bytes) -> Program:
        return cls(**json.loads(payload))


def _plain(value: object) -> bool:
    """Whether every integer fits in 64 bits, which is what the fast writer writes."""
    try:
        orjson.dumps(value)
    except TypeError:
        return False
    return True


def _exact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def answer(value: object, limit: int) -> bytes:
    """A result as the bytes that go back, ``Refused`` where it is no JSON or over a limit."""
    checked = _json(value, RESULT_DEPTH)
    content = orjson.dumps([checked]) if _plain(checked) else _exact([checked])
    if len(content) - 2 > limit:
        raise Refused(f"its result is larger than {limit:,} bytes", kind="limit")
    return content


NOTHING = b"[]"


def _json(value: object, depth: int) -> object:
    """``value`` with tuples as arrays; anything that JSON has no word for is refused by the name of its type."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Refused("its result holds a number that JSON cannot write (NaN or infinity)", kind="result")
        return value
    if depth == 0:
        raise Refused(f"its result is nested deeper than {RESULT_DEPTH} levels", kind="limit")
    if isinstance(value, (list, tuple)):
        return [_json(item, depth - 1) for item in value]
    if isinstance(value, dict):
        return {_key(key): _json(item, depth - 1) for key, item in value.items()}
    raise Refused(f"its result holds a {type(value).__name__}, which JSON cannot write", kind="result")


def _key(key: object) -> str:
    if isinstance(key, bool) or not isinstance(key, (str, int)):
        raise Refused("its result has a key that is no text", kind="result")
    return str(key)
