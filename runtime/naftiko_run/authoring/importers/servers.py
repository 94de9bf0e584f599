"""``servers`` in, one base URI out: variables filled with their defaults, relative URLs resolved, no trailing slash."""

from __future__ import annotations

import re
from urllib.parse import urljoin

from naftiko_run.authoring.importers.draft import ImportOptions
from naftiko_run.authoring.importers.references import JsonObject, References, as_list, as_map, text_of
from naftiko_run.consumes.base_uri import split_base

PLACEHOLDER = "https://api.example.com"
_VARIABLE = re.compile(r"\{([^{}]*)\}")


def base_uri_of(document: JsonObject, options: ImportOptions, references: References) -> str:
    """The base URI: what the operator chose, else the first server."""
    servers = [server_url(as_map(one), options, references) for one in as_list(document.get("servers"))]
    servers = [url for url in servers if url]
    if options.server:
        return (servers[int(options.server)] if options.server.isdigit() and int(options.server) < len(servers)
                else options.server).rstrip("/")  # fmt: skip
    if not servers:
        hint = "name it with --server URL, or with --base-uri NAMESPACE=URL when serving"
        references.warn("W-IMPORT-SERVER", "the document names no server that can be called", "servers", hint)
        return PLACEHOLDER
    if len(servers) > 1:
        others = ", ".join(servers[1:6])
        references.note(
            "N-IMPORT-SERVER", f"{servers[0]} is called; the document also names {others}", "servers", "--server URL"
        )
    return servers[0]


def server_url(server: JsonObject, options: ImportOptions, references: References) -> str:
    """One server's URL, ``""`` where nothing can be made of it."""
    variables = as_map(server.get("variables"))

    def fill(match: re.Match[str]) -> str:
        variable = as_map(variables.get(match[1]))
        default = variable.get("default", "")
        value = str(default) if isinstance(default, (str, int, float)) else ""
        listed = [str(one) for one in as_list(variable.get("enum"))]
        shown = f" (one of {', '.join(listed[:8])})" if listed else ""
        message = f"server variable {match[1]!r} is set to its default {value!r}{shown}"
        references.note("N-IMPORT-SERVER", message, "servers", "--base-uri NAMESPACE=URL calls another one")
        return value

    url = _VARIABLE.sub(fill, text_of(server.get("url")).strip())
    if options.base:
        url = urljoin(options.base, url)
    if url.startswith("//"):
        url = f"https:{url}"
    if "{" in url or "}" in url or not url.startswith(("http://", "https://")):
        return ""
    url = url.partition("?")[0].partition("#")[0].rstrip("/")
    return url if split_base(url)[0] is not None else ""
