"""Answers for operations nobody wrote one for."""

from __future__ import annotations

import json

import pytest

from naftiko_run.document.reader import read_text
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.mock.sample import exposed_paths, sample_document


@pytest.mark.parametrize(
    ("paths", "document"),
    [
        pytest.param([("$.a.b", "integer")], {"a": {"b": 3}}, id="nested"),
        pytest.param([("$.data[*].email", "string"), ("$.data[*].ok", "boolean")],
                     {"data": [{"email": "ada@example.com", "ok": True}]}, id="list of objects"),
        pytest.param([("$.data[*]", "object"), ("$.data[*].createdAt", "string")],
                     {"data": [{"createdAt": "2026-01-15T09:30:00Z"}]}, id="list and its fields"),
        pytest.param([("$[0].price", "number")], [{"price": 12.5}], id="list at the root"),
        pytest.param([("$.tags", "array")], {"tags": []}, id="a list nobody looks into"),
        pytest.param([("$.", "object")], None, id="the whole document"),
        pytest.param([("a.b", "string")], {"a": {"b": "sample"}}, id="no dollar"),
    ],
)  # fmt: skip
def test_a_document_grows_what_paths_ask_for(paths, document):
    assert sample_document(paths) == document


@pytest.mark.parametrize("path", ["$.a.b[*].c", "$.a['b c'].d", "$[1:2].x", "$.a..b", "$.m.*.n"])
def test_every_path_selects_something(path):
    document = sample_document([(path, "string")])

    assert compile_jsonpath(path).find(document)


def test_what_exposed_outputs_read_is_found_by_operation():
    root = read_text(
        """
capability:
  exposes:
  - type: mcp
    tools:
    - call: shop.list-orders
      outputParameters:
      - type: object
        properties:
          total: {type: integer, mapping: $.meta.total}
          orders:
            type: array
            mapping: $.data
            items: {type: object, properties: {id: {type: string, mapping: $.id}}}
""",
        file="shop.yaml",
    )

    paths = exposed_paths(root)["shop.list-orders"]

    assert sample_document(paths) == {"meta": {"total": 3}, "data": [{"id": "sample-1"}]}


def test_without_anything_to_go_by_the_answer_repeats_what_was_asked(ask):
    _, _, body = ask()("GET", "/shop/orders/42")

    assert json.loads(body) == {"id": "sample-1", "operation": "shop.get-order", "asked": {"id": "42"}}


def test_a_sample_has_the_declared_format(ask):
    capability = """
capability:
  consumes:
  - namespace: shop
    baseUri: https://shop.test
    resources: [{path: /a, operations: [{name: a, method: GET, outputRawFormat: csv}]}]
"""
    _, headers, body = ask(capability=capability)("GET", "/shop/a", {})

    assert (headers["Content-Type"], body) == ("text/csv", "id,name\r\nsample-1,Sample\r\n")
