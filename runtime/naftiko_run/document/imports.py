"""Entries that stand in other files in, the entries themselves out: ``{from, import, as}`` in any section.

``resolve_imports`` works on a normalised document and normalises every file it reads, so a file of either dialect may import
one of the other. An import reaches below the importing file's directory, or where its author literally wrote (``../``, an
absolute path; requirement S34); a link that leads elsewhere is refused, and so are URLs and circles. What an import cannot
bring is left out and reported: its neighbours are not affected.

Imported nodes keep the file they were written in. The binds of a file come along with what is taken from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from naftiko_run.document.containment import Located, Reach, locate
from naftiko_run.document.dialect import normalise
from naftiko_run.document.nodes import Document, Node
from naftiko_run.document.sections import SECTIONS
from naftiko_run.errors import DocumentError, Problems, suggest
from naftiko_run.records import field, record

_MOST_FILES = 64  # every one costs a read and its own limits; a capability of more is a mistake or an attack
LOCAL = Reach()


class Read(Protocol):
    """``read_document``, or something like it."""

    def __call__(self, path: Path, *, display: str) -> Document: ...


@record(frozen=False)
class _Session:
    """What resolving one root document shares: the files read, and the chain of those being resolved."""

    read: Read
    problems: Problems
    reach: Reach
    top: Path
    files: dict[Path, Document | None] = field(default_factory=dict)
    chain: list[tuple[Path, str]] = field(default_factory=list)


def resolve_imports(root: Node, problems: Problems, *, read: Read, reach: Reach = LOCAL) -> Node:
    """Replace the imports of ``root`` in place, as far as ``reach`` allows."""
    if not any(_imports(root)):
        return root
    path = (root.path_on_disk if isinstance(root, Document) else Path(root.file)).absolute()
    session = _Session(read=read, problems=problems, reach=reach, top=path.parent.resolve())
    _resolve(root, path.parent, path.resolve(), session)
    return root


def _resolve(root: Node, directory: Path, path: Path, session: _Session) -> None:
    capability = root.get("capability")
    if capability is None or not capability.is_map:
        return
    session.chain.append((path, root.file))
    for name, section in _imports(root):
        section.value = _replaced(section, name, root, directory, session)
    session.chain.pop()


def _imports(root: Node) -> Iterator[tuple[str, Node]]:
    """The sections that hold imports. Binds first: those that other imports bring along then meet what the document says."""
    for name in ("binds", *(name for name in SECTIONS if name != "binds")):
        home = root if name == "binds" else root.get("capability")
        section = home.get(name) if home is not None else None
        if section is not None and any(_is_import(entry) for entry in section.elements()):
            yield name, section


def _replaced(section: Node, name: str, root: Node, directory: Path, session: _Session) -> list[Node]:
    result: list[Node] = []
    for entry in section.elements():
        result += _bring(entry, name, root, directory, session) if _is_import(entry) else [entry]
    return _without_duplicates(result, name, session.problems)


def _is_import(entry: Node) -> bool:
    if entry.get("resources", "baseUri") is not None:
        return False
    return entry.get("import", "from", "ref", "openapi") is not None


def _bring(entry: Node, section: str, root: Node, directory: Path, session: _Session) -> list[Node]:
    """The entries that one import stands for; none, with a finding, when it cannot be resolved."""
    problems = session.problems
    where = entry.get("from", "ref")
    if entry.get("openapi") is not None:
        named = where.text if where is not None else entry.get_text("openapi")
        problems.error("E-IMPORT-OPENAPI", f"an OpenAPI document cannot be imported as it is: '{named}'", entry,
                       f"turn it into a capability with `naftiko-run import openapi {named}`")  # fmt: skip
        return []
    if where is None or not where.text:
        problems.error("E-IMPORT-FROM", f"the import '{entry.get_text('import')}' does not say where from", entry,
                       "add `from: <file>`")  # fmt: skip
        return []
    source = locate(where, directory, session.top, problems, session.reach)
    document = _open(entry, where, source, session) if source is not None else None
    if document is None:
        # A bare `ref` is how files that never ran name their API: what is missing is an entry, not a file.
        return [entry] if entry.get("ref") is not None and entry.get("from") is None else []
    found = _select(entry, section, document, problems)
    if found and section != "binds":
        _bring_binds(root, document)
    return found


def _open(entry: Node, where: Node, source: Located, session: _Session) -> Document | None:
    """The document at a place, normalised and with its own imports resolved; read once however often it is imported."""
    problems = session.problems
    circle = [name for path, name in session.chain if path == source.real]
    if circle:
        names = [name for _, name in session.chain]
        shown = " -> ".join([*names[names.index(circle[0]) :], circle[0]])
        problems.error(
            "E-IMPORT-CYCLE", f"files import each other in a circle: {shown}", where, "move what both need into a third file"
        )
        return None
    if source.real in session.files:
        return session.files[source.real]
    if not source.exists:
        if entry.get("ref") is None or entry.get("from") is not None:
            problems.error("E-IMPORT-MISSING", f"there is no file '{where.text}' to import", where, f"looked for {source.path}")
        return None
    if len(session.files) >= _MOST_FILES:
        problems.error("E-LIMIT", f"more than {_MOST_FILES} files are imported", where)
        return None
    session.files[source.real] = None
    try:
        document = session.read(source.real, display=source.display)
    except DocumentError as exc:
        problems.error("E-IMPORT-UNREADABLE", f"the import '{where.text}' cannot be read", where, "see the error in that file")
        problems.add(exc)
        return None
    normalise(document, problems)
    _resolve(document, source.path.parent, source.real, session)
    session.files[source.real] = document
    return document


def _select(entry: Node, section: str, document: Document, problems: Problems) -> list[Node]:
    home = document if section == "binds" else document.get("capability")
    node = home.get(section) if home is not None else None
    entries = [item for item in node.elements() if item.is_map] if node is not None else []
    wanted = entry.get("import", "namespace")
    if not entries:
        problems.error("E-IMPORT-MISSING", f"'{document.file}' has no `{section}` to import", entry)
        return []
    if wanted is None:
        return [_renamed(item, entry.get("as")) for item in entries] if len(entries) == 1 else entries
    found = [item for item in entries if item.get_text("namespace") == wanted.text]
    if found:
        return [_renamed(item, entry.get("as")) for item in found]
    names = [item.get_text("namespace") for item in entries]
    if len(entries) == 1:
        problems.note("N-IMPORT-ALIASED", f"'{document.file}' calls its only `{section}` entry {names[0]!r}, it is imported as "
                      f"{(entry.get('as') or wanted).text!r}", wanted)  # fmt: skip
        return [_renamed(entries[0], entry.get("as") or wanted)]
    problems.error("E-IMPORT-NAMESPACE", f"'{document.file}' has no `{section}` entry {wanted.text!r}", wanted,
                   suggest(wanted.text, names))  # fmt: skip
    return []


def _renamed(item: Node, name: Node | None) -> Node:
    """A copy of an imported entry, under another namespace where one is given: one file may be imported twice."""
    entries = dict(item.items())
    if name is not None:
        entries["namespace"] = name
    return item.replaced(entries)


def _bring_binds(root: Node, document: Document) -> None:
    """Add the binds of an imported file to those of the importing one; a namespace that both have gains the missing keys."""
    theirs = document.get("binds")
    if theirs is None or not isinstance(root.value, dict):
        return
    ours = root.get("binds")
    if ours is None:
        root.value["binds"] = ours = theirs.replaced([])
    entries: list[Node] = list(ours.elements())
    for bind in theirs.elements():
        same = next((i for i, own in enumerate(entries) if _same_provider(own, bind)), None)
        if same is None:
            entries.append(bind)
        elif (keys := entries[same].get("keys")) is not None and (more := bind.get("keys")) is not None:
            merged = {**dict(more.items()), **dict(keys.items())}
            entries[same] = entries[same].replaced({**dict(entries[same].items()), "keys": keys.replaced(merged)})
    ours.value = entries


def _same_provider(own: Node, other: Node) -> bool:
    return all(own.get_text(key) == other.get_text(key) for key in ("namespace", "location"))


def _without_duplicates(entries: list[Node], section: str, problems: Problems) -> list[Node]:
    """Entries of one file may share a namespace (their resources are merged); an imported one may not meet another's."""
    first: dict[str, Node] = {}
    result: list[Node] = []
    for entry in entries:
        name = entry.get_text("namespace")
        other = first.setdefault(name, entry)
        if name and other is not entry and other.file != entry.file:
            problems.error("E-DUPLICATE-NAMESPACE", f"two `{section}` entries are called {name!r}: at {other.location} and at "
                           f"{entry.location}", entry, "give the import another name with `as`")  # fmt: skip
            continue
        result.append(entry)
    return result
