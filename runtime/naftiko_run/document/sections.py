"""Sections wherever they were written in, their one home each out.

``consumes``, ``exposes`` and ``aggregates`` come to stand under ``capability``, as lists; ``binds`` at the root, with those of
the capability and the older ``externalRefs``. A section that was written as a map by namespace, or as a single entry, becomes
a list too.
"""

from __future__ import annotations

from naftiko_run.document.nodes import Document, Node

SECTIONS = ("consumes", "exposes", "aggregates", "binds")
_HOUSED = SECTIONS[:3]
_ENTRY_KEYS = frozenset(
    {"type", "namespace", "baseUri", "resources", "import", "from", "keys", "flows", "port", "tools", "ref"}
)


def gather_sections(root: Node) -> None:
    """Move the sections of a document to their homes, in place."""
    entries: dict[str, Node] = root.value  # type: ignore[assignment]  # the caller passes a mapping
    capability = root.get("capability")
    homes = [home for home in (capability, root) if home is not None]
    if isinstance(root, Document) and capability is None:
        root.shared = tuple(name for name in SECTIONS if root.get(name) is not None)
    housed: dict[str, Node] = dict(capability.items()) if capability is not None else {}
    for name in _HOUSED:
        _house(name, homes, housed)
    binds = _binds(root, capability)
    housed.pop("binds", None)
    for name in (*SECTIONS, "externalRefs"):
        entries.pop(name, None)
    entries["capability"] = capability.replaced(housed) if capability is not None else _unwritten(root, "capability", housed)
    if binds is not None:
        entries["binds"] = binds


def section_entries(section: Node | None) -> list[Node]:
    """The entries of a section, whether it is a list, one entry, or a map by namespace."""
    if section is None or not section.value:
        return []
    if not isinstance(section.value, dict):
        return list(section.elements())
    if not section.value.keys() - _ENTRY_KEYS or any(not child.is_map for _, child in section.items() if not child.is_null):
        return [section]
    return [_with_namespace(name, entry) for name, entry in section.items() if entry.is_map]


def _house(name: str, homes: list[Node], housed: dict[str, Node]) -> None:
    sections = [section for home in homes if (section := home.get(name)) is not None]
    if sections:
        housed[name] = sections[0].replaced([entry for section in sections for entry in section_entries(section)])
    else:
        housed.pop(name, None)


def _binds(root: Node, capability: Node | None) -> Node | None:
    written = [section for home in (root, capability) if home is not None and (section := home.get("binds")) is not None]
    found = [entry for section in written for entry in section_entries(section)]
    found += [_as_bind(entry) for entry in section_entries(root.get("externalRefs"))]
    if not found:
        return None
    return written[0].replaced(found) if written else _unwritten(root, "binds", found)


def _with_namespace(name: str, entry: Node) -> Node:
    if entry.get("namespace") is not None:
        return entry
    written = Node(name, entry.key_mark or entry.mark, entry.file, entry, "namespace")
    return entry.replaced({"namespace": written, **dict(entry.items())})


def _as_bind(reference: Node) -> Node:
    """An entry of ``externalRefs`` as the bind that replaced it."""
    names = {"name": "namespace", "uri": "location"}
    kept = {names.get(key, key): child for key, child in reference.items() if key not in ("type", "resolution")}
    return reference.replaced(kept)


def _unwritten(root: Node, key: str, value: object) -> Node:
    """A node for a home that the author did not write; it stands where the document starts."""
    return Node(value, root.mark, root.file, root, key)
