"""Lint rules about what is consumed: addresses, paths, tunnels."""

from __future__ import annotations

import re

from naftiko_run.checks.lint_rule import Said, entries, is_example, named, rule
from naftiko_run.document.nodes import Node

_QUALIFIED = re.compile(r"\{\{\s*([A-Za-z0-9_-]+)\.([A-Za-z0-9_]+)\s*\}\}")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]", "::1")
_PUBLIC = re.compile(r"\.(com|net|org|io|dev|ai|app|cloud|co)(:\d+)?$")


def _host(entry: Node) -> str:
    return entry.get_text("baseUri").rpartition("://")[2].partition("/")[0].lower()


@rule("L-CONSUMES-DESCRIPTION", "warning", "Every consumed API is described.", hint="add a `description`")
def consumes_description(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        if not entry.get_text("description") and entry.get("import", "from") is None:
            yield entry, f"{named(entry, 'consumed API')} has no description"


@rule("L-BASE-URI-SLASH", "warning", "A base URI does not end in `/`: paths start with one.", hint="leave the slash out")
def base_uri_slash(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        uri = entry.get("baseUri")
        if uri is not None and uri.text.endswith("/"):
            yield uri, f"base URI {uri.text!r} ends in a slash"


@rule("L-BASE-URI-EXAMPLE", "warning", "A base URI is the API's own address.", hint="write the real one")
def base_uri_example(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        uri = entry.get("baseUri")
        if uri is not None and is_example(uri.text):
            yield uri, f"base URI {uri.text!r} is an example's"


@rule(
    "L-CONSUMED-PATH-QUERY",
    "warning",
    "A consumed path holds no query.",
    hint="declare query inputs, with `value` where they are fixed",
)
def consumed_path_query(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        for _, resource in entry.named("resources"):
            path = resource.get("path")
            if path is not None and "?" in path.text:
                yield path, f"path {path.text!r} holds a query"


# ---- tunnels


@rule("L-TUNNEL-IDENTITY", "error", "The variable of a tunnel's identity is bound.", hint="declare it under `binds`")
def tunnel_identity(root: Node) -> Said:
    bound = {entry.get_text("namespace"): [key for key, _ in _keys(entry)] for entry in entries(root, "binds")}
    for entry in entries(root, "consumes"):
        tunnel = entry.get("tunnel")
        identity = tunnel.get("identity") if tunnel is not None else None
        for namespace, key in _QUALIFIED.findall(identity.text) if identity is not None else ():
            if key not in bound.get(namespace, ()):
                yield identity or entry, f"'{namespace}.{key}' is not bound"


def _keys(entry: Node) -> list[tuple[str, Node]]:
    keys = entry.get("keys")
    return list(keys.items()) if keys is not None else []


@rule(
    "L-TUNNEL-FALLBACK",
    "warning",
    "Only a service on this machine is called directly when its tunnel fails.",
    hint="`fallback: fail`",
)
def tunnel_fallback(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        tunnel = entry.get("tunnel")
        if tunnel is not None and tunnel.get_text("fallback") == "direct" and _host(entry).partition(":")[0] not in _LOOPBACK:
            yield tunnel, "without its tunnel the service is called over the open network"


@rule(
    "L-TUNNEL-PUBLIC", "note", "What is reached through a tunnel has a private name.", hint="use the tunnel's own name for it"
)
def tunnel_public(root: Node) -> Said:
    for entry in entries(root, "consumes"):
        if entry.get("tunnel") is not None and _PUBLIC.search(_host(entry)) and not is_example(_host(entry)):
            yield entry, f"{_host(entry)!r} is a public name behind a tunnel"
