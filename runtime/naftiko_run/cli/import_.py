"""``import``: a description of an API becomes a capability file. Exit 0 written, 2 it could not be read."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from naftiko_run.authoring.importers.document import Layout
from naftiko_run.authoring.importers.draft import IMPORTERS, ImportOptions
from naftiko_run.authoring.importers.run import Imported, import_text
from naftiko_run.authoring.importers.source import decode, fetch, is_url, read_source
from naftiko_run.cli import options as shared
from naftiko_run.consumes.settings import ClientSettings, Network
from naftiko_run.errors import BindingError
from naftiko_run.limits import DEFAULT_LIMITS


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run import", description="Make a capability file from the description of an API.")
    found.add_argument(
        "kind", choices=sorted(IMPORTERS), metavar="KIND", help=f"what SOURCE is: {', '.join(sorted(IMPORTERS))}"
    )
    found.add_argument(
        "source", metavar="SOURCE", help="a file, an http(s) URL, - for standard input; for curl the command itself"
    )
    found.add_argument("-o", "--output", default="", metavar="FILE", help="where to write (- for standard output)")
    found.add_argument("-n", "--namespace", default="", help="the consumed namespace (default: from the title)")
    found.add_argument("-f", "--format", choices=("yaml", "json"), default="yaml", help="how the file is written")
    found.add_argument("--consumes-only", action="store_true", help="write a shared `consumes` document for others to import")
    found.add_argument("--by", choices=("path", "tag"), default="path", help="name and order resources by path or by tag")
    found.add_argument("--tag", action="append", default=[], metavar="NAME", help="only operations with this tag (repeatable)")
    found.add_argument(
        "--server", default="", metavar="URL|N", help="the base URI, or the number of the document's server, from 0"
    )
    found.add_argument("--port", type=int, default=8080, help="port of the REST adapter (default 8080)")
    found.add_argument("--mcp-port", type=int, default=9090, help="port of the MCP adapter (default 9090)")
    found.add_argument("--force", action="store_true", help="replace an existing file")
    found.add_argument(
        "--allow-net", action="append", default=[], metavar="CIDR", help="let URLs lead to these private addresses"
    )
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    text = _text(given.kind, given.source, shared.networks(given.allow_net))
    is_command = given.kind == "curl" and text == given.source
    options = ImportOptions(
        source="the command" if is_command else given.source if is_url(given.source) else Path(given.source).name,
        namespace=given.namespace, base=given.source if is_url(given.source) else "", server=given.server,
        tags=frozenset(given.tag),
    )  # fmt: skip
    layout = Layout(rest_port=given.port, mcp_port=given.mcp_port, by=given.by)
    imported = import_text(
        given.kind, text, options, layout, consumes_only=given.consumes_only, as_json=given.format == "json"
    )  # fmt: skip
    for finding in imported.problems.findings:
        print(finding, file=sys.stderr)
    if given.output == "-":
        sys.stdout.write(imported.text)
        return 0
    _write(imported, Path(given.output or _default_name(imported, given.consumes_only, given.format)), force=given.force)
    return 0


def _default_name(imported: Imported, consumes_only: bool, form: str) -> str:
    suffix = "json" if form == "json" else "yml" if consumes_only else "yaml"
    return f"{imported.draft.namespace}{'-consumes' if consumes_only else ''}.{suffix}"


def _text(kind: str, source: str, networks: tuple[Network, ...]) -> str:
    limit = DEFAULT_LIMITS.openapi_bytes
    if source == "-":
        return decode(sys.stdin.buffer.read(limit + 1), "standard input", limit)
    if is_url(source):
        settings = ClientSettings(allow_net=networks)
        accept = "application/json, application/yaml;q=0.9, text/yaml;q=0.9, */*;q=0.5"
        return decode(asyncio.run(fetch(source, settings, limit, accept=accept)), source, limit)
    if kind == "curl" and source.lstrip().startswith(("curl ", "$ curl")):
        return source
    return read_source(source, limit)


def _write(imported: Imported, file: Path, *, force: bool) -> None:
    if file.exists() and not force:
        raise BindingError(f"{str(file)!r} is there already", code="E-EXISTS", hint="--force replaces it, -o names another")
    file.write_text(imported.text, encoding="utf-8")
    count = len(imported.draft.operations)
    print(f"wrote {file}: {count} operation{'s' if count != 1 else ''} of {imported.draft.base_uri}", file=sys.stderr)
    if imported.draft.variables:
        print(f"  needs {', '.join(imported.draft.variables)} in the environment", file=sys.stderr)
    print(f"  try it: naftiko-run {file} --mock", file=sys.stderr)
