"""``validate``: what it prints where, what it exits with, and that serving judges alike."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naftiko_run.capability import LoadOptions
from naftiko_run.checks.judge import judge_file
from naftiko_run.cli.main import main
from naftiko_run.cli.prepare import compile_all
from naftiko_run.errors import NaftikoError

GOOD = """\
naftiko: 1.0.0-alpha2
info: {label: Tides, description: Tides of a harbour.}
capability:
  consumes:
  - type: http
    namespace: tides
    baseUri: https://tides.test
    resources:
    - {name: tide, path: '/tides/{port}', operations: [{name: get-tide, method: GET}]}
  exposes:
  - type: rest
    namespace: tides-rest
    port: 8080
    resources:
    - path: /v1/tides/{port}
      operations:
      - {name: get-tide, method: GET, call: tides.get-tide}
  - {type: mcp, namespace: tides-mcp, port: 9090, tools: [{name: get-tide, description: The tide., call: tides.get-tide}]}
"""
DOCUMENTS = {
    "good": GOOD,
    "misspelt call of a tool": GOOD.replace(
        "description: The tide., call: tides.get-tide", "description: D., call: tides.get-tied"
    ),
    "no call resolves": GOOD.replace("call: tides.get-tide", "call: tides.get-tied"),
    "empty base URI": GOOD.replace("https://tides.test", "''"),
    "unusable base URI": GOOD.replace("https://tides.test", "tcp://tides.test"),
    "unknown exposure": GOOD.replace("type: mcp", "type: carrier-pigeon"),
    "port that is none": GOOD.replace("port: 8080", "port: many"),
    "unknown key": GOOD.replace("namespace: tides-rest", "namespace: tides-rest\n    colour: blue"),
    "path input without a place": GOOD.replace(
        "[{name: get-tide, method: GET}]", "[{name: get-tide, method: DELETE, inputParameters: [{name: id, in: path}]}]"
    ),
    "text for a list": GOOD.replace("resources:\n    - path", "resources: none\n    unused:\n    - path"),
    "nothing exposed": GOOD.partition("  exposes:")[0],
    "not a capability": "jobs: [{name: build}]\n",
    "broken YAML": GOOD + "  - {broken\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(folder: Path, name: str) -> Path:
    file = folder / "tides.yaml"
    file.write_text(DOCUMENTS[name])
    return file


def serves(file: Path, *, strict: bool) -> bool:
    """Whether serving takes the file."""
    try:
        compile_all([file], LoadOptions(strict=strict), gathered=False)
    except NaftikoError:
        return False
    return True


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_validate_passes_serving_in_strict_mode_takes_and_nothing_else(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(folder, name)

    code = main(["validate", str(file)])

    assert code in (0, 1)
    assert serves(file, strict=True) == (code == 0)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_judged_servable_is_served(folder: Path, name: str) -> None:
    file = write(folder, name)

    _, servable = judge_file(file, LoadOptions())

    assert serves(file, strict=False) == servable


def test_published_files_are_judged_as_they_are_served(shared: Path) -> None:
    files = sorted((shared / "corpus").rglob("*.yaml"))[::9]

    different = [file for file in files if judge_file(file, LoadOptions())[1] != serves(file, strict=False)]

    assert len(files) > 40
    assert different == []


def test_a_finding_names_the_place_the_code_and_the_fix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "misspelt call of a tool")

    code = main(["validate", "tides.yaml"])

    said = capsys.readouterr().out
    assert code == 1
    assert said.startswith("tides.yaml:18:99: error E-CALL-UNRESOLVED: unknown operation 'tides.get-tied'\n")
    assert "in capability.exposes[1].tools[0].call\n  hint: did you mean 'tides.get-tide'?" in said


def test_warnings_count_only_in_strict_mode(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "empty base URI")

    assert (main(["validate", "tides.yaml"]), main(["validate", "tides.yaml", "--strict"])) == (0, 1)
    assert "warning W-BASEURI-EMPTY" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["."], ["*.yaml"], ["**/*.yaml"], ["tides.yaml", "tides.yaml"]])
def test_folders_and_globs_name_files(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "no call resolves")
    (folder / "tides.mock.yaml").write_text("operations: {}\n")

    code = main(["validate", *words, "--format", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == 1
    assert {finding["code"] for finding in found["findings"]} >= {"E-CALL-UNRESOLVED"}


@pytest.mark.parametrize("words", [["absent.yaml"], ["*.yml"], ["empty"], []])
def test_nothing_to_judge_is_no_success(folder: Path, words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty").mkdir()

    code = main(["validate", *words])

    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("error E-")


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_every_format_tells_findings_on_standard_output(folder: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "misspelt call of a tool")

    code = main(["validate", "tides.yaml", "--format", form])

    out, err = capsys.readouterr()
    assert (code, err) == (1, "")
    assert "E-CALL-UNRESOLVED" in out
    assert "tides.yaml" in out
