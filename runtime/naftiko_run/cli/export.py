"""``export``: a capability's REST adapters as an OpenAPI document. Exit 0 written, 2 it could not be."""

from __future__ import annotations

import sys
from pathlib import Path

from naftiko_run.authoring.exporters.openapi import export_openapi
from naftiko_run.authoring.written import write_json, write_yaml
from naftiko_run.capability import load
from naftiko_run.cli import options as shared
from naftiko_run.cli import session


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run export", description="Write the OpenAPI document of a capability's REST adapters.")
    found.add_argument("kind", choices=("openapi",), metavar="KIND", help="openapi")
    found.add_argument("file", metavar="FILE", help="a capability file")
    found.add_argument("-o", "--output", default="-", metavar="FILE", help="where to write (default: standard output)")
    found.add_argument("-f", "--format", choices=("yaml", "json"), default="", help="default: by the output's name, else yaml")
    found.add_argument("-a", "--adapter", default="", metavar="NAMESPACE", help="one REST adapter of several")
    found.add_argument("--spec-version", choices=("3.0", "3.1"), default="3.1", help="version of OpenAPI (default 3.1)")
    shared.add_load_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    capability = load(session.one_file(given.file), session.load_options(given))
    document = export_openapi(capability, adapter=given.adapter, version=given.spec_version)
    form = given.format or ("json" if given.output.endswith(".json") else "yaml")
    text = write_json(document) if form == "json" else write_yaml(document)
    if given.output == "-":
        sys.stdout.write(text)
    else:
        Path(given.output).write_text(text, encoding="utf-8")
        print(f"wrote {given.output}", file=sys.stderr)
    return 0
