"""Script steps from the document to the answer: languages, files, what a script sees, what stops it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

PYTHON = "result = {'double': context['length'] * 2, 'name': ship['name']}\n"
JAVASCRIPT = "var result = {double: context.length * 2, name: ship.name};\n"


def document(step: str, scripting: str = "{}", rest: str = "") -> dict[str, Any]:
    unit = {
        "inputParameters": [{"name": "length", "type": "integer", "description": "L."}],
        "steps": [
            {"name": "ship", "type": "call", "call": "harbour.get-ship"},
            {"name": "worked", "type": "script", **yaml.safe_load(step)},
        ],
        "mappings": [{"targetName": "worked", "value": "$.worked"}],
        **(yaml.safe_load(rest) or {}),
    }
    operation = {**unit, "name": "run", "method": "GET", "inputParameters": [{**unit["inputParameters"][0], "in": "query"}]}
    exposes = [
        {"type": "rest", "namespace": "port-api", "port": 8080, "resources": [{"path": "/run", "operations": [operation]}]},
        {"type": "mcp", "namespace": "port-tools", "port": 9090, "tools": [{**unit, "name": "run", "description": "Run."}]},
    ]
    if scripting != "{}":
        exposes.append({"type": "control", "port": 9099, "management": {"scripting": yaml.safe_load(scripting)}})
    consumes = yaml.safe_load("""
      - type: http
        namespace: harbour
        baseUri: UPSTREAM
        resources: [{name: ship, path: /ship, operations: [{name: get-ship, method: GET}]}]
    """)
    return {"naftiko": "1.0.0-alpha2", "capability": {"consumes": consumes, "exposes": exposes}}


@pytest.fixture
def serve(serve_text, upstream, tmp_path):
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "work.py").write_text(PYTHON)
    (folder / "work.js").write_text(JAVASCRIPT)
    (folder / "units.py").write_text("def feet(metres):\n    return round(metres * 3.28084)\n")
    (folder / "units.js").write_text("function feet(metres) { return Math.round(metres * 3.28084); }\n")
    (folder / "feet.py").write_text("result = feet(context['length'])\n")
    (folder / "feet.js").write_text("var result = feet(context.length);\n")
    upstream.replies(json={"name": "Gull"})

    async def start(*parts: str, **options: object):
        return await serve_text(document(*parts), **options)

    return start


@pytest.mark.parametrize(
    "step",
    [
        "{file: work.py, language: python, location: file:///./scripts}",
        "{file: work.js, language: javascript, location: file:///./scripts}",
        "{file: work.py, location: ./scripts}",
        json.dumps({"script": PYTHON, "language": "python"}),
        json.dumps({"script": JAVASCRIPT, "language": "javascript"}),
    ],
    ids=["python file", "javascript file", "language by the file's name", "python inline", "javascript inline"],
)
async def test_a_script_works_on_inputs_and_results(serve, step):
    serving = await serve(step)

    assert await serving.get("/run?length=21") == {"worked": {"double": 42, "name": "Gull"}}
    assert await serving.data("run", length=21) == {"worked": {"double": 42, "name": "Gull"}}


@pytest.mark.parametrize(
    ("file", "dependency", "language"), [("feet.py", "units.py", "python"), ("feet.js", "units.js", "javascript")]
)
async def test_dependencies_run_first(serve, file, dependency, language):
    serving = await serve(f"{{file: {file}, language: {language}, location: file:///./scripts, dependencies: [{dependency}]}}")

    assert await serving.get("/run?length=10") == {"worked": 33}


async def test_defaults_of_the_control_adapter_apply(serve):
    serving = await serve("{file: work.py}", "{defaultLanguage: python, defaultLocation: file:///./scripts}")

    assert await serving.get("/run?length=1") == {"worked": {"double": 2, "name": "Gull"}}


async def test_with_adds_names_and_keeps_types(serve):
    step = {"script": "result = [factor * 2, label]", "language": "python", "with": {"factor": 1.5, "label": "{{ship.name}}!"}}
    serving = await serve(json.dumps(step))

    assert await serving.get("/run?length=1") == {"worked": [3.0, "Gull!"]}


async def test_a_later_step_uses_a_scripts_result(serve, upstream):
    rest = """
      steps:
      - {name: plan, type: script, language: python, script: 'result = {"id": "s-" + str(length)}'}
      - {name: rows, type: script, language: javascript, script: 'var result = [{id: plan.id, deck: 3}]'}
      - {name: found, type: lookup, index: rows, match: id, lookupValue: $.plan.id, outputParameters: [deck]}
      mappings: [{targetName: deck, value: $.found.deck}, {targetName: id, value: '{{plan.id}}'}]
    """
    serving = await serve("{}", "{}", rest)

    assert await serving.get("/run?length=4") == {"deck": 3, "id": "s-4"}


async def test_a_script_without_a_result_leaves_nothing(serve):
    serving = await serve(json.dumps({"script": "x = 1", "language": "python"}))

    assert await serving.get("/run?length=1") == {"name": "Gull"}


async def test_a_failing_script_is_a_failed_step(serve):
    serving = await serve(json.dumps({"script": "result = 1 / 0", "language": "python"}))
    answer = await serving.rest("GET", "/run?length=1")

    assert (answer.status_code, answer.json()["step"], answer.json()["completed"]) == (500, "worked", ["ship"])
    assert (await serving.tool("run", length=1))["isError"]


@pytest.mark.parametrize(
    ("scripting", "environment"),
    [
        ("{enabled: false}", {}),
        ("{allowedLanguages: [javascript]}", {}),
        ("{timeout: 1}", {}),
        ("{}", {"NAFTIKO_SCRIPTING": "false"}),
        ("{}", {"IKANOS_SCRIPTING": "false"}),
    ],
    ids=["switched off", "language not allowed", "no time", "off in the environment", "off in the newer environment"],
)
async def test_what_governs_scripts_stops_them(serve, scripting, environment):
    endless = json.dumps({"script": "while True:\n    pass", "language": "python"})
    serving = await serve(endless, scripting, environment=environment)

    answer = await serving.rest("GET", "/run?length=1")

    assert (answer.status_code, answer.json()["step"]) == (500, "worked")


async def test_the_document_wins_over_the_environment(serve):
    serving = await serve(
        json.dumps({"script": PYTHON, "language": "python"}), "{enabled: true}", environment={"NAFTIKO_SCRIPTING": "false"}
    )

    assert (await serving.rest("GET", "/run?length=1")).status_code == 200


async def test_a_script_sees_no_bound_variable(serve_text, upstream):
    upstream.replies(json={})
    content = document(json.dumps({"script": "result = sorted(context)", "language": "python"}))
    content["binds"] = [{"namespace": "k", "keys": {"HARBOUR_TOKEN": "HARBOUR_TOKEN"}}]
    content["capability"]["consumes"][0]["authentication"] = {"type": "bearer", "token": "{{HARBOUR_TOKEN}}"}

    serving = await serve_text(content, environment={"HARBOUR_TOKEN": "secret"})

    assert await serving.get("/run?length=1") == {"worked": ["length", "ship"]}


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("{file: work.groovy, language: groovy, location: file:///./scripts}", "E-UNSUPPORTED"),
        ("{file: ../work.py, language: python, location: file:///./scripts}", "E-SCRIPT-PATH"),
        ("{file: none.py, language: python, location: file:///./scripts}", "E-SCRIPT-FILE"),
        ("{file: work.txt, location: file:///./scripts}", "E-SCRIPT-LANGUAGE"),
        ("{file: work.py, language: python}", "E-SCRIPT-LOCATION"),
    ],
    ids=["groovy", "a path that leaves", "no such file", "no language", "no location"],
)
async def test_a_wrong_script_step_is_said_at_load(serve, tmp_path, step, code):
    from naftiko_run.capability import load
    from naftiko_run.errors import DocumentErrors

    file = tmp_path / "wrong.yaml"
    file.write_text(json.dumps(document(step)).replace("UPSTREAM", "https://up.test"))
    with pytest.raises(DocumentErrors) as caught:
        load(file)

    assert {f.code for f in caught.value.findings if f.severity == "error"} == {code}
