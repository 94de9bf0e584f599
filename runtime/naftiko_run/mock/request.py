"""One request as the built-in upstream sees it: what conditions ask about and templates insert, by ``place.name``."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from naftiko_run.records import field, record
from naftiko_run.values import load_json

PLACES = ("path", "query", "header", "body", "refusal")


class Unreadable(ValueError):
    """The body is not what its media type says."""


@record
class MockRequest:
    """``path`` holds the variables of the matched operation; header names are lower case; a repeated name keeps its first."""

    method: str
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    refusal: Mapping[str, str] = field(default_factory=dict)

    def value(self, reference: str) -> object:
        """What ``query.page`` or ``body.address.city`` names; ``None`` where the request has nothing there."""
        place, _, name = reference.partition(".")
        if place == "body":
            return _dig(self.body, name)
        values = {"path": self.path, "query": self.query, "header": self.headers, "refusal": self.refusal}[place]
        return values.get(name.lower() if place == "header" else name)


def _dig(value: object, name: str) -> object:
    """``name`` in nested maps; ``""`` is the value itself."""
    for key in name.split(".") if name else ():
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def read_body(raw: bytes, content_type: str) -> object:
    """JSON and form bodies as values, anything else as text; ``None`` for an empty one."""
    if not raw:
        return None
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    if media_type == "application/json" or media_type.endswith("+json"):
        try:
            return load_json(raw)
        except ValueError as exc:
            raise Unreadable("the body is not JSON") from exc
    return raw.decode("utf-8", "replace")
