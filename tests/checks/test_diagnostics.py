"""Diagnostic codes: each one that the source uses is explained, and the page in the docs says the same."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from naftiko_run.checks.diagnostics import DIAGNOSTICS, explain_code, page
from naftiko_run.cli.main import main
from naftiko_run.errors import UnresolvedReference

ROOT = Path(__file__).parent.parent.parent
CODE = re.compile(r"[EWN]-[A-Z][A-Z0-9]*(-[A-Z0-9]+)*")


def used() -> Iterator[str]:
    for file in (ROOT / "runtime" / "naftiko_run").rglob("*.py"):
        if file.name == "diagnostics.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value):
                yield node.value


def test_every_code_that_is_used_is_explained():
    assert sorted(set(used()) - set(DIAGNOSTICS)) == []


def test_the_page_of_the_docs_is_up_to_date():
    assert (ROOT / "docs" / "diagnostics.md").read_text() == page()


def test_a_code_is_explained_on_the_command_line(capsys):
    assert main(["explain", "e-call-unresolved"]) == 0
    assert "no consumed API declares" in capsys.readouterr().out


def test_an_unknown_code_is_answered_with_the_nearest():
    with pytest.raises(UnresolvedReference, match="E-CALL-UNRESOLVED"):
        explain_code("E-CALL-UNRESOLVE")
