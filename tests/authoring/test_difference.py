"""Comparing two files: what breaks callers, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naftiko_run.authoring.difference import compare
from naftiko_run.capability import load
from naftiko_run.cli.main import main

SHOP = """
ikanos: 1.0.0-beta5
info: {display: Shop, description: d}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    resources:
      {jobs: {path: /jobs, operations: {find: {method: GET, inputParameters: {state: {in: query}, size: {in: query}}}}}}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    resources:
      jobs:
        path: /jobs
        operations:
          find:
            method: GET
            call: shop.find
            inputParameters:
              state: {in: query, type: string, description: d, enum: [open, done]}
              size: {in: query, type: integer, description: d, minimum: 1}
            outputParameters:
            - {type: object, properties: {id: {type: string, mapping: $.id}, name: {type: string, mapping: $.n}}}
  - type: mcp
    namespace: shop-mcp
    port: 9090
    tools: {find: {description: d, call: shop.find}}
"""


def changes(tmp_path: Path, *swaps: tuple[str, str]) -> list[tuple[bool, str]]:
    text = SHOP
    for old, new in swaps:
        assert old in text
        text = text.replace(old, new)
    (tmp_path / "old.yaml").write_text(SHOP)
    (tmp_path / "new.yaml").write_text(text)
    return [(c.breaking, f"{c.what}: {c.message}") for c in compare(load(tmp_path / "old.yaml"), load(tmp_path / "new.yaml"))]


def test_the_same_file_has_no_difference(tmp_path):
    assert changes(tmp_path) == []


def test_another_spelling_is_no_difference(tmp_path):
    mapped = (
        "{jobs: {path: /jobs, operations: {find: {method: GET, inputParameters: {state: {in: query}, size: {in: query}}}}}}"
    )
    inputs = "[{name: state, in: query}, {name: size, in: query}]"
    listed = f"[{{name: jobs, path: /jobs, operations: [{{name: find, method: GET, inputParameters: {inputs}}}]}}]"

    assert changes(tmp_path, (mapped, listed)) == []


@pytest.mark.parametrize(
    ("swap", "expected"),
    [
        (("path: /jobs\n        op", "path: /work\n        op"), [(True, "GET /jobs: is gone"), (False, "GET /work: is new")]),
        (("type: integer,", "type: string,"), [(True, "GET /jobs: input 'size' is string now, it was integer")]),
        (("type: integer,", "type: number,"), [(False, "GET /jobs: input 'size' is number now, it was integer")]),
        (("[open, done]", "[open]"), [(True, "GET /jobs: input 'state' no longer takes done")]),
        (("[open, done]", "[open, done, new]"), [(False, "GET /jobs: input 'state' takes other values than before")]),
        (("minimum: 1", "minimum: 5"), [(True, "GET /jobs: input 'size' has other bounds")]),
        (
            ("description: d, minimum", "description: d, required: true, minimum"),
            [(True, "GET /jobs: input 'size' is required now")],
        ),
        ((", name: {type: string, mapping: $.n}", ""), [(True, "GET /jobs: field 'name' of the answer is gone")]),
        (("port: 9090", "port: 9091"), [(True, "mcp shop-mcp: listens on loopback:9091, it was loopback:9090")]),
        (
            ("port: 9090", "port: 9090\n    authentication: {type: bearer, token: '{{KEY}}'}"),
            [
                (True, "mcp shop-mcp: callers need bearer, they needed nothing"),
                (False, "KEY: is a variable that has to be set"),
            ],
        ),
    ],
    ids=[
        "moved",
        "other type",
        "wider type",
        "fewer values",
        "more values",
        "bounds",
        "required",
        "field",
        "port",
        "authentication",
    ],
)
def test_a_change_breaks_or_not(tmp_path, swap, expected):
    assert changes(tmp_path, swap) == expected


def test_another_upstream_is_said_and_does_not_break(tmp_path):
    found = changes(tmp_path, ("https://shop.test", "https://new.test"))

    assert (False, "namespace shop: calls https://new.test, it called https://shop.test") in found
    assert not any(breaking for breaking, _ in found)


def test_the_exit_code_says_whether_something_breaks(tmp_path, capsys):
    (tmp_path / "old.yaml").write_text(SHOP)
    (tmp_path / "new.yaml").write_text(SHOP.replace("[open, done]", "[open]"))

    assert main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "old.yaml")]) == 0
    assert main(["diff", str(tmp_path / "old.yaml"), str(tmp_path / "new.yaml"), "--format", "json"]) == 1
    written = capsys.readouterr().out.partition("\n")[2]
    assert json.loads(written)["summary"] == {"breaking": 1, "compatible": 0}


def test_a_call_that_leads_nowhere_is_one_breaking_change(tmp_path):
    assert changes(
        tmp_path, ("tools: {find: {description: d, call: shop.find}}", "tools: {find: {description: d, call: shop.fnd}}")
    ) == [(True, "tool find: cannot be called (E-CALL-UNRESOLVED)")]
