"""Lint rules about what is exposed: addresses and ports, paths, descriptions, authentication of callers."""

from __future__ import annotations

from collections.abc import Iterator

from naftiko_run.checks.lint_rule import Said, entries, exposed, is_example, rule
from naftiko_run.document.nodes import Node

_LOCAL = ("", "localhost", "127.0.0.1")


def _resources(root: Node) -> Iterator[tuple[str, Node]]:
    for entry in exposed(root, "rest"):
        yield from entry.named("resources")


@rule("L-REST-PATH-SLASH", "warning", "An exposed path does not end in `/`.", hint="leave the slash out")
def rest_path_slash(root: Node) -> Said:
    for _, resource in _resources(root):
        path = resource.get("path")
        if path is not None and len(path.text) > 1 and path.text.endswith("/"):
            yield path, f"path {path.text!r} ends in a slash"


@rule("L-REST-PATH-QUERY", "warning", "An exposed path holds no query.", hint="declare query inputs")
def rest_path_query(root: Node) -> Said:
    for _, resource in _resources(root):
        path = resource.get("path")
        if path is not None and "?" in path.text:
            yield path, f"path {path.text!r} holds a query"


@rule("L-REST-RESOURCE-DESCRIPTION", "warning", "Every exposed resource is described.", hint="add a `description`")
def rest_resource_description(root: Node) -> Said:
    for name, resource in _resources(root):
        if not resource.get_text("description"):
            yield resource, f"resource {name or resource.get_text('path')!r} has no description"


@rule("L-REST-OPERATION-DESCRIPTION", "note", "Every exposed operation is described.", hint="add a `description`")
def rest_operation_description(root: Node) -> Said:
    for _, resource in _resources(root):
        for name, operation in resource.named("operations"):
            if not operation.get_text("description") and operation.get("ref") is None:
                yield operation, f"operation {name or operation.get_text('method')!r} has no description"


@rule("L-EXPOSES-NAMESPACE", "error", "Every adapter but the control adapter has a namespace.", hint="add `namespace`")
def exposes_namespace(root: Node) -> Said:
    for entry in entries(root, "exposes"):
        if entry.get_text("type") != "control" and entry.get("namespace", "import", "from") is None:
            yield entry, f"the {entry.get_text('type') or 'nameless'} adapter has no namespace"


@rule(
    "L-ADDRESS-EXAMPLE", "warning", "An adapter listens on an address of this machine.", hint="leave `address` out for loopback"
)
def address_example(root: Node) -> Said:
    for entry in entries(root, "exposes"):
        address = entry.get("address")
        if address is not None and is_example(address.text):
            yield address, f"address {address.text!r} is an example's"


# ---- authentication of callers


@rule("L-MCP-STDIO-AUTH", "warning", "An adapter on standard streams declares no authentication: nobody else can reach it.")
def mcp_stdio_auth(root: Node) -> Said:
    for entry in exposed(root, "mcp"):
        authentication = entry.get("authentication")
        if entry.get_text("transport") == "stdio" and authentication is not None:
            yield authentication, "authentication has no effect on standard streams"


def _oauth2(root: Node) -> Iterator[Node]:
    for entry in entries(root, "exposes"):
        authentication = entry.get("authentication")
        if authentication is not None and authentication.get_text("type").lower() == "oauth2":
            yield authentication


@rule("L-OAUTH2-SERVER-HTTPS", "error", "The authorization server is reached over https.", hint="write https://", evident=True)
def oauth2_server_https(root: Node) -> Said:
    for block in _oauth2(root):
        uri = block.get("authorizationServerUri")
        if uri is not None and not uri.text.startswith("https://") and not _is_local(uri.text):
            yield uri, f"{uri.text!r} is not https"


def _is_local(uri: str) -> bool:
    host = uri.rpartition("://")[2].partition("/")[0]
    return "{{" in uri or host.partition(":")[0] in _LOCAL[1:]


@rule("L-OAUTH2-RESOURCE-HTTPS", "warning", "The protected resource is an https address.", hint="write https://")
def oauth2_resource_https(root: Node) -> Said:
    for block in _oauth2(root):
        uri = block.get("resource")
        if uri is not None and not uri.text.startswith("https://") and not _is_local(uri.text):
            yield uri, f"{uri.text!r} is not https"


@rule("L-OAUTH2-SCOPES", "warning", "The scopes that callers need are declared.", hint="add `scopes`")
def oauth2_scopes(root: Node) -> Said:
    for block in _oauth2(root):
        if block.get("scopes", "scope") is None:
            yield block, "no scopes are declared: any token of the server is enough"


# ---- control


@rule("L-CONTROL-PORT", "error", "There is one control adapter, on a port of its own.", hint="give it another port")
def control_port(root: Node) -> Said:
    controls = exposed(root, "control")
    for entry in controls[1:]:
        yield entry, "there is more than one control adapter"
    taken = {one.get_text("port") for one in entries(root, "exposes") if one.get_text("type") != "control"} - {""}
    for entry in controls:
        if entry.get_text("port") in taken:
            yield entry.get("port") or entry, f"port {entry.get_text('port')} belongs to another adapter, too"


@rule("L-CONTROL-ADDRESS", "warning", "The control adapter listens on loopback.", hint="leave `address` out")
def control_address(root: Node) -> Said:
    for entry in exposed(root, "control"):
        address = entry.get("address")
        if address is not None and address.text not in _LOCAL:
            yield address, f"the control adapter listens on {address.text!r}"


@rule("L-SCRIPT-DEFAULTS", "error", "A script step has a language and a location, of its own or from `management.scripting`.")
def script_defaults(root: Node) -> Said:
    defaults = [m for one in exposed(root, "control") if (m := one.get("management")) is not None]
    scripting = next((found for one in defaults if (found := one.get("scripting")) is not None), None)
    for unit in root.walk():
        for name, step in unit.named("steps") if unit.is_map else ():
            if step.get_text("type") != "script":
                continue
            for key, default in (("language", "defaultLanguage"), ("location", "defaultLocation")):
                if step.get(key) is None and (scripting is None or scripting.get(default) is None):
                    yield step, f"script step {name!r} has no {key}"
