"""Mock documents: mistakes are named where they are written, and cost one answer only."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.mock.document import mock_path, read_mock_document


def test_the_answers_stand_beside_the_capability():
    assert mock_path(Path("here/shop.yaml")) == Path("here/shop.mock.yaml")


def test_no_file_is_an_empty_document(problems, tmp_path):
    document = read_mock_document(tmp_path / "none.mock.yaml", problems)

    assert (dict(document.answers), problems.findings) == ({}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("operatoins: {}", "unknown key of a mock document 'operatoins'", id="key of the document"),
        pytest.param("refusals: {rate: {}}", "unknown refusal 'rate'", id="refusal"),
        pytest.param("operations: {s.a: {stauts: 3}}", "unknown key of an answer 'stauts'", id="key of an answer"),
        pytest.param("operations: {s.a: {status: 999}}", "'999' is no status an upstream answers with", id="status"),
        pytest.param("operations: {s.a: hello}", "an answer is a map", id="no map"),
        pytest.param("operations: {s.a: {body: 1, text: a}}", "an answer has either `body` or `text`", id="two contents"),
        pytest.param("operations: {s.a: {rows: {of: x}}}", "unknown rows 'x'", id="rows"),
        pytest.param(
            "operations: {s.a: {rows: {of: r, page: page}}}\nrows: {r: []}", "'page' names no part of a request", id="page"
        ),
        pytest.param("operations: {s.a: {when: {page: 1}}}", "condition on 'page' names no part of a request", id="no place"),
        pytest.param("operations: {s.a: {when: {query.p: {like: 1}}}}", "unknown comparison 'like'", id="comparison"),
        pytest.param(
            "operations: {s.a: {when: {query.p: {pattern: '('}}}}", "pattern '(' is not a regular expression", id="regex"
        ),
        pytest.param("operations: {s.a: {when: {query.p: {above: x}}}}", "`above` takes a number", id="number"),
        pytest.param("operations: {s.a: {when: {query.p: {in: x}}}}", "`in` takes a list", id="list"),
        pytest.param("operations: {s.a: {when: always}}", "`when` takes a map of conditions", id="when"),
    ],
)
def test_a_mistake_is_one_finding_with_a_place(compile_mock, problems, text, message):
    compile_mock(text)

    assert [(found.code, found.message) for found in problems.findings] == [("E-MOCK", message)]
    assert problems.findings[0].at.file == "shop.mock.yaml"


def test_a_wrong_answer_leaves_the_others(compile_mock):
    document = compile_mock("operations: {s.a: [{status: no}, {body: 2}]}")

    assert [answer.body for answer in document.answers["s.a"]] == [2]


def test_an_operation_that_is_not_there_is_reported_with_the_nearest(service, problems):
    service("operations: {shop.get-ordr: {body: 1}}")

    assert problems.findings[0].message == "unknown operation 'shop.get-ordr'"
    assert problems.findings[0].hint == "did you mean 'shop.get-order'?"
