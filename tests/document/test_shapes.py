"""Classification: a document that cannot be served says what it looks like, where, and what to do."""

from __future__ import annotations

import pytest

from naftiko_run.document.dialect import normalise
from naftiko_run.document.reader import read_text
from naftiko_run.document.shapes import classify
from naftiko_run.errors import Problems


def judged(text: str, *, exposing_all: bool = False) -> list[str]:
    problems = Problems()
    classify(normalise(read_text(text, file="cap.yaml"), problems), problems, exposing_all=exposing_all)
    return [str(finding) for finding in problems.errors]


HTTP = "{type: http, namespace: a, baseUri: https://a.test, resources: [{operations: [{name: x}, {name: y}]}]}"
REST = "{type: rest, port: 1, resources: [{path: /x, operations: [{method: GET, call: a.x}]}]}"


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("openapi: 3.1.0\npaths: {}\n", "an OpenAPI document"),
        ("swagger: '2.0'\n", "an OpenAPI document"),
        ("apiVersion: v1\nkind: Capability\nspec: {}\n", "a k8s-style document"),
        ("name: x\ncapabilities: [{id: y}]\n", "a capabilities list"),
        ("name: x\nworkflow: {steps: []}\n", "a workflow"),
        ("name: x\npersonas: []\ntools: []\n", "a workflow"),
        ("name: x\ntools: [{name: y}]\n", "a tools sketch"),
        ("id: x\nconsumes: [{ref: shared/x.yaml}]\n", "a list of references to other files"),
        ("capability: text\n", "a capability without content"),
        ("asyncapi: 3\n", "an AsyncAPI document"),
        ("arazzo: 1\n", "an Arazzo workflow"),
        ("- 1\n", "a list"),
        ("words\n", "plain text"),
        ("a: 1\n", "another kind of document"),
    ],
)
def test_a_document_that_is_no_capability_is_told_what_it_looks_like(text, shape):
    [error] = judged(text)

    assert error.startswith(f"cap.yaml:1:1: error E-NOT-CAPABILITY: there is no `capability:` mapping; this looks like {shape}")
    assert "\n  hint: " in error


def test_the_top_level_keys_are_listed():
    assert "its top-level keys are name, tools" in judged("name: x\ntools: []\n")[0]


def test_a_complete_capability_has_nothing_to_say():
    assert judged(f"capability: {{consumes: [{HTTP}], exposes: [{REST}]}}\n") == []


def test_nothing_consumed_is_an_error_where_something_is_called():
    assert judged(f"capability:\n  exposes: [{REST}]\n") == [
        "cap.yaml:2:91: error E-NO-CONSUMES: the capability consumes nothing\n"
        "  in capability.exposes[0].resources[0].operations[0].call\n"
        "  hint: declare the API under `capability.consumes`"
    ]


@pytest.mark.parametrize(
    "exposure",
    ["{type: mcp, tools: [{name: a, outputParameters: [{name: b, type: string, value: c}]}]}",
     "{type: mcp, prompts: [{name: a, template: []}]}", "{type: skill, skills: [{name: a}]}"],
    ids=["mock", "prompt", "skill"],
)  # fmt: skip
def test_units_that_call_nothing_need_nothing_consumed(exposure):
    assert judged(f"capability: {{exposes: [{exposure}]}}\n") == []


def test_aggregates_of_mocks_need_nothing_consumed():
    aggregate = "{namespace: f, flows: [{name: g, outputParameters: [{name: b, type: string, value: c}]}]}"
    exposure = "{type: mcp, tools: [{name: a, ref: f.g}]}"

    assert judged(f"capability: {{aggregates: [{aggregate}], exposes: [{exposure}]}}\n") == []


@pytest.mark.parametrize(
    ("text", "place"),
    [("import: [{name: a, location: shared/a.yaml}]\ncapability:\n  exposes: [%s]\n", "1:1"),
     ("capability:\n  imports: [shared/a.yaml]\n  exposes: [%s]\n", "2:3")],
    ids=["at the root", "in the capability"],
)  # fmt: skip
def test_imports_elsewhere_are_named_with_their_file(text, place):
    [error] = judged(text % REST)

    assert error.startswith(f"cap.yaml:{place}: error E-NO-CONSUMES: the capability consumes nothing; `import")
    assert "'shared/a.yaml'" in error
    assert "hint: import it under `capability.consumes`" in error


def test_consumes_without_an_http_api_names_what_is_there():
    [error] = judged(f"capability:\n  consumes:\n  - {{namespace: a, ref: shared/a.yaml}}\n  exposes: [{REST}]\n")

    assert error.startswith(
        "cap.yaml:3:3: error E-NO-HTTP-CONSUMES: no `consumes` entry is an HTTP API: a (`ref: shared/a.yaml`)"
    )


@pytest.mark.parametrize(
    "exposes", ["", ", exposes: []", ", exposes: [{type: rest, port: 1}, {type: mcp, port: 2, tools: []}]"]
)
def test_nothing_exposed_counts_what_is_consumed_and_offers_to_expose_it(exposes):
    [error] = judged(f"capability: {{consumes: [{HTTP}]{exposes}}}\n")

    assert "error E-NOTHING-EXPOSED: 2 operations consumed, none exposed" in error
    assert "automatically with --expose-all" in error


def test_exposing_all_makes_a_consumes_only_document_fine():
    assert judged(f"capability: {{consumes: [{HTTP}]}}\n", exposing_all=True) == []
    assert judged(f"naftiko: '1'\nconsumes: [{HTTP}]\n", exposing_all=True) == []


def test_a_shared_document_is_told_to_be_imported():
    [error] = judged(f"naftiko: '1'\nconsumes: [{HTTP}]\n")

    assert "E-NOTHING-EXPOSED" in error
    assert "import it into a capability" in error


def test_a_control_port_alone_exposes_nothing():
    assert "E-NOTHING-EXPOSED" in judged(f"capability: {{consumes: [{HTTP}], exposes: [{{type: control, port: 1}}]}}\n")[0]


def test_a_file_that_was_cut_before_its_exposes_points_to_the_whole_one():
    mark = "# --- truncated at 32 KB (78 KB total) ---\n# Full source: https://files.test/full.yaml\n"

    [error] = judged(f"capability:\n  consumes:\n  - {HTTP}\n  - {{type: http}}\n{mark}")

    assert "E-NOTHING-EXPOSED" in error
    assert "hint: get the full file from https://files.test/full.yaml" in error
