"""docs/language.md is complete: every field of every schema has a row, and every row names a test that exists."""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCHEMAS = sorted((ROOT / "schemas").glob("*.schema.json"))


def page(name: str = "language") -> str:
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def rows(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """The cells of every table row below a heading, with the kinds of object that the section is about."""
    kinds: list[str] = []
    for line in text.splitlines():
        if line.startswith("## "):
            kinds = []
        elif line.startswith("Objects: "):
            kinds = re.findall(r"`([^`]+)`", line)
        elif line.startswith("| ") and kinds and not line.startswith(("| field", "| ---")):
            yield kinds, [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def documented() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for kinds, cells in rows(page()):
        for kind in kinds:
            found[kind] |= set(re.findall(r"`([^`]+)`", cells[0]))
    return found


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda path: path.name.removesuffix(".schema.json"))
def test_every_field_of_a_schema_has_a_row(schema):
    content = json.loads(schema.read_text(encoding="utf-8"))
    known = documented()
    objects = {"document": content, **content["$defs"]}

    missing = {
        f"{kind}.{field}" for kind, one in objects.items() for field in one.get("properties", {}) if field not in known[kind]
    }

    assert missing == set()


def test_no_row_speaks_of_a_field_that_no_schema_has():
    fields: dict[str, set[str]] = defaultdict(set)
    for schema in SCHEMAS:
        content = json.loads(schema.read_text(encoding="utf-8"))
        for kind, one in {"document": content, **content["$defs"]}.items():
            fields[kind] |= set(one.get("properties", {}))

    odd = {
        field
        for kinds, cells in rows(page())
        for field in re.findall(r"`([^`]+)`", cells[0])
        if not any(field in fields[k] for k in kinds)
    }

    assert odd == set()


@pytest.mark.parametrize("name", ["language", "differences"])
def test_every_named_test_exists(name):
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page(name))
    tests = {file: functions(ROOT / file) for file in {file for file, _ in named}}

    assert len(named) > 20
    assert [f"{file}::{test}" for file, test in named if test not in tests[file]] == []


def functions(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}


def test_every_row_names_a_test_and_none_says_ignored():
    for _, cells in rows(page()):
        assert len(cells) == 3, cells
        assert re.fullmatch(r"`tests/[\w/]+\.py::\w+`", cells[2]), cells
        assert "ignored" not in cells[1], cells
