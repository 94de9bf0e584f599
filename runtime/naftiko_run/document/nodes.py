"""The values of a document, each with the place it was written at.

A ``Node`` wraps a mapping (``dict[str, Node]``), a list (``list[Node]``) or a scalar. Reading is forgiving by design: a null
counts as absent, ``get`` on something that is not a mapping finds nothing. What is *wrong* is said by whoever needs the value,
with ``node.location``.

Names are read in both of the language's spellings through ``named``: a list of items with ``name``, or a map of items by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from naftiko_run.errors import Finding, Location

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


class Mark(Protocol):
    """A 0-based place in a text, as the YAML parser reports it."""

    line: int
    column: int


class Node:
    """One value of a document. ``key`` is its name in a mapping, its index in a list, or ``None`` at the root."""

    __slots__ = ("file", "key", "key_mark", "mark", "parent", "source", "value")

    def __init__(
        self, value: object, mark: Mark | None, file: str, parent: Node | None = None, key: str | int | None = None
    ) -> None:
        self.value = value
        self.mark = mark
        self.key_mark: Mark | None = None
        self.source: str | None = None  # a number as the author spelt it: 1.10 is not 1.1 when it is read as text
        self.file = file
        self.parent = parent
        self.key = key

    # ---- where

    @property
    def path(self) -> str:
        """The document path: ``capability.exposes[0].tools[1].call``."""
        parts: list[str] = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            parts.append(f"[{node.key}]" if isinstance(node.key, int) else f".{node.key}")
            node = node.parent
        return "".join(reversed(parts)).lstrip(".")

    @property
    def location(self) -> Location:
        return self._at(self.mark)

    @property
    def key_location(self) -> Location:
        """Where the key of this value was written; the value's own place in a list."""
        return self._at(self.key_mark or self.mark)

    def _at(self, mark: Mark | None) -> Location:
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        return Location(file=self.file, line=line, column=column, path=self.path)

    # ---- what

    @property
    def is_map(self) -> bool:
        return isinstance(self.value, dict)

    @property
    def is_list(self) -> bool:
        return isinstance(self.value, list)

    @property
    def is_text(self) -> bool:
        return isinstance(self.value, str)

    @property
    def is_null(self) -> bool:
        return self.value is None

    @property
    def text(self) -> str:
        """A scalar as text: booleans as ``true``/``false``; ``""`` for null and for anything that is not a scalar."""
        value = self.value
        if isinstance(value, str):
            return value
        if self.source is not None:
            return self.source
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value) if isinstance(value, (int, float)) else ""

    def get(self, *keys: str) -> Node | None:
        """The first of ``keys`` that is present and not null: later names are accepted synonyms."""
        entries = self.value
        if isinstance(entries, dict):
            for key in keys:
                child: Node | None = entries.get(key)
                if child is not None and child.value is not None:
                    return child
        return None

    def get_text(self, *keys: str, default: str = "") -> str:
        entries = self.value
        if isinstance(entries, dict):
            for key in keys:
                child: Node | None = entries.get(key)
                if child is not None and child.value is not None:
                    return child.value if isinstance(child.value, str) else child.text
        return default

    def get_bool(self, key: str) -> bool | None:
        """A boolean, or ``None`` when absent or anything else."""
        child = self.get(key)
        return child.value if child is not None and isinstance(child.value, bool) else None

    def get_int(self, key: str) -> int | None:
        child = self.get(key)
        if child is None or isinstance(child.value, bool) or not isinstance(child.value, int):
            return None
        return child.value

    def items(self) -> Iterator[tuple[str, Node]]:
        """The entries of a mapping in order, nulls included; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def elements(self) -> Iterator[Node]:
        """The elements of a list that are not null; nothing for anything else."""
        if isinstance(self.value, list):
            yield from (child for child in self.value if child.value is not None)

    def named(self, *keys: str) -> list[tuple[str, Node]]:
        """Named items under the first present of ``keys``, in order: a list of ``{name: ...}`` or a map name -> item.

        In a list, ``id`` stands in for a missing ``name``; an item without either has the name ``""``. In a map a null item
        counts as an empty one. List elements that are no mapping are left out.
        """
        child = self.get(*keys)
        if child is None:
            return []
        value = child.value
        if isinstance(value, dict):
            return [(name, item if item.value is not None else item.replaced({})) for name, item in value.items()]
        if isinstance(value, list):
            return [(item.get_text("name", "id"), item) for item in value if isinstance(item.value, dict)]
        return []

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of scalars as text; a single scalar counts as a list of one."""
        child = self.get(key)
        if child is None:
            return ()
        if child.is_list:
            return tuple(item.text for item in child.elements() if not item.is_map and not item.is_list)
        return (child.text,) if not child.is_map else ()

    def replaced(self, value: object) -> Node:
        """The same place with another value."""
        node = Node(value, self.mark, self.file, self.parent, self.key)
        node.key_mark = self.key_mark
        return node

    def plain(self) -> Plain:
        """The value as plain Python data, without places."""
        value = self.value
        # Most of what is below is scalars, and each spared call counts over a whole document.
        if isinstance(value, dict):
            return {
                key: child.plain() if isinstance(child.value, (dict, list)) else child.value for key, child in value.items()
            }
        if isinstance(value, list):
            return [child.plain() if isinstance(child.value, (dict, list)) else child.value for child in value]
        return value  # type: ignore[return-value]  # a scalar of the YAML core schema

    def walk(self) -> Iterator[Node]:
        """This node and all below it, parents first."""
        pending = [self]  # not by recursion: each node would pass through as many generators as it is deep
        while pending:
            node = pending.pop()
            yield node
            value = node.value
            if isinstance(value, dict):
                pending.extend(reversed(value.values()))
            elif isinstance(value, list):
                pending.extend(reversed(value))

    def take_apart(self) -> None:
        """Cut the ties of this node's tree upwards, whose circles only the garbage collector would free, and late and slowly.

        For whoever reads many files and is done with this one: paths cannot be told any more.
        """
        pending = [self]
        while pending:
            node = pending.pop()
            if node.parent is not None:  # the place that a moved node was written at is a tree of its own
                pending.append(node.parent)
                node.parent = None
            last, value = node, node.value
            for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
                parent = child.parent
                if parent is None:
                    continue
                child.parent = None
                if parent is not node and parent is not last:
                    pending.append(parent)
                    last = parent
                if isinstance(child.value, (dict, list)):
                    pending.append(child)

    def __repr__(self) -> str:
        return f"Node({self.path or '.'} at {self.file}:{self.location.line})"


class Document(Node):
    """The root of one file.

    ``findings`` is what reading it had to say, ``path_on_disk`` the file itself (``file`` is only how messages name it),
    ``shared`` the sections it offers at its root for others to import (see ``sections``).
    """

    __slots__ = ("findings", "path_on_disk", "shared")

    def __init__(self, value: object, mark: Mark | None, file: str) -> None:
        super().__init__(value, mark, file)
        self.findings: list[Finding] = []
        self.path_on_disk = Path(file)
        self.shared: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Where the relative locations of this file start."""
        return self.path_on_disk.parent
