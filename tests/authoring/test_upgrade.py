"""Upgrading a file: the newest spelling, the author's comments and order, and the very same plan."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest

from naftiko_run.authoring.difference import compare
from naftiko_run.authoring.upgrade import upgrade_text
from naftiko_run.capability import LoadOptions, load
from naftiko_run.checks.judge import judge
from naftiko_run.cli.main import main
from naftiko_run.document.nodes import Node
from naftiko_run.errors import DocumentErrors, Finding, Location

OLD = """\
# A file
naftiko: 1.0.0-alpha2   # the version
info:
  label: Old one  # shown
  description: |
    Several
    # no comment
    lines
  tags: [a, '1e3']
externalRefs:
- {name: env, description: d, type: variables, resolution: runtime, keys: {KEY: KEY}}
capability:
  consumes:
  # the shop
  - type: http
    namespace: shop
    baseUri: https://shop.test
    authentication: {type: bearer, token: '{{KEY}}'}
    resources:
    # jobs
    - name: jobs  # named
      path: /jobs
      operations:
      - name: find
        label: Find
        method: GET
        inputParameters:
        - {name: state, in: query}
        - {name: size, in: query, value: 1.10}
        outputParameters:
        - {name: id, type: string, value: $.id}
  aggregates:
  - label: Group
    namespace: group
    functions:
    - {name: twice, description: d, call: shop.find}
  exposes:
  - type: api
    namespace: shop-rest
    port: 8080
    resources:
    - name: jobs
      path: /jobs
      operations:
      - method: GET
        name: find
        steps:
        - {name: one, type: call, call: shop.find}
        mappings:
        - {targetName: id, value: $.one.id}
        outputParameters:
        - {name: id, type: string}
  - type: mcp
    namespace: shop-mcp
    port: 9090
    tools:
    - {name: twice, ref: group.twice}
# the end
"""


def upgraded(text: str) -> str:
    return upgrade_text(text, file="old.yaml").text


def plan(value: object) -> object:
    """A compiled plan without places, findings and functions: what two spellings of one file have in common."""
    if isinstance(value, (Location, Finding, Path, Node)) or callable(value):
        return None
    if is_dataclass(value):
        left_out = ("at", "findings", "document", "dialect", "spec_version", "path" if hasattr(value, "exposures") else "")
        return {
            "kind": type(value).__name__,
            **{f.name: plan(getattr(value, f.name)) for f in fields(value) if f.name not in left_out},
        }
    if isinstance(value, dict):
        return {key: plan(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plan(item) for item in value]
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__


def test_old_spellings_become_the_newest():
    text = upgraded(OLD)

    for old in ("naftiko:", "label:", "externalRefs", "functions:", "targetName", "- name: jobs", "type: api", "resolution"):
        assert old not in text
    for new in ("ikanos: 1.0.0-beta5", "display: Old one", "binds:", "namespace: env", "flows:", "target: id", "type: rest"):
        assert new in text


def test_comments_order_and_block_texts_are_kept():
    text = upgraded(OLD)
    comments = [line.partition("#")[2].strip() for line in text.splitlines() if "#" in line]

    assert comments == ["A file", "the version", "shown", "no comment", "the shop", "jobs", "named", "the end"]
    assert "  description: |\n    Several\n    # no comment\n    lines\n" in text
    assert text.index("consumes:") < text.index("aggregates:") < text.index("exposes:")


def test_texts_that_look_like_numbers_and_numbers_keep_their_spelling():
    text = upgraded(OLD)

    assert "'1e3'" in text
    assert "value: 1.10" in text


def test_the_upgraded_file_compiles_to_an_equal_plan(tmp_path):
    old, new = tmp_path / "a" / "old.yaml", tmp_path / "b" / "old.yaml"
    official = OLD.replace("value: 1.10", "value: x")
    for file, text in ((old, official), (new, upgraded(official))):
        file.parent.mkdir()
        file.write_text(text)

    assert plan(load(new)) == plan(load(old))
    assert [f.code for f in judge([new], LoadOptions(), official=True) if f.severity == "error"] == []


def test_a_file_in_the_newest_spelling_is_left_alone():
    once = upgrade_text(upgraded(OLD), file="new.yaml")

    assert not once.is_changed
    assert once.text == once.was


@pytest.mark.shared
@pytest.mark.parametrize("part", range(4))
def test_published_files_compile_to_equal_plans(shared: Path, tmp_path: Path, part: int):
    files = sorted((shared / "corpus").rglob("*.y*ml"))[part * 3 :: 40]
    compared = 0
    for file in files:
        text = file.read_text()
        if len(text) > 200_000:
            continue
        beside = file.parent / file.name
        try:
            old = load(beside)
        except DocumentErrors:
            continue
        new_file = tmp_path / file.name
        new_file.write_text(upgraded(text))
        try:
            new = load(new_file)
        except DocumentErrors as error:
            assert any(f.code.startswith("E-IMPORT") for f in error.findings), (file, error)
            continue
        if any(f.code.startswith("E-IMPORT") for f in new.findings):
            continue
        assert plan(replace(new, name="")) == plan(replace(old, name="")), file
        assert compare(old, new) == []
        compared += 1
    assert compared > 5


def test_check_writes_nothing_and_says_so_by_its_exit_code(tmp_path, capsys):
    file = tmp_path / "old.yaml"
    file.write_text(OLD)

    assert main(["upgrade", str(file), "--check"]) == 1
    assert main(["upgrade", str(file), "--diff"]) == 0
    assert "+ikanos: 1.0.0-beta5" in capsys.readouterr().out
    assert file.read_text() == OLD
    assert main(["upgrade", str(file)]) == 0
    assert file.read_text() == upgraded(OLD)
    assert main(["upgrade", str(file), "--check"]) == 0
