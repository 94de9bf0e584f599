"""Whole requests, one behaviour each, written in YAML beside this file."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.authoring.exchanges.document import read_suite
from naftiko_run.authoring.exchanges.run import Target, run_case

SUITES = [read_suite(file) for file in sorted(Path(__file__).parent.glob("*.yaml"))]
CASES = [pytest.param(suite, case, id=f"{suite.file.stem}: {case.name}") for suite in SUITES for case in suite.cases]


@pytest.mark.parametrize(("suite", "case"), CASES)
async def test_an_exchange_goes_as_it_is_written(suite, case):
    outcome = await run_case(suite, case, Target())

    assert outcome.differences == ()
