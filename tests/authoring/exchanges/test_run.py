"""Exchange tests tell what went otherwise than written: in the request, in the answer, or in the test itself."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from naftiko_run.authoring.exchanges.document import read_suite
from naftiko_run.authoring.exchanges.run import run_suite
from naftiko_run.cli.main import main
from naftiko_run.errors import DocumentErrors

SHOP = """
ikanos: 1.0.0-beta5
info: {display: Shop, description: d}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test/v1
    resources: {jobs: {path: /jobs, operations: {find: {method: GET, inputParameters: {state: {in: query}}}}}}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    resources: {jobs: {path: /jobs, operations: {find: {method: GET, call: shop.find}}}}
"""


@pytest.fixture
def differences(tmp_path: Path):
    (tmp_path / "shop.yaml").write_text(SHOP)

    async def run(case: str) -> list[str]:
        file = tmp_path / "shop.test.yaml"
        file.write_text(f"tests:\n- {case}\n")
        return [line for one in await run_suite(read_suite(file)) for line in one.differences]

    return run


async def test_a_test_that_holds_has_no_differences(differences):
    upstream = "{request: {path: /v1/jobs, query: {state: x}}, answer: {body: [1]}}"
    case = f"{{call: GET /jobs?state=x, upstream: {upstream}, answer: {{body: [1]}}}}"

    assert await differences(case) == []


@pytest.mark.parametrize(
    ("case", "said"),
    [
        (
            "{call: GET /jobs, upstream: {request: {path: /jobs}, answer: {body: 1}}}",
            "the path is '/v1/jobs', expected '/jobs'",
        ),
        ("{call: GET /jobs, upstream: {request: {method: POST}, answer: {body: 1}}}", "the method is GET, expected POST"),
        (
            "{call: GET /jobs?state=a, upstream: {request: {query: {state: b}}, answer: {body: 1}}}",
            "the query is {'state': ['a']}",
        ),
        (
            "{call: GET /jobs, upstream: {request: {headers: {X-A: b}}, answer: {body: 1}}}",
            "header 'X-A' is not there, expected 'b'",
        ),
        ("{call: GET /jobs, upstream: {answer: {body: 1}}, answer: {status: 201}}", "the answer's status is 200, expected 201"),
        ("{call: GET /jobs, upstream: {answer: {body: {a: 1}}}, answer: {includes: {a: 2}}}", "body.a is 1, expected 2"),
        ("{call: GET /jobs, upstream: {answer: {text: hi}}, answer: {text: ho}}", "the text is 'hi', expected 'ho'"),
        ("{call: GET /jobs, upstream: [{answer: {body: 1}}, {answer: {body: 2}}]}", "the upstream saw 1 requests, expected 2"),
        ("{call: GET /jobs}", "the upstream saw 1 requests, expected 0"),
    ],
    ids=["path", "method", "query", "header", "status", "part", "text", "too few", "too many"],
)
async def test_each_difference_is_a_sentence(differences, case, said):
    assert any(said in line for line in await differences(case))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tests: [{cal: GET /x}]", "unknown key 'cal'"),
        ("tests: []", "there are no tests"),
        ("tests: [{name: n}]", "a test needs a call"),
        ("tests: [{call: GET /x, upstream: {answer: {fault: boom}}}]", "unknown fault 'boom'"),
    ],
)
def test_a_mistake_in_a_test_file_is_named(tmp_path, text, said):
    file = tmp_path / "shop.test.yaml"
    file.write_text(text)

    with pytest.raises(DocumentErrors, match=said) as caught:
        read_suite(file)

    assert caught.value.code == "E-TEST"


def test_the_command_reports_as_text_and_junit(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "shop.test.yaml").write_text(
        "tests:\n- {name: good, call: GET /jobs, upstream: {answer: {body: 1}}}\n"
        "- {name: bad, call: GET /nope, answer: {status: 200}}\n"
    )

    assert main(["test", str(tmp_path / "shop.yaml")]) == 1
    assert "1 passed, 1 failed" in capsys.readouterr().out
    assert main(["test", str(tmp_path), "--format", "junit"]) == 1
    suite = ElementTree.fromstring(capsys.readouterr().out)[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_with_mock_only_answers_are_checked(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)
    (tmp_path / "shop.test.yaml").write_text(
        "tests: [{call: GET /jobs, upstream: {request: {path: /x}}, answer: {status: 200}}]"
    )

    assert main(["test", str(tmp_path / "shop.yaml"), "--mock"]) == 0


def test_a_capability_without_tests_is_told_where_they_would_stand(tmp_path, capsys):
    (tmp_path / "shop.yaml").write_text(SHOP)

    assert main(["test", str(tmp_path / "shop.yaml")]) == 2

    said = capsys.readouterr().err
    assert "error E-NO-FILE: 'shop.yaml' has no tests" in said
    assert "'shop.test.yaml'" in said
