"""A file in any published spelling in, the same file in the newest one out: comments and order kept.

The text is written anew from the placed nodes rather than patched: lists become maps, which moves a name from a value to a
key, and no round-trip library carries comments across that. Each comment goes with the line it stood above or beside; texts
that were written as blocks stay blocks. Layout is normalised: two spaces, no flow style except for short plain lists.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

import yaml

from naftiko_run.authoring.comments import Comments, read_comments
from naftiko_run.authoring.written import is_ambiguous
from naftiko_run.document.language import EXPOSURE_TYPES, LANGUAGE, Key
from naftiko_run.document.nodes import Node
from naftiko_run.document.reader import read_text
from naftiko_run.records import record

VERSIONS: Mapping[str, str] = {"ikanos-beta5": "1.0.0-beta5"}
_MAPPED = frozenset({
    "resource", "operation", "parameter", "restResource", "restOperation", "tool", "mcpResource", "prompt", "argument",
    "skillItem", "skillTool", "step", "flow",
})  # fmt: skip
"""Kinds of object that the newest language keeps in maps by name."""
_SHORT = 100
_WIDEST = 120


@record
class Upgraded:
    """``text`` is the new file; ``changes`` one sentence for each kind of change, with how often it was made."""

    text: str
    changes: tuple[str, ...]
    was: str

    @property
    def is_changed(self) -> bool:
        return bool(self.changes)

    def diff(self, name: str) -> str:
        lines = difflib.unified_diff(self.was.splitlines(True), self.text.splitlines(True), name, f"{name} (upgraded)")
        return "".join(lines)


def upgrade_text(text: str, *, file: str, version: str = "ikanos-beta5") -> Upgraded:
    """The upgraded text; the text itself where nothing about it is old."""
    root = read_text(text, file=file)
    writer = _Writer(read_comments(text), VERSIONS[version])
    lines = [*writer.document(root)]
    if not writer.counts:
        return Upgraded(text=text, changes=(), was=text)
    changes = tuple(f"{what} ({times} times)" if times > 1 else what for what, times in writer.counts.items())
    return Upgraded(text="\n".join(lines) + "\n", changes=changes, was=text)


class _Writer:
    """Walks the document as it was written, and writes each object in the newest spelling."""

    def __init__(self, comments: Comments, version: str) -> None:
        self._comments, self._version = comments, version
        self.counts: dict[str, int] = {}

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    # ---- lines

    def document(self, root: Node) -> Iterator[str]:
        yield from self._mapping(root, "document", 0)
        left = [line for number in sorted(self._comments.above) for line in self._comments.above[number]]
        yield from [*left, *self._comments.tail]

    def _mapping(self, node: Node, kind: str, depth: int, *, without: str = "") -> Iterator[str]:
        """The entries of one object. ``without`` is the key whose value became its name."""
        kind = self._kind(node, kind)
        for key, child in node.items():
            if key == without or (kind == "externalRef" and key in ("type", "resolution")):
                yield from self._above(child, depth)
                continue
            name, known = self._spelling(key, kind, node)
            yield from self._above(child, depth)
            yield from self._entry(name, child, known, depth, kind)

    def _entry(self, name: str, child: Node, known: Key | None, depth: int, kind: str) -> Iterator[str]:
        """``name: value``, over as many lines as it takes."""
        pad = "  " * depth
        head = f"{pad}{_key(name)}:"
        below = known.kind if known is not None else ""
        if (kind, name) == ("document", "ikanos"):
            yield self._beside(f"{head} {_scalar(self._version)}", child)
            return
        if name == "type" and kind in ("rest", "exposure") and child.text.lower() == "api":
            self._count("type: api is type: rest")
            yield self._beside(f"{head} rest", child)
            return
        if child.is_list and known is not None and known.several and self._becomes_map(child, known.kind, kind, child.parent):
            self._count(f"{name}: a list is a map by name")
            yield self._beside(head, child)
            for item in child.elements():
                yield from self._above(item, depth + 1)
                yield self._beside(f"{pad}  {_key(item.get_text('name', 'id'))}:" + self._empty(item), item)
                yield from self._mapping(item, below, depth + 2, without="name" if item.get("name") is not None else "id")
            return
        yield from self._value(head, child, below, depth, several=known is not None and known.several)

    def _value(self, head: str, child: Node, below: str, depth: int, *, several: bool) -> Iterator[str]:
        if child.is_map and child.value:
            yield self._beside(head, child)
            if several and not below.startswith("("):
                yield from self._named(child, below, depth + 1)
            else:
                yield from self._mapping(child, below, depth + 1)
        elif child.is_list and child.value:
            flow = _flow(child)
            if not below and flow is not None and len(head) + len(flow) < _SHORT and not self._has_comments(child):
                yield self._beside(f"{head} {flow}", child)
                return
            yield self._beside(head, child)
            yield from self._items(child, below, depth)
        else:
            yield from self._scalar_lines(head, child, depth)

    def _named(self, child: Node, below: str, depth: int) -> Iterator[str]:
        """A map by name: the keys are an author's words, the values objects of one kind."""
        for name, item in child.items():
            yield from self._above(item, depth)
            head = f"{'  ' * depth}{_key(name)}:"
            if item.is_map and item.value:
                yield self._beside(head, item)
                yield from self._mapping(item, below, depth + 1)
            else:
                yield from self._value(head, item, "", depth, several=False)

    def _items(self, child: Node, below: str, depth: int) -> Iterator[str]:
        pad = "  " * depth
        assert isinstance(child.value, list)  # the caller looked
        for item in child.value:
            yield from self._above(item, depth)
            if item.is_map and item.value:
                lines = list(self._mapping(item, below, depth + 1))
                first = next(index for index, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#"))
                yield from lines[:first]
                yield f"{pad}- {lines[first].lstrip()}"
                yield from lines[first + 1 :]
            elif item.is_list and item.value:
                flow = _flow(item)
                yield f"{pad}- {flow}" if flow is not None else f"{pad}-"
                if flow is None:
                    yield from self._items(item, below, depth + 1)
            else:
                yield from self._scalar_lines(f"{pad}-", item, depth)

    def _scalar_lines(self, head: str, node: Node, depth: int) -> Iterator[str]:
        value = node.value
        if isinstance(value, str) and "\n" in value and _fits_block(value):
            ends = "" if value.endswith("\n") else "-"
            yield self._beside(f"{head} |{ends}", node)
            pad = "  " * (depth + 1)
            yield from (f"{pad}{line}" if line else "" for line in value.removesuffix("\n").split("\n"))
            return
        first, *rest = _scalar(value, node.source, width=max(40, _WIDEST - len(head))).split("\n")
        yield self._beside(f"{head} {first}".rstrip(), node) if not rest else f"{head} {first}".rstrip()
        yield from (f"{'  ' * (depth + 1)}{line.strip()}" for line in rest)

    # ---- words

    def _kind(self, node: Node, kind: str) -> str:
        if kind != "exposure":
            return kind
        return EXPOSURE_TYPES.get(node.get_text("type").lower(), "exposure")

    def _spelling(self, key: str, kind: str, owner: Node) -> tuple[str, Key | None]:
        """The newest name of a key, and what the language says of it."""
        keys = LANGUAGE.get(kind, {})
        known = keys.get(key)
        if kind == "externalRef" and key in _BIND_NAMES:
            return _BIND_NAMES[key], known
        if known is None:
            return key, None
        name = known.name
        if kind == "document" and key == "naftiko":
            name = "ikanos"
        elif name == "label" and kind != "parameter":
            name = "display"
        elif kind == "document" and key == "externalRefs":
            name = "binds"
        if name != key and owner.get(name) is None:
            self._count(f"{key} is {name}")
            return name, known
        return key, known

    def _becomes_map(self, node: Node, kind: str, owner_kind: str, owner: Node | None) -> bool:
        """Whether a list of named things is a map in the newest language: every item a mapping with a name of its own."""
        if kind == "output" and not _keeps_named_outputs(owner_kind, owner):
            return False
        if kind not in _MAPPED and kind != "output":
            return False
        assert isinstance(node.value, list)  # the caller looked
        items = [item for item in node.value if isinstance(item, Node)]
        names = [item.get_text("name", "id") for item in items]
        return bool(items) and all(item.is_map for item in items) and all(names) and len(set(names)) == len(names)

    def _empty(self, item: Node) -> str:
        entries = [key for key, _ in item.items() if key != ("name" if item.get("name") is not None else "id")]
        return "" if entries else " {}"

    # ---- comments

    def _above(self, node: Node, depth: int) -> Iterator[str]:
        mark = node.key_mark or node.mark
        if mark is None:
            return
        pad = "  " * depth
        # What stood in a place that is gone (between the braces of a map in one line, say) comes before what follows it.
        for number in sorted(number for number in self._comments.above if number <= mark.line):
            for line in self._comments.above.pop(number):
                yield f"{pad}{line}" if line else ""

    def _beside(self, line: str, node: Node) -> str:
        mark = node.key_mark or node.mark
        comment = self._comments.beside.pop(mark.line, "") if mark is not None else ""
        return f"{line}  {comment}" if comment else line

    def _has_comments(self, node: Node) -> bool:
        lines = {one.mark.line for one in node.walk() if one.mark is not None}
        return any(line in self._comments.above or line in self._comments.beside for line in lines)


_BIND_NAMES = {"name": "namespace", "uri": "location"}


def _keeps_named_outputs(owner_kind: str, owner: Node | None) -> bool:
    """Outputs are a map by name for consumed operations, for steps and for constants; those that map one answer are a list."""
    if owner_kind == "operation":
        return True
    if owner is None or owner_kind not in ("restOperation", "tool", "mcpResource", "flow"):
        return False
    return owner.get("call") is None and owner.get("ref") is None


def _fits_block(value: str) -> bool:
    lines = value.split("\n")
    return not value.startswith((" ", "\n")) and not value.endswith("\n\n") and not any(line.endswith(" ") for line in lines)


def _key(name: str) -> str:
    return _scalar(name)


def _scalar(value: object, source: str | None = None, width: float = float("inf")) -> str:
    """One scalar, quoted where it has to be; a number as its author spelt it."""
    if source is not None and not isinstance(value, str):
        return source
    style = "'" if isinstance(value, str) and is_ambiguous(value) else None
    text = yaml.safe_dump(value, allow_unicode=True, width=width, default_flow_style=True, default_style=style)
    return text.removesuffix("\n").removesuffix("\n...").rstrip("\n")


def _flow(node: Node) -> str | None:
    """A collection of plain values in brackets, ``None`` where it holds anything more."""
    if any(child.is_map or child.is_list or "\n" in child.text for child in node.elements()):
        return None
    assert isinstance(node.value, list)  # the caller looked
    return "[" + ", ".join(_flow_scalar(child) for child in node.value) + "]"


def _flow_scalar(node: Node) -> str:
    if node.source is not None or (isinstance(node.value, str) and is_ambiguous(node.value)):
        return _scalar(node.value, node.source)
    text = yaml.safe_dump([node.value], allow_unicode=True, width=float("inf"), default_flow_style=True)
    return text.strip()[1:-1]
