"""Published files: each is read or refused in words, none with a traceback, and the tolerant schema accepts them all."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from naftiko_run.document.dialect import normalise
from naftiko_run.document.imports import resolve_imports
from naftiko_run.document.reader import read_document
from naftiko_run.document.schema import check_schema
from naftiko_run.document.shapes import classify
from naftiko_run.errors import DocumentError, Problems

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def findings(shared: Path) -> dict[str, list[str]]:
    """The codes of every file's findings, by file."""
    found: dict[str, list[str]] = {}
    corpus = shared / "corpus"
    for file in sorted(path for path in corpus.rglob("*") if path.suffix in (".yaml", ".yml")):
        problems = Problems()
        try:
            root = read_document(file)
            check_schema(root, problems)
            check_schema(root, Problems(), strict=True)
            resolve_imports(normalise(root, problems), problems, read=read_document)
            classify(root, problems)
        except DocumentError as error:
            problems.add(error)
        assert all(finding.at is not None and finding.at.line >= 1 and str(finding) for finding in problems.findings)
        found[str(file.relative_to(corpus))] = [finding.code for finding in problems.findings]
    return found


def test_every_file_is_read_or_refused_in_words(findings):
    errors = Counter(code for codes in findings.values() for code in set(codes) if code.startswith("E-"))

    assert len(findings) == 448
    assert errors == {
        "E-TRUNCATED": 3, "E-NOT-CAPABILITY": 16, "E-NOTHING-EXPOSED": 24, "E-NO-CONSUMES": 7, "E-NO-HTTP-CONSUMES": 3,
        "E-IMPORT-MISSING": 3, "E-IMPORT-OPENAPI": 1,
    }  # fmt: skip


def test_cut_files_that_parse_are_read_with_a_warning(findings):
    assert sum("W-TRUNCATED" in codes for codes in findings.values()) == 33


def test_shared_documents_are_imported(findings):
    importing = [
        codes for name, codes in findings.items() if name.endswith(("order-to-cash.yaml", "amplitude-analytics-ingestion.yaml"))
    ]

    assert len(importing) == 2
    assert not any(code.startswith("E-") for codes in importing for code in codes)
