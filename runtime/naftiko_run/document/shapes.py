"""What kind of document this is, for the one that cannot be served: a finding that names the shape and what to do.

``classify`` looks at a normalised document whose imports are in place. A document that only consumes, or only shares parts, is
fine to import and to expose automatically; on its own it serves nothing, and this says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from naftiko_run.document.dialect import speaks_the_language
from naftiko_run.document.nodes import Document, Node
from naftiko_run.errors import Problems

_IMPORTS = ("import", "imports")
_UNITS = {"rest": ("resources",), "mcp": ("tools", "resources", "prompts"), "skill": ("skills",)}


def classify(root: Node, problems: Problems, *, exposing_all: bool = False) -> None:
    """Report why ``root`` cannot be served as a whole; ``exposing_all`` says that its operations are exposed automatically."""
    if not speaks_the_language(root):
        _not_a_capability(root, problems)
        return
    capability = root.get("capability") or root
    if not any(finding.code.startswith("E-IMPORT") for finding in problems.findings):
        _check_consumes(root, capability, problems)
    if not exposing_all and not any(_serves(exposure) for exposure in _entries(capability, "exposes")):
        _nothing_exposed(root, capability, problems)


# ---- not a capability


def _not_a_capability(root: Node, problems: Problems) -> None:
    shape, hint = shape_of(root)
    keys = [name for name, _ in root.items()]
    listed = ", ".join(name[:40] for name in keys[:12]) + (", ..." if len(keys) > 12 else "")
    top = f"; its top-level keys are {listed}" if keys else ""
    problems.error("E-NOT-CAPABILITY", f"there is no `capability:` mapping; this looks like {shape}{top}", root, hint)


def shape_of(root: Node) -> tuple[str, str]:
    """What a document that is no capability looks like, and what to do with it."""
    if not isinstance(root.value, dict):
        return ("a list" if root.is_list else "plain text"), "a capability file starts with `naftiko:` or `ikanos:`"
    keys = frozenset(root.value)
    for applies, shape, hint in _SHAPES:
        if applies(keys):
            return shape, hint
    return "another kind of document", "a capability file has `naftiko:`, `info:` and `capability:` at its top"


_WRITE_ONE = "write a capability that consumes the API and exposes these as operations or tools"
_WORKFLOW = {"workflow", "workflows", "steps", "apisComposed", "personas", "persona", "combines"}
_SKETCH = {"tools", "mcp", "actions", "servers", "adapters", "mcpServers"}
_OPENAPI = "turn it into a capability with `naftiko-run import openapi`"
_SHAPES: tuple[tuple[Callable[[frozenset[str]], object], str, str], ...] = (
    (lambda keys: keys & {"openapi", "swagger"}, "an OpenAPI document", _OPENAPI),
    (lambda keys: "asyncapi" in keys, "an AsyncAPI document", _WRITE_ONE),
    (lambda keys: "arazzo" in keys, "an Arazzo workflow", _WRITE_ONE),
    (lambda keys: {"apiVersion", "kind"} <= keys, "a k8s-style document", _WRITE_ONE),
    (lambda keys: "capabilities" in keys, "a capabilities list", "give each capability a file of its own"),
    (lambda keys: "capability" in keys, "a capability without content", "`capability:` holds `consumes:` and `exposes:`"),
    (lambda keys: keys & {"consumes", "exposes"}, "a list of references to other files", "serve the files it refers to"),
    (lambda keys: keys & _WORKFLOW, "a workflow", _WRITE_ONE),
    (lambda keys: keys & _SKETCH, "a tools sketch", _WRITE_ONE),
)


# ---- nothing to call


def _check_consumes(root: Node, capability: Node, problems: Problems) -> None:
    consumed = _entries(capability, "consumes")
    if not consumed:
        _no_consumes(root, capability, problems)
    elif not any(_is_http(entry) for entry in consumed):
        what = [_described(entry) for entry in consumed[:5]]
        problems.error(
            "E-NO-HTTP-CONSUMES",
            f"no `consumes` entry is an HTTP API: {', '.join(what)}",
            capability.get("consumes"),
            "an entry needs `type: http`, `namespace`, `baseUri` and `resources`, or `import` and `from`",
        )


def _no_consumes(root: Node, capability: Node, problems: Problems) -> None:
    homes = [node for home in (root, capability) if (node := home.get(*_IMPORTS)) is not None]
    if homes:
        files = ", ".join(repr(text) for text in _files(homes[0]))
        said = f"; `{homes[0].key}` names {files}" if files else ""
        hint = "import it under `capability.consumes`, as `- {from: <file>, import: <namespace>}`"
        problems.error("E-NO-CONSUMES", f"the capability consumes nothing{said}", homes[0].key_location, hint)
        return
    units = [entry for name in ("exposes", "aggregates") for entry in _entries(capability, name)]
    calls = next((node for unit in units for node in unit.walk() if node.key == "call" and node.is_text), None)
    if calls is not None or (not units and root.get("binds") is None):
        hint = "declare the API under `capability.consumes`"
        problems.error("E-NO-CONSUMES", "the capability consumes nothing", calls or capability.key_location, hint)


def _files(node: Node) -> Iterator[str]:
    for item in node.elements() if node.is_list else (node,):
        text = item.get_text("location", "from", "file", "path") if item.is_map else item.text
        if text:
            yield text


def _is_http(entry: Node) -> bool:
    if not entry.is_map or entry.get_text("type", default="http").lower() != "http":
        return False
    return entry.get("resources") is not None or entry.get("baseUri") is not None


def _described(entry: Node) -> str:
    if not entry.is_map:
        return repr(entry.text)
    found = next((key for key in ("ref", "openapi", "from", "type") if entry.get(key) is not None), "")
    name = entry.get_text("namespace", default="an entry")
    return f"{name} (`{found}: {entry.get_text(found)}`)" if found else name


# ---- nothing to serve


def _nothing_exposed(root: Node, capability: Node, problems: Problems) -> None:
    operations = sum(len(r.named("operations")) for c in _entries(capability, "consumes") for _, r in c.named("resources"))
    hint = "expose them under `capability.exposes`, or automatically with --expose-all"
    if isinstance(root, Document) and root.shared:
        hint = "this is a shared document: import it into a capability, or serve it with --expose-all"
    cut = next((finding for finding in problems.findings if finding.code == "W-TRUNCATED"), None)
    said = f"{operations} operations consumed, none exposed" if operations else "nothing is exposed"
    problems.error("E-NOTHING-EXPOSED", said, capability.get("exposes") or capability, cut.hint if cut else hint)


def _serves(exposure: Node) -> bool:
    """Whether an exposure has at least one operation, forward, tool, resource, prompt or skill."""
    kind = exposure.get_text("type").lower()
    if kind == "rest":
        return any(item.named("operations") or item.get("forward") for _, item in exposure.named("resources"))
    return any(exposure.named(key) for key in _UNITS.get(kind, ()))


def _entries(capability: Node, name: str) -> list[Node]:
    section = capability.get(name)
    return list(section.elements()) if section is not None else []
