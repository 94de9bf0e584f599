"""What a lint rule is, the registry of all of them, and what they look at: the sections of a normalised document."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Severity
from naftiko_run.records import record
from naftiko_run.registry import Registry

Said = Iterator[tuple[Node, str]]
Check = Callable[[Node], Said]
ProseCheck = Callable[[str], str]


@record
class Rule:
    """``meaning`` is what holds where the rule is kept, ``hint`` what to do where it is not.

    A rule looks at a whole document with ``check``, or with ``prose`` at each text that people read: what is wrong with it.
    """

    code: str
    severity: Severity
    meaning: str
    check: Check | None = None
    prose: ProseCheck | None = None
    hint: str = ""
    evident: bool = False


RULES: Registry[Rule] = Registry("lint rule")


def rule(code: str, severity: Severity, meaning: str, *, hint: str = "", evident: bool = False) -> Callable[[Check], Check]:
    """Register the decorated function as the rule ``code``."""

    def add(check: Check) -> Check:
        RULES.register(code)(Rule(code=code, severity=severity, meaning=meaning, check=check, hint=hint, evident=evident))
        return check

    return add


def prose_rule(
    code: str, severity: Severity, meaning: str, *, hint: str = "", evident: bool = False
) -> Callable[[ProseCheck], ProseCheck]:
    """Register the decorated function as the rule ``code`` of labels and descriptions."""

    def add(check: ProseCheck) -> ProseCheck:
        RULES.register(code)(Rule(code=code, severity=severity, meaning=meaning, prose=check, hint=hint, evident=evident))
        return check

    return add


# ---- what rules look at


_PROSE = frozenset({"label", "display", "title", "description", "summary"})


def prose_of(root: Node) -> list[Node]:
    """The texts of a document that people read, in their order."""
    found: list[Node] = []
    _gather_prose(root, found)
    return found


def _gather_prose(node: Node, found: list[Node]) -> None:
    """A plain loop, as every node of every file passes here."""
    value = node.value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        below = child.value
        if isinstance(below, str):
            if child.key in _PROSE:
                found.append(child)
        elif isinstance(below, (dict, list)):
            _gather_prose(child, found)


def entries(root: Node, section: str) -> list[Node]:
    """The entries of a section of a normalised document."""
    home = root.get("capability") or root
    node = root.get("binds") if section == "binds" else home.get(section)
    return [item for item in node.elements() if item.is_map] if node is not None else []


def exposed(root: Node, kind: str) -> list[Node]:
    return [one for one in entries(root, "exposes") if one.get_text("type") == kind]


def named(entry: Node, word: str) -> str:
    """How a message names an entry."""
    name = entry.get_text("namespace", "name") or (entry.key if isinstance(entry.key, str) else "")
    return f"{word} {name!r}" if name else word


def is_example(host: str) -> bool:
    bare = host.rpartition("://")[2].partition("/")[0].partition(":")[0].lower()
    return bare == "example.com" or bare.endswith(".example.com")
