"""Every published spelling in, one shape with the newest meaning out.

``normalise`` works in place on the tree that reading built: keys get their newest names, sections their one home
(``capability.consumes``, ``.exposes``, ``.aggregates``; ``binds`` at the root), and the root says its ``dialect`` and
``version``. Nodes that move keep the place and the path they were written at, so messages speak of the author's own text.

Lists and maps of named things are left as they are: ``Node.named`` reads both. Which keys mean the same is in ``language``;
how old exposures become new ones is in ``exposures``.
"""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.document.exposures import modernise_exposure
from naftiko_run.document.language import EXPOSURE_TYPES, LANGUAGE, Key
from naftiko_run.document.nodes import Document, Node
from naftiko_run.document.sections import SECTIONS, gather_sections, section_entries
from naftiko_run.document.unknown import UnknownKeys
from naftiko_run.errors import Problems

DIALECTS = ("ikanos", "naftiko")
_ENTRY_MARKS = frozenset({"type", "baseUri", "resources", "import", "keys", "flows", "functions"})


def normalise(root: Node, problems: Problems) -> Node:
    """Bring ``root`` to the one shape everything downstream reads; what is not understood becomes a finding."""
    if isinstance(root, Document):
        problems.findings.extend(root.findings)
        root.findings = []
    if not isinstance(root.value, dict) or not speaks_the_language(root):
        return root
    unknown = UnknownKeys()
    gather_sections(root)
    _rewrite(root, "document", unknown)
    _name_dialect(root, root.value)
    unknown.report(problems)
    return root


def speaks_the_language(root: Node) -> bool:
    """Whether this can be a capability or a shared document at all; ``shapes`` says what it is otherwise."""
    capability = root.get("capability")
    if capability is not None:
        return capability.is_map
    sections = [section for name in SECTIONS if (section := root.get(name)) is not None]
    versioned = root.get(*DIALECTS) is not None
    return any(
        versioned or _ENTRY_MARKS & set(dict(entry.items())) for section in sections for entry in section_entries(section)
    )


def _name_dialect(root: Node, entries: dict[str, Node]) -> None:
    said = root.get(*DIALECTS)
    dialect = "ikanos" if root.get("ikanos") is not None else "naftiko"
    place = said or root
    entries["dialect"] = place.replaced(dialect)
    entries["version"] = place.replaced(said.text if said is not None else "")


def _rewrite(node: Node, kind: str, unknown: UnknownKeys) -> None:
    """Give the keys of ``node``, an object of ``kind``, their newest names, and those of everything below it."""
    entries: dict[str, Node] = node.value  # type: ignore[assignment]  # the callers pass mappings only
    if kind == "exposure":
        kind = EXPOSURE_TYPES.get(modernise_exposure(node), "")
        if not kind:
            return  # its type is not known, so neither are its keys
    keys = LANGUAGE[kind]
    renamed = False
    for name, child in entries.items():
        key = keys.get(name)
        if key is None:
            unknown.add(kind, name, child)
            continue
        if key.name != name:
            renamed = True
        if key.kind:
            _descend(child, key, unknown)
    if renamed:
        node.value = _with_newest_names(entries, keys)


def _descend(child: Node, key: Key, unknown: UnknownKeys) -> None:
    value = child.value
    if not key.several:
        if isinstance(value, dict):
            _rewrite(child, key.kind, unknown)
        return
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(item.value, dict):
            _rewrite(item, key.kind, unknown)


def _with_newest_names(entries: Mapping[str, Node], keys: Mapping[str, Key]) -> dict[str, Node]:
    """The same entries in the same order; where two spellings are given, the newest name wins, then the first."""
    result: dict[str, Node] = {}
    for name, child in entries.items():
        newest = keys[name].name if name in keys else name
        if newest == name:
            if child.value is not None or name not in result:
                result[name] = child
        elif newest not in result or result[newest].value is None:
            taken = entries.get(newest)
            if taken is None or taken.value is None:
                result[newest] = child
    return result
