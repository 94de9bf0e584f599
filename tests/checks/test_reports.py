"""Report formats, read back by the libraries that others read them with."""

from __future__ import annotations

import json

import junitparser
import pytest
from sarif_pydantic import Level, Sarif

from naftiko_run.checks.reports.report import REPORT_FORMATS
from naftiko_run.checks.reports.write import write_report
from naftiko_run.errors import Finding, Location, UnresolvedReference

AT = Location(file="caps/my shop.yaml", line=42, column=15, path="capability.exposes[0].tools[1].call")
ERROR = Finding(
    code="E-CALL-UNRESOLVED", severity="error", message="unknown operation 'a.b'", at=AT, hint="did you mean 'a.c'?"
)
WARNING = Finding(
    code="W-BIND-UNUSED",
    severity="warning",
    message="100%, ::error:: and\na second line",
    at=Location(file="caps/my shop.yaml", line=3, column=1),
)
NOTE = Finding(code="N-PLACE", severity="note", message="about nothing in particular")
ALL = [ERROR, WARNING, NOTE]


def test_the_formats_are_these():
    assert sorted(REPORT_FORMATS) == ["github", "json", "junit", "sarif", "text"]


def test_an_unknown_format_is_the_users_mistake():
    with pytest.raises(UnresolvedReference, match="unknown report format 'jsno'"):
        write_report([], "jsno")


@pytest.mark.parametrize("name", sorted(REPORT_FORMATS))
def test_every_report_ends_in_one_line_break(name):
    for findings in ([], ALL):
        report = write_report(findings, name, files=["a.yaml"])
        assert report.endswith("\n")
        assert not report.endswith("\n\n")


def test_text_lists_findings_by_place_and_counts_them():
    assert write_report([ERROR, NOTE], files=["caps/my shop.yaml", "other.yaml"]) == (
        "note N-PLACE: about nothing in particular\n"
        "caps/my shop.yaml:42:15: error E-CALL-UNRESOLVED: unknown operation 'a.b'\n"
        "  in capability.exposes[0].tools[1].call\n"
        "  hint: did you mean 'a.c'?\n"
        "1 error, 1 note in 2 files\n"
    )


def test_text_says_that_there_is_nothing():
    assert write_report([], files=["a.yaml"]) == "no findings in 1 file\n"


def test_json_has_its_documented_shape():
    assert json.loads(write_report([ERROR, NOTE], "json", files=["b.yaml"], version="1.2")) == {
        "version": 1,
        "tool": {"name": "naftiko-run", "version": "1.2"},
        "summary": {"files": 2, "errors": 1, "warnings": 0, "notes": 1},
        "findings": [
            {"code": "N-PLACE", "severity": "note", "message": "about nothing in particular", "hint": "",
             "file": None, "line": None, "column": None, "path": ""},
            {"code": "E-CALL-UNRESOLVED", "severity": "error", "message": "unknown operation 'a.b'",
             "hint": "did you mean 'a.c'?",
             "file": "caps/my shop.yaml", "line": 42, "column": 15, "path": "capability.exposes[0].tools[1].call"},
        ],
    }  # fmt: skip


def test_github_commands_are_one_escaped_line_each():
    assert write_report(ALL, "github").splitlines() == [
        "::notice title=N-PLACE::about nothing in particular",
        "::warning file=caps/my shop.yaml,line=3,col=1,title=W-BIND-UNUSED::100%25, ::error:: and%0Aa second line",
        "::error file=caps/my shop.yaml,line=42,col=15,title=E-CALL-UNRESOLVED::"
        "unknown operation 'a.b'%0Ahint: did you mean 'a.c'?",
        "1 error, 1 warning, 1 note in 1 file",
    ]


def test_a_file_name_cannot_add_properties_to_a_github_command():
    sly = Finding(code="E-X", severity="error", message="m", at=Location(file="a,line=1::b", line=7, column=1))

    assert write_report([sly], "github").startswith("::error file=a%2Cline=1%3A%3Ab,line=7,col=1,title=E-X::m\n")


def test_sarif_is_read_by_a_model_of_its_schema():
    log = Sarif.model_validate_json(write_report(ALL, "sarif", files=["clean.yaml"], version="1.2"))

    (run,) = log.runs
    assert (log.version, run.tool.driver.name, run.tool.driver.version) == ("2.1.0", "naftiko-run", "1.2")
    assert [rule.id for rule in run.tool.driver.rules] == ["N-PLACE", "W-BIND-UNUSED", "E-CALL-UNRESOLVED"]
    assert [(one.rule_id, one.rule_index, one.level) for one in run.results] == [
        ("N-PLACE", 0, Level.NOTE),
        ("W-BIND-UNUSED", 1, Level.WARNING),
        ("E-CALL-UNRESOLVED", 2, Level.ERROR),
    ]


def test_sarif_places_are_uris_with_line_and_column():
    result = json.loads(write_report([ERROR], "sarif"))["runs"][0]["results"][0]

    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "caps/my%20shop.yaml"},
                "region": {"startLine": 42, "startColumn": 15},
            },
            "logicalLocations": [{"fullyQualifiedName": "capability.exposes[0].tools[1].call"}],
        }
    ]


@pytest.mark.parametrize(
    ("file", "uri"),
    [("/srv/a b.yaml", "file:///srv/a%20b.yaml"), ("https://h.test/a.yaml", "https://h.test/a.yaml"), ("./a.yaml", "a.yaml")],
)
def test_sarif_names_files_by_uri(file, uri):
    assert json.loads(write_report([], "sarif", files=[file]))["runs"][0]["artifacts"] == [{"location": {"uri": uri}}]


def test_junit_fails_for_errors_only():
    suites = junitparser.JUnitXml.fromstring(write_report([ERROR, WARNING], "junit", files=["clean.yaml"]).encode())

    cases = {(suite.name, case.name): case for suite in suites for case in suite}
    assert list(cases) == [
        ("clean.yaml", "valid"),
        ("caps/my shop.yaml", "3:1 W-BIND-UNUSED"),
        ("caps/my shop.yaml", "42:15 E-CALL-UNRESOLVED"),
    ]
    assert [case.is_passed for case in cases.values()] == [True, True, False]
    failure = cases["caps/my shop.yaml", "42:15 E-CALL-UNRESOLVED"].result[0]
    assert (failure.type, failure.message) == ("E-CALL-UNRESOLVED", "unknown operation 'a.b'")


def test_junit_holds_what_xml_cannot():
    odd = Finding(code="E-X", severity="error", message="a \x00 b < c")

    suites = junitparser.JUnitXml.fromstring(write_report([odd], "junit").encode())

    assert next(iter(next(iter(suites)))).result[0].message == "a \ufffd b < c"
