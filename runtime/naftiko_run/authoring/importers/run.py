"""The name of an importer and a source in, the text of a capability file and its findings out."""

from __future__ import annotations

from naftiko_run.authoring.importers import curl, openapi, postman
from naftiko_run.authoring.importers.document import Layout, capability_document, consumes_document
from naftiko_run.authoring.importers.draft import IMPORTERS, Draft, ImportOptions
from naftiko_run.authoring.written import write_json, write_yaml
from naftiko_run.errors import DocumentError, Problems
from naftiko_run.records import record

IMPORTER_MODULES = (curl, openapi, postman)
"""Importing them registers their words."""


@record
class Imported:
    draft: Draft
    text: str
    problems: Problems


def import_text(
    importer: str, text: str, options: ImportOptions, layout: Layout, *, consumes_only: bool = False, as_json: bool = False
) -> Imported:
    """Read ``text`` with the importer of that name and write what it found as a capability file."""
    problems = Problems()
    draft = IMPORTERS.lookup(importer, code="E-IMPORTER")(text, options, problems)
    if not draft.operations:
        raise DocumentError(
            "no operation carries the wanted tag", code="E-IMPORT-EMPTY", hint="--tag NAME, as the document spells it"
        )
    document = (consumes_document if consumes_only else capability_document)(draft, layout)
    written = write_json(document) if as_json else write_yaml(document, _comment(importer, options, draft, consumes_only))
    return Imported(draft=draft, text=written, problems=problems)


def _comment(importer: str, options: ImportOptions, draft: Draft, consumes_only: bool) -> str:
    lines = [f"Imported from {importer}: {options.source}", ""]
    if draft.variables:
        lines.append(f"Needs {', '.join(draft.variables)} in the environment.")
    if consumes_only:
        lines.append("Another capability takes this in with `from: ./THIS-FILE` and `import: " + draft.namespace + "`.")
    return "\n".join(lines).rstrip()
