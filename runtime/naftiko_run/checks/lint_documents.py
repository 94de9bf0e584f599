"""Lint rules about a document as a whole: its names, its prose, what it imports."""

from __future__ import annotations

import re

from naftiko_run.checks.lint_rule import Said, entries, named, prose_rule, rule
from naftiko_run.document.nodes import Document, Node

_SECTIONS = ("consumes", "exposes", "aggregates", "binds")
_STEP_NAME = re.compile(r"[A-Za-z0-9_-]+")


@rule(
    "L-NAMESPACES-UNIQUE", "error", "No namespace is used twice among what is consumed, exposed and bound.", hint="rename one"
)
def namespaces_unique(root: Node) -> Said:
    seen: dict[str, Node] = {}
    for section in ("consumes", "exposes", "binds"):
        for entry in entries(root, section):
            name = entry.get("as") or entry.get("namespace")
            if name is None:
                continue
            first = seen.setdefault(name.text, name)
            if first is not name:
                yield name, f"namespace {name.text!r} is used at line {first.location.line} already"


@rule("L-INFO-TAGS", "note", "The document has tags, so that it can be found.", hint="write `tags:` under `info:`")
def info_tags(root: Node) -> Said:
    info = root.get("info")
    if info is not None and info.get("tags") is None:
        yield info, "`info` has no tags"


@prose_rule(
    "L-NO-SCRIPT-TAG", "error", "No label or description holds a script element.", hint="write it as plain text", evident=True
)
def no_script_tag(text: str) -> str:
    return "holds a script element" if "<script" in text.lower() else ""


@prose_rule("L-NO-EVAL", "error", "No label or description holds an `eval(` call.", hint="word it otherwise", evident=True)
def no_eval(text: str) -> str:
    return "holds an `eval(` call" if "eval(" in text else ""


@rule("L-STEP-NAME", "warning", "Step names are letters, digits, `_` and `-`, so that every runtime can refer to them.")
def step_names(root: Node) -> Said:
    for unit in root.walk():
        if unit.is_map:
            for name, step in unit.named("steps"):
                if not _STEP_NAME.fullmatch(name):
                    yield step, f"step name {name!r} has other characters than letters, digits, `_` and `-`"


# ---- aggregates


@rule("L-AGGREGATE-DESCRIPTION", "warning", "Every flow of an aggregate is described.", hint="add a `description`")
def aggregate_description(root: Node) -> Said:
    for entry in entries(root, "aggregates"):
        for name, flow in entry.named("flows"):
            if not flow.get_text("description"):
                yield flow, f"flow {name!r} has no description"


@rule(
    "L-AGGREGATE-NAMESPACE",
    "error",
    "Every aggregate has a namespace, or nothing can refer to its flows.",
    hint="add `namespace`",
)
def aggregate_namespace(root: Node) -> Said:
    for entry in entries(root, "aggregates"):
        if entry.get("namespace", "from", "import") is None:
            yield entry, "the aggregate has no namespace"


@rule("L-AGGREGATE-UNIQUE", "error", "The flows of an aggregate have different names.", hint="rename one")
def aggregate_unique(root: Node) -> Said:
    for entry in entries(root, "aggregates"):
        seen: set[str] = set()
        for name, flow in entry.named("flows"):
            if name in seen:
                yield flow, f"flow {name!r} is declared twice"
            seen.add(name)


@rule(
    "L-AGGREGATE-SEMANTICS", "warning", "What a flow says of its effect agrees with the hints and methods of what exposes it."
)
def aggregate_semantics(root: Node) -> Said:
    flows = {
        f"{entry.get_text('namespace')}.{name}": flow
        for entry in entries(root, "aggregates")
        for name, flow in entry.named("flows")
    }
    for exposure in entries(root, "exposes"):
        for name, tool in exposure.named("tools"):
            yield from _against_hints(flows.get(tool.get_text("ref")), tool, name)
        for _, resource in exposure.named("resources"):
            for name, operation in resource.named("operations"):
                yield from _against_method(flows.get(operation.get_text("ref")), operation, name)


def _against_hints(flow: Node | None, tool: Node, name: str) -> Said:
    semantics = flow.get("semantics") if flow is not None else None
    hints = tool.get("hints")
    if semantics is None or hints is None:
        return
    safe, idempotent = semantics.get_bool("safe"), semantics.get_bool("idempotent")
    if safe is not None and hints.get_bool("readOnly") not in (None, safe):
        yield hints, f"tool {name!r} says readOnly {hints.get_text('readOnly')}, its flow says safe {str(safe).lower()}"
    if safe and hints.get_bool("destructive"):
        yield hints, f"tool {name!r} says it is destructive, its flow says it is safe"
    if idempotent is not None and hints.get_bool("idempotent") not in (None, idempotent):
        yield hints, f"tool {name!r} and its flow disagree on being idempotent"


def _against_method(flow: Node | None, operation: Node, name: str) -> Said:
    semantics = flow.get("semantics") if flow is not None else None
    method = operation.get_text("method").upper()
    if semantics is None or not method:
        return
    safe = semantics.get_bool("safe")
    if safe is not None and safe != (method == "GET"):
        yield operation, f"operation {name!r} is a {method}, its flow says safe {str(safe).lower()}"
    if semantics.get_bool("idempotent") and method == "POST":
        yield operation, f"operation {name!r} is a POST, its flow says it is idempotent"


# ---- imports


@rule(
    "L-IMPORT-PAIR",
    "error",
    "`from` and `import` stand together.",
    hint="write both: the file, and the namespace to take from it",
)
def import_pair(root: Node) -> Said:
    for section in _SECTIONS:
        for entry in entries(root, section):
            source, what = entry.get("from"), entry.get("import")
            if (source is None) != (what is None):
                yield entry, f"{named(entry, 'an import')} has {'no `from`' if source is None else 'no `import`'}"


@rule(
    "L-IMPORT-ALIAS", "error", "What is imported into a section has a namespace of its own there.", hint="rename it with `as`"
)
def import_alias(root: Node) -> Said:
    for section in _SECTIONS:
        seen: set[str] = set()
        for entry in entries(root, section):
            name = entry.get_text("as", "namespace", "import")
            if name and name in seen and entry.get("import") is not None:
                yield entry, f"{name!r} is the name of another entry of {section!r}"
            seen.add(name)


@rule("L-IMPORT-SELF", "warning", "A file does not import from itself.", hint="name another file")
def import_self(root: Node) -> Said:
    for section in _SECTIONS:
        for entry in entries(root, section):
            if entry.get_text("from") in (".", "./") and entry.get("import") is not None:
                yield entry, "the import is from the file itself"


@rule(
    "L-SHARED-IMPORTS", "error", "A document that others import from imports nothing itself.", hint="import it where it is used"
)
def shared_imports(root: Node) -> Said:
    if not (isinstance(root, Document) and root.shared and root.get("info") is None):
        return
    for section in root.shared:
        for entry in entries(root, section):
            if entry.get("import") is not None and entry.get("from") is not None:
                yield entry, "a shared document imports from another"
