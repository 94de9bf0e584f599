"""Files in, findings out: the judgement that serving would pass, without serving.

The same ``load`` runs as for serving, so what one accepts the other accepts; the document's JSON Schema is held against it as
well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from naftiko_run.capability import Capability, LoadOptions, load, load_text
from naftiko_run.checks.lint import lint_file, lint_root
from naftiko_run.document.nodes import Document
from naftiko_run.document.reader import read_document
from naftiko_run.errors import DocumentErrors, Finding
from naftiko_run.records import replace


def judge_file(file: Path, options: LoadOptions) -> tuple[list[Finding], bool]:
    """The findings of one file, and whether it would be served."""
    return _judged(lambda: load(file, options), options)


def judge_text(text: str, path: Path, options: LoadOptions) -> tuple[list[Finding], bool]:
    """The same for a text, as if it stood in a file at ``path``."""
    return _judged(lambda: load_text(text, path, options), options)


def _judged(compiled: Callable[[], Capability], options: LoadOptions) -> tuple[list[Finding], bool]:
    try:
        capability = compiled()
    except DocumentErrors as error:
        return list(error.findings), False
    findings = list(capability.findings)
    # A shared document that is only imported exposes nothing and is none the worse for it.
    return findings, not (options.strict and any(f.severity == "error" for f in findings))


def judge(files: Iterable[Path], options: LoadOptions, *, official: bool = False, lint: bool = False) -> list[Finding]:
    """All findings of ``files``. ``official`` holds them against the published language, ``lint`` against all house rules."""
    options = replace(options, schema="official" if official else "tolerant")
    return [finding for file in files for finding in _all_of(file, options, lint)]


def _all_of(file: Path, options: LoadOptions, lint: bool) -> list[Finding]:
    """Findings of compiling a file and of the house rules, of which the evident ones always count.

    The evident rules look at the document that was compiled; some of the others ask how it was written, before its imports were
    resolved, so the file is read again for them.
    """
    opened: list[Document] = []

    def read(path: Path) -> Document:
        opened.append(read_document(path, limits=options.limits))
        return opened[0]

    try:
        found = list(load(file, options, read=read).findings)
    except DocumentErrors as error:
        found = list(error.findings)
    if lint:
        found += lint_file(file)
    for document in opened:
        if not lint:  # what it imports is judged on its own
            found += (f for f in lint_root(document, every=False) if f.at is None or f.at.file == document.file)
        document.take_apart()
    return found
