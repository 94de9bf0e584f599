"""``$ref`` resolved inside one document: local pointers only, counted, never in circles (requirements L9, S44)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from naftiko_run.errors import DocumentError, Location, Problems

JsonObject = Mapping[str, object]
_DEEPEST = 10


def as_map(value: object) -> JsonObject:
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()


def text_of(value: object, default: str = "") -> str:
    return value if isinstance(value, str) else default


class References:
    """One document and what may be asked of it. ``at`` makes a finding's place out of a path in the document."""

    def __init__(self, root: JsonObject, source: str, problems: Problems, most: int) -> None:
        self.root, self._source, self._problems, self._left = root, source, problems, most
        self._most = most
        self._said: set[str] = set()

    def at(self, path: str) -> Location:
        return Location(file=self._source, line=1, column=1, path=path)

    def warn(self, code: str, message: str, path: str = "", hint: str = "") -> None:
        """Each sentence once, however often its reason occurs."""
        if message not in self._said:
            self._said.add(message)
            self._problems.warn(code, message, self.at(path), hint)

    def note(self, code: str, message: str, path: str = "", hint: str = "") -> None:
        if message not in self._said:
            self._said.add(message)
            self._problems.note(code, message, self.at(path), hint)

    def resolve(self, value: object) -> JsonObject:
        """A mapping with its own ``$ref`` followed; empty where it leads nowhere."""
        seen: set[str] = set()
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            pointer = str(value["$ref"])
            self._left -= 1
            if self._left < 0:
                raise DocumentError(
                    f"the document has more than {self._most} references", code="E-LIMIT", at=self.at(pointer),
                    hint="import a part of it with --tag",
                )  # fmt: skip
            if pointer in seen:
                self.warn("W-IMPORT-REF", f"reference {pointer!r} leads in a circle and is left out", pointer)
                return {}
            seen.add(pointer)
            value = self._find(pointer)
        return as_map(value)

    def _find(self, pointer: str) -> object:
        if not pointer.startswith("#"):
            hint = "bundle the document into one file first"
            self.warn("W-IMPORT-REF", f"reference {pointer!r} leaves the document and is left out", pointer, hint)
            return {}
        value: object = self.root
        for part in pointer[1:].split("/")[1:] if len(pointer) > 1 else ():
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            value = value.get(key) if isinstance(value, dict) else self._element(value, key)
            if value is None:
                self.warn("W-IMPORT-REF", f"reference {pointer!r} points at nothing and is left out", pointer)
                return {}
        return value

    @staticmethod
    def _element(value: object, key: str) -> object:
        return value[int(key)] if isinstance(value, list) and key.isdigit() and int(key) < len(value) else None

    # ---- schemas

    def schema(self, value: object, depth: int = 0) -> JsonObject:
        """A schema with references followed, ``allOf`` merged and nullable alternatives reduced to the one that is not null."""
        found = self.resolve(value)
        if depth >= _DEEPEST:
            return found
        if found.get("allOf"):
            found = self._merged(found, depth)
        for word in ("anyOf", "oneOf"):
            options = [one for one in as_list(found.get(word)) if as_map(one).get("type") != "null"]
            if len(options) == 1:
                rest = {key: item for key, item in found.items() if key != word}
                found = {**self.schema(options[0], depth + 1), **rest}
        return found

    def _merged(self, schema: JsonObject, depth: int) -> JsonObject:
        merged: dict[str, object] = {}
        properties: dict[str, object] = {}
        required: list[object] = []
        own = {key: value for key, value in schema.items() if key != "allOf"}
        for part in (*(self.schema(one, depth + 1) for one in as_list(schema["allOf"])), own):
            properties.update(as_map(part.get("properties")))
            required += as_list(part.get("required"))
            merged.update(part)
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = required
        merged.pop("allOf", None)
        return merged


def type_of(schema: JsonObject) -> str:
    """The one type word of the language for a schema; ``object`` for what could be anything structured."""
    declared = schema.get("type")
    words = [str(one) for one in (declared if isinstance(declared, list) else [declared]) if one not in (None, "null")]
    if len(words) == 1 and words[0] in ("string", "integer", "number", "boolean", "array", "object"):
        return words[0]
    if set(words) == {"integer", "number"}:
        return "number"
    if words:
        return "string"
    if "properties" in schema or "additionalProperties" in schema:
        return "object"
    if "items" in schema:
        return "array"
    values = as_list(schema.get("enum"))
    if values and all(isinstance(one, int) and not isinstance(one, bool) for one in values):
        return "integer"
    return "string" if values or "format" in schema or "pattern" in schema else ""
