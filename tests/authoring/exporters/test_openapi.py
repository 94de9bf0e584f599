"""Exporting OpenAPI: what is served, as a document that other tools read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV30SpecValidator, OpenAPIV31SpecValidator

from naftiko_run.authoring.exporters.openapi import as_3_0, export_openapi
from naftiko_run.authoring.importers.document import Layout
from naftiko_run.authoring.importers.draft import ImportOptions
from naftiko_run.authoring.importers.run import import_text
from naftiko_run.capability import load
from naftiko_run.cli.main import main
from naftiko_run.errors import UnresolvedReference

CAPABILITIES = sorted((Path(__file__).parents[3] / "capabilities").glob("*[!k].yaml"))
SHIPPED = [file for file in CAPABILITIES if not file.name.endswith(".mock.yaml")]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
@pytest.mark.parametrize(("version", "validator"), [("3.0", OpenAPIV30SpecValidator), ("3.1", OpenAPIV31SpecValidator)])
def test_what_the_shipped_capabilities_export_is_valid(file, version, validator):
    document = export_openapi(load(file), version=version)

    assert str(document["openapi"]).startswith(version)
    assert document["paths"]
    assert [str(error) for error in validator(json.loads(json.dumps(document))).iter_errors()] == []


def test_the_server_is_the_adapters_own():
    assert export_openapi(load(SHIPPED[0]))["servers"] == [{"url": "http://localhost:8080"}]


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"anyOf": [{"$ref": "#/x"}, {"type": "null"}]}, {"allOf": [{"$ref": "#/x"}], "nullable": True}),
        ({"const": 1}, {"enum": [1]}),
        ({"exclusiveMinimum": 3}, {"minimum": 3, "exclusiveMinimum": True}),
        ({"type": "string", "examples": ["a", "b"]}, {"type": "string", "example": "a"}),
        ({"type": "string", "contentEncoding": "base64"}, {"type": "string", "format": "byte"}),
        ({"properties": {"const": {"type": "string"}}}, {"properties": {"const": {"type": "string"}}}),
        ({"type": ["string", "array"]}, {"anyOf": [{"type": "string"}, {"type": "array", "items": {}}]}),
    ],
    ids=[
        "nullable type",
        "nullable reference",
        "const",
        "exclusive",
        "examples",
        "base64",
        "a property called const",
        "two types",
    ],
)
def test_schemas_are_said_in_the_words_of_3_0(schema, expected):
    document = as_3_0({"openapi": "3.1.0", "components": {"schemas": {"X": schema}}})

    assert document["components"] == {"schemas": {"X": expected}}


def test_an_unknown_adapter_is_answered_with_the_known_ones():
    with pytest.raises(UnresolvedReference, match="training-billing-rest") as caught:
        export_openapi(load(next(f for f in SHIPPED if f.stem == "training-billing")), adapter="trainin-billing-rest")

    assert caught.value.code == "E-NO-ADAPTER"


def test_an_export_can_be_imported_again(tmp_path):
    exported = json.dumps(export_openapi(load(next(f for f in SHIPPED if f.stem == "training-billing"))))

    draft = import_text("openapi", exported, ImportOptions(source="x"), Layout()).draft

    assert sorted(one.path for one in draft.operations) == [
        "/v1/api/v1/billing/runs/{run_id}/usage", "/v1/api/v1/billing/wallet",
    ]  # fmt: skip


def test_the_output_decides_the_format(tmp_path):
    target = tmp_path / "out.json"

    assert main(["export", "openapi", str(SHIPPED[0]), "-o", str(target), "--spec-version", "3.0"]) == 0
    assert json.loads(target.read_text())["openapi"] == "3.0.3"
