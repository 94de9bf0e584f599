"""``new`` (also ``create capability``): a commented starter capability. On a terminal it asks what flags leave open."""

from __future__ import annotations

import sys
from pathlib import Path

from naftiko_run.authoring.importers.naming import kebab
from naftiko_run.authoring.starter import DEFAULT_BASE_URI, starter
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run new", description="Write a commented starter capability.")
    found.add_argument("name", nargs="?", default="", metavar="NAME", help="what it is called; the file is NAME.yaml")
    found.add_argument("--base-uri", default="", metavar="URL", help=f"the API that is called (default {DEFAULT_BASE_URI})")
    found.add_argument("--port", type=int, default=0, help="port of the REST adapter; MCP gets the next one (default 8080)")
    found.add_argument("--namespace", default="", help="the consumed namespace (default: the name)")
    found.add_argument(
        "-o", "--output", default="", metavar="FILE", help="where to write (default NAME.yaml; - for standard output)"
    )
    found.add_argument("--force", action="store_true", help="replace an existing file")
    return found


def run(arguments: list[str]) -> int:
    if arguments[:1] in (["capability"], ["cap"]):
        arguments = arguments[1:]
    given = parser().parse_args(arguments)
    name = given.name or _ask("name", "")
    if not name:
        raise BindingError("a capability needs a name", code="E-USAGE", hint="naftiko-run new NAME")
    base_uri = given.base_uri or _ask("address of the API", DEFAULT_BASE_URI)
    port = given.port or _port(_ask("port", "8080"))
    text = starter(name, base_uri=base_uri, port=port, namespace=given.namespace)
    if given.output == "-":
        sys.stdout.write(text)
        return 0
    file = Path(given.output or f"{kebab(name)}.yaml")
    if file.exists() and not given.force:
        raise BindingError(f"{str(file)!r} is there already", code="E-EXISTS", hint="--force replaces it, -o names another")
    file.write_text(text, encoding="utf-8")
    print(f"wrote {file}\n  try it: naftiko-run {file} --mock", file=sys.stderr)
    return 0


def _ask(what: str, default: str) -> str:
    """What the person at the terminal says; the default where there is none."""
    if not sys.stdin.isatty():
        return default
    shown = f" [{default}]" if default else ""
    print(f"{what}{shown}: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() or default


def _port(text: str) -> int:
    if not text.isdigit():
        raise BindingError(f"{text!r} is not a port", code="E-USAGE", hint="a number from 1 to 65534")
    return int(text)
