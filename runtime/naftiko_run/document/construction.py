"""Parser events in, a tree of nodes out: one pass, one object per value, limits checked as the events arrive.

Scalars follow the YAML core schema: ``on``, ``yes`` and dates stay text, only ``null``, booleans and numbers are typed. Keys
are always text, whatever they look like. A number keeps the author's spelling beside its value.

What YAML offers beyond plain data (anchors, merge keys, tags, several documents) is refused: a capability is read by people
and written by generators, and neither needs them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from naftiko_run.document.nodes import Document, Mark, Node
from naftiko_run.errors import DocumentError, Finding, Location
from naftiko_run.limits import Limits

Event = Any  # one of the classes above; their stubs leave out what every one of them has

_NUMBER = re.compile(r"[-+]?(?:0o[0-7]+|0x[0-9a-fA-F]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)")
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("0123456789-+.")
_LONGEST_NUMBER = 64  # longer digits stay text: nobody counts with them, and converting them is slow
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_DEEPEST = 200  # nesting is recursion here, so no setting may go beyond this
_MANGLED = {"true": "on", "True": "on", "false": "off", "False": "off"}
"""What YAML 1.1 tools make of ``on:`` and ``off:``, and so what the author probably wrote."""
_MERGE = "<<"
_ODD_KEYS = frozenset({*_MANGLED, _MERGE})
_WRITE_OUT = "write the value out where it is used"


class Builder:
    """Builds one document from ``next_event``."""

    def __init__(self, next_event: Callable[[], Event], file: str, limits: Limits) -> None:
        self._next = next_event
        self._file = file
        self._limits = limits
        self._budget = limits.file_events
        self._longest = limits.file_scalar
        self._levels = min(limits.file_depth, _DEEPEST)
        self._findings: list[Finding] = []

    def build(self) -> Document | None:
        """The document's root, or ``None`` when the text holds no document, or only a null."""
        self._next()  # the stream starts
        if type(self._next()) is StreamEndEvent:
            return None
        event = self._next()
        # Children hang on the document itself, so it exists before its value does.
        root = Document(None, event.start_mark, self._file)
        root.findings = self._findings
        node = self._value(event, root, None)
        root.value, root.source = node.value, node.source
        for child in (
            node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
        ):
            child.parent = root
        if type(self._next()) is DocumentEndEvent and type(after := self._next()) is not StreamEndEvent:
            raise self._refuse("E-MULTI-DOCUMENT", "the file holds more than one document", after.start_mark,
                               "keep one document per file, without a second `---`")  # fmt: skip
        return root if root.value is not None else None

    def _value(self, event: Event, parent: Node, key: str | int | None) -> Node:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event, parent, key)
        if kind is AliasEvent:
            raise self._refuse("E-ALIAS", f"aliases are not supported: '*{event.anchor}'", event.start_mark, _WRITE_OUT)
        self._check_tags(event)
        if self._levels <= 0:
            raise self._refuse("E-LIMIT", f"the document nests deeper than {self._limits.file_depth} levels", event.start_mark)
        self._levels -= 1
        node = Node(None, event.start_mark, self._file, parent, key)
        node.value = self._mapping(node) if kind is MappingStartEvent else self._sequence(node)
        self._levels += 1
        return node

    def _mapping(self, node: Node) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        next_event, scalar, longest = self._next, self._scalar, self._longest
        while type(event := next_event()) is not MappingEndEvent:
            if type(event) is not ScalarEvent:
                raise self._refuse("E-YAML", "a key must be plain text", event.start_mark, "quote it if it starts with [ or {")
            name = event.value
            if name in entries or name in _ODD_KEYS or len(name) > longest:
                self._check_key(event, entries)
            if event.anchor is not None or event.tag is not None:
                self._check_tags(event)
            self._budget -= 2
            if self._budget < 0:
                raise self._exhausted(event)
            below = next_event()
            child = scalar(below, node, name) if type(below) is ScalarEvent else self._value(below, node, name)
            child.key_mark = event.start_mark
            entries[name] = child
        return entries

    def _sequence(self, node: Node) -> list[Node]:
        elements: list[Node] = []
        next_event = self._next
        while type(event := next_event()) is not SequenceEndEvent:
            self._budget -= 1
            if self._budget < 0:
                raise self._exhausted(event)
            elements.append(self._value(event, node, len(elements)))
        return elements

    def _scalar(self, event: Event, parent: Node, key: str | int | None) -> Node:
        text: str = event.value
        if event.anchor is not None or event.tag is not None:
            self._check_tags(event)
        if len(text) > self._longest:
            raise self._refuse("E-LIMIT", f"a text is longer than {self._longest} characters", event.start_mark)
        if event.implicit[0]:
            if text in _CONSTANTS:
                return Node(_CONSTANTS[text], event.start_mark, self._file, parent, key)
            if text[0] in _NUMBER_STARTS:
                return _number(Node(text, event.start_mark, self._file, parent, key), text)
        elif event.style == '"' and not text.isprintable() and _CONTROL.search(text):
            raise self._refuse("E-CONTROL-CHARACTER", "a text holds a control character", event.start_mark,
                               "remove the escape")  # fmt: skip
        return Node(text, event.start_mark, self._file, parent, key)

    # ---- guards

    def _exhausted(self, event: Event) -> DocumentError:
        limit = self._limits.file_events
        hint = "split it into several files"
        return self._refuse("E-LIMIT", f"the document has more than {limit} values", event.start_mark, hint)

    def _check_key(self, event: Event, entries: dict[str, Node]) -> None:
        name = event.value
        if name in entries:
            first = entries[name].key_location
            raise self._refuse("E-DUPLICATE-KEY", f"the key {name!r} is written twice", event.start_mark,
                               f"the first is at line {first.line}, remove or rename one")  # fmt: skip
        if len(name) > self._longest:
            raise self._refuse("E-LIMIT", f"a key is longer than {self._longest} characters", event.start_mark)
        if name == _MERGE and event.implicit[0]:
            raise self._refuse("E-ALIAS", "merge keys are not supported: '<<'", event.start_mark, _WRITE_OUT)
        if name in _MANGLED and event.implicit[0]:
            hint = f"it is probably '{_MANGLED[name]}', mangled by a tool; quote the key to keep it"
            found = Finding(
                code="W-YAML-KEY",
                severity="warning",
                message=f"the key {name!r} is read as text",
                at=self._at(event.start_mark),
                hint=hint,
            )
            self._findings.append(found)

    def _check_tags(self, event: Event) -> None:
        if event.anchor is not None:
            raise self._refuse("E-ALIAS", f"anchors are not supported: '&{event.anchor}'", event.start_mark, _WRITE_OUT)
        if event.tag is not None:
            raise self._refuse(
                "E-TAG", f"tags are not supported: '{event.tag}'", event.start_mark, "remove the tag, quote the value"
            )

    def _at(self, mark: Mark) -> Location:
        return Location(file=self._file, line=mark.line + 1, column=mark.column + 1)

    def _refuse(self, code: str, message: str, mark: Mark, hint: str = "") -> DocumentError:
        return DocumentError(message, code=code, at=self._at(mark), hint=hint)


def _number(node: Node, text: str) -> Node:
    """Give ``node`` its number, if its text is one and JSON could carry it; else leave it text."""
    if len(text) > _LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return node
    digits = text.lstrip("+-")
    value: int | float
    if digits[:2] in ("0o", "0x"):
        value = int(digits[2:], 8 if digits[1] == "o" else 16) * (-1 if text[0] == "-" else 1)
    elif digits.isdigit():
        value = int(text)
    else:
        value = float(text)
        if not math.isfinite(value):
            return node
    node.value = value
    if str(value) != text:
        node.source = text
    return node
