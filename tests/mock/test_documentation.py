"""The page about mock documents says what holds."""

from __future__ import annotations

import re
from pathlib import Path

from naftiko_run.checks.reports.report import REPORT_FORMATS
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems
from naftiko_run.mock.condition import TESTS
from naftiko_run.mock.document import REFUSALS, compile_mock_document

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_the_example_is_a_mock_document():
    problems = Problems()
    example = re.search(r"```yaml\n(.*?)```", (DOCS / "mock.md").read_text(), re.DOTALL)[1]

    document = compile_mock_document(read_text(example, file="shop.mock.yaml"), problems)

    assert problems.findings == []
    assert {ref: len(answers) for ref, answers in document.answers.items()} == {"shop.get-order": 2, "shop.list-orders": 1}


def test_every_comparison_and_refusal_is_explained():
    page = (DOCS / "mock.md").read_text()

    assert [word for word in TESTS if f"`{word}: " not in page] == []
    assert [word for word in REFUSALS if f"`{word}`" not in page] == []


def test_every_report_format_is_explained():
    page = (DOCS / "reports.md").read_text()

    assert [word for word in REPORT_FORMATS if f"| `{word}` |" not in page] == []
