"""The releases of the language: their order, what each brought, and what an older one had that the newest has not.

There is one strict schema per dialect, that of a late release. A document of another release is held against it too; these
tables say where the two differ, so that neither a key that came later nor one that has gone is judged wrongly.
"""

from __future__ import annotations

from collections.abc import Iterator

from naftiko_run.document.language import EXPOSURE_TYPES, LANGUAGE
from naftiko_run.document.nodes import Node

RELEASES: dict[str, tuple[str, ...]] = {
    "naftiko": ("0.4", "0.5", "1.0.0-alpha1", "1.0.0-alpha2", "1.0.0-alpha3"),
    "ikanos": (
        "1.0.0-alpha3", "1.0.0-alpha4", "1.0.0-beta1", "1.0.0-beta2", "1.0.0-beta3", "1.0.0-beta4", "1.0.0-beta5",
    ),
}  # fmt: skip

_SINCE: dict[str, dict[tuple[str, str], str]] = {
    "naftiko": {
        ("document", "consumes"): "0.5",
        ("consumer", "import"): "0.5",
        ("mcp", "resources"): "0.5",
        ("mcp", "prompts"): "0.5",
        ("tool", "label"): "0.5",
        ("document", "binds"): "1.0.0-alpha1",
        ("capability", "binds"): "1.0.0-alpha1",
        ("capability", "aggregates"): "1.0.0-alpha2",
        ("restOperation", "ref"): "1.0.0-alpha2",
        ("tool", "ref"): "1.0.0-alpha2",
        ("tool", "hints"): "1.0.0-alpha2",
        ("mcp", "authentication"): "1.0.0-alpha2",
        ("output", "value"): "1.0.0-alpha2",
    },
    "ikanos": {
        ("operation", "outputMediaType"): "1.0.0-beta1",
        ("operation", "maxBinarySize"): "1.0.0-beta1",
        ("rest", "maxBinarySize"): "1.0.0-beta1",
        ("mcp", "maxBinarySize"): "1.0.0-beta1",
        ("restOperation", "responses"): "1.0.0-beta1",
        ("restOperation", "responseBinary"): "1.0.0-beta1",
        ("mcpResource", "binary"): "1.0.0-beta1",
        ("flow", "outputMediaType"): "1.0.0-beta1",
        ("info", "version"): "1.0.0-beta4",
        ("mcp", "ttlMs"): "1.0.0-beta4",
        ("mcp", "cacheScope"): "1.0.0-beta4",
    },
}
_VALUES_SINCE: dict[str, dict[tuple[str, str, str], str]] = {
    "naftiko": {
        ("rest", "type", "rest"): "0.5",
        ("skill", "type", "skill"): "0.5",
        ("control", "type", "control"): "1.0.0-alpha2",
        ("step", "type", "script"): "1.0.0-alpha2",
        ("authentication", "type", "oauth2"): "1.0.0-alpha2",
        ("operation", "outputRawFormat", "tsv"): "1.0.0-alpha2",
        ("operation", "outputRawFormat", "psv"): "1.0.0-alpha2",
        ("operation", "outputRawFormat", "html"): "1.0.0-alpha2",
        ("operation", "outputRawFormat", "markdown"): "1.0.0-alpha2",
    },
    "ikanos": {("operation", "outputRawFormat", "binary"): "1.0.0-beta1"},
}
# What an older release had: (key or value) -> the last release that had it.
_UNTIL = {"externalRefs": "0.5", "api": "0.4"}
# A consumed output's `value` is as old as the language; only those of exposed units came later.
_OLD_VALUES = frozenset({"operation"})


def release_of(root: Node) -> tuple[str, str]:
    """The dialect and the release that a document says it is written in; ``""`` for one that is not known."""
    dialect = "ikanos" if root.get("ikanos") is not None else "naftiko"
    said = root.get_text(dialect)
    return dialect, said if said in RELEASES[dialect] else ""


def was_valid(word: str, dialect: str, release: str) -> bool:
    """Whether ``word``, which the strict schema refuses, belonged to the language in ``release``."""
    last = _UNTIL.get(word)
    return bool(last and release and dialect == "naftiko" and _index(dialect, release) <= _index(dialect, last))


def came_later(root: Node, dialect: str, release: str) -> Iterator[tuple[Node, str]]:
    """What a document uses that its release did not have yet, each with the release that brought it."""
    if release and release != RELEASES[dialect][-1]:
        yield from _later(root, "document", "", dialect, _index(dialect, release))


def _later(node: Node, kind: str, owner: str, dialect: str, at: int) -> Iterator[tuple[Node, str]]:
    if kind == "exposure":
        kind = EXPOSURE_TYPES.get(node.get_text("type").lower(), "exposure")
    for name, child in node.items():
        key = LANGUAGE[kind].get(name)
        since = _SINCE[dialect].get((kind, name)) or _VALUES_SINCE[dialect].get((kind, name, child.text))
        if (kind, name) == ("output", "value") and owner in _OLD_VALUES:
            since = None
        if since and child.value is not None and _index(dialect, since) > at:
            yield child, since
        elif key is not None and key.kind:
            below = _several(child) if key.several else [child]
            for item in below:
                yield from _later(item, key.kind, owner if kind == "output" else kind, dialect, at)


def _several(node: Node) -> list[Node]:
    return [item for _, item in node.items()] if node.is_map else list(node.elements())


def _index(dialect: str, release: str) -> int:
    return RELEASES[dialect].index(release)
