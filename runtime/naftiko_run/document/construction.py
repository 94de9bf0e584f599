"""Parser events in, a tree of nodes out: one pass, one object per value, limits checked as events arrive.

Scalars follow the YAML core schema: ``on``, ``yes`` and dates stay text, only ``null``, booleans and numbers are typed. Keys are
always text, whatever they look like. A number keeps the author's spelling beside its value (``1.10`` must not become ``1.1``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from naftiko_run.document.nodes import Document, Mark, Node
from naftiko_run.errors import DocumentError, Finding, Location
from naftiko_run.limits import Limits

_NUMBER = re.compile(r"[-+]?(?:0o[0-7]+|0x[0-9a-fA-F]+|[0-9]+|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)")
_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_NUMBER_STARTS = frozenset("0123456789-+.")
_LONGEST_NUMBER = 64  # longer digits stay text: nobody counts with them, and converting them is slow
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# What YAML 1.1 tools turn `on:`, `off:`, `yes:` and `no:` into.
_MANGLED_KEYS = {"true": "on", "false": "off"}


class Builder:
    """Builds one document. ``depth`` counts open collections; ``open`` holds their nodes and pending keys."""

    def __init__(self, file: str, limits: Limits) -> None:
        self.file = file
        self.limits = limits
        self.findings: list[Finding] = []

    def build(self, next_event: Callable[[], yaml.Event]) -> Document | None:
        """The document's root, or ``None`` when the text holds no document or only a null."""
        root = Document(None, None, self.file)
        parent: Node = root
        holds_map, holds_list = False, False
        key: ScalarEvent | None = None
        stack: list[tuple[Node, bool, ScalarEvent | None]] = []
        budget, longest, deepest = self.limits.file_events, self.limits.file_scalar, self.limits.file_depth
        started = False
        while True:
            event = next_event()
            kind = type(event)
            budget -= 1
            if budget < 0:
                raise self._refuse("E-LIMIT", f"the document has more than {self.limits.file_events} values", event.start_mark)
            if kind is ScalarEvent:
                text = event.value
                if event.anchor is not None or event.tag is not None or event.style == '"' or len(text) > longest:
                    self._check_scalar(event)
                if holds_map and key is None:
                    key = event
                    if text in parent.value or text == "<<" or text in _MANGLED_KEYS:
                        self._check_key(event, parent)
                    continue
                node = Node(None if event.implicit[0] and text in _CONSTANTS else text, event.start_mark, self.file, parent)
                if event.implicit[0]:
                    _resolve_plain(node, text)
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self._check_collection(event, is_key=holds_map and key is None)
                if len(stack) >= deepest:
                    raise self._refuse("E-LIMIT", f"the document nests deeper than {deepest} levels", event.start_mark)
                node = Node({} if kind is MappingStartEvent else [], event.start_mark, self.file, parent)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                parent, holds_map, key = stack.pop()
                holds_list = isinstance(parent.value, list)
                continue
            elif kind is StreamEndEvent:
                return root
            else:
                if kind is AliasEvent:
                    raise self._refuse("E-ALIAS", f"aliases are not supported: '*{event.anchor}'", event.start_mark, _WRITE_OUT)
                continue
            # placement is shared by scalars and collections
