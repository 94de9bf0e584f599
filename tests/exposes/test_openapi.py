"""The served OpenAPI document: valid, complete, and no promise that is not kept."""

from __future__ import annotations

import httpx2
import pytest

from naftiko_run.capability import load
from naftiko_run.errors import DocumentErrors
from naftiko_run.exposes.exposure import RestExposure
from naftiko_run.exposes.openapi import build_openapi

validator = pytest.importorskip("openapi_spec_validator", reason="the development tools are not installed")

WIDE = """
naftiko: 1.0.0-alpha2
info: {label: Wide, version: '2.1'}
capability:
  consumes:
  - type: http
    namespace: up
    baseUri: UPSTREAM
    resources:
    - name: jobs
      path: /jobs
      operations:
      - {name: list, method: GET, inputParameters: [{name: state, in: query}]}
      - name: create
        method: POST
        inputParameters:
        - {name: title, in: body, required: true}
        - {name: size, in: body, type: integer}
      - {name: picture, method: GET, outputRawFormat: binary, outputMediaType: image/png}
  exposes:
  - type: rest
    namespace: wide
    port: 8080
    description: A wide adapter.
    authentication: {type: apikey, key: X-Key, value: '{{KEY}}'}
    resources:
    - name: jobs
      path: /jobs
      operations:
      - name: list
        method: GET
        description: All jobs.
        call: up.list
        inputParameters:
        - {name: state, in: query, type: string, description: Only these., enum: [RUNNING, DONE]}
        - {name: limit, in: query, type: integer, minimum: 1, maximum: 50, default: 10}
        - {name: X-Trace, in: header, type: string, pattern: '^[a-z]+$'}
        - {name: fixed, in: query, type: string, value: always}
        with: {state: rest.state}
        outputParameters:
        - type: array
          mapping: $.items
          items: {type: object, properties: {id: {type: string, mapping: $.id}}}
      - {name: create, method: POST, call: up.create, with: {title: rest.title, size: rest.size}}
    - name: job
      path: /jobs/{id}
      operations:
      - {name: read, method: GET, call: up.list, with: {state: rest.id}}
    - name: same-path-other-name
      path: /jobs/{job}
      operations:
      - {name: drop, method: DELETE, call: up.list, with: {state: rest.job}}
    - name: pictures
      path: /pictures/{id}
      operations:
      - name: picture
        method: GET
        call: up.picture
        responses:
          '200': {description: The picture., content: {image/png: {binary: true}}}
          '404': {description: None.}
"""


@pytest.fixture
def compiled(tmp_path):
    def compile_text(*texts):
        capabilities = []
        for number, text in enumerate(texts):
            file = tmp_path / f"{number}.yaml"
            file.write_text(text.replace("UPSTREAM", "http://localhost:1"))
            capabilities.append(load(file))
        return [exposure for capability in capabilities for exposure in capability.exposures]

    return compile_text


def checked(document):
    validator.OpenAPIV31SpecValidator(document).validate()
    return document


@pytest.fixture
def wide(compiled):
    return checked(build_openapi(compiled(WIDE), server="http://localhost:8080"))


def parameters(operation):
    return {one["name"]: one for one in operation["parameters"]}


def test_title_version_and_server_are_the_capabilitys(wide):
    assert wide["info"] == {"title": "Wide", "version": "2.1", "description": "A wide adapter."}
    assert wide["servers"] == [{"url": "http://localhost:8080"}]
    assert {tag["name"] for tag in wide["tags"]} == {"jobs", "job", "same-path-other-name", "pictures"}


def test_inputs_are_parameters_with_what_is_known_of_them(wide):
    found = parameters(wide["paths"]["/jobs"]["get"])

    assert found["state"]["schema"] == {"type": "string", "enum": ["RUNNING", "DONE"]}
    assert found["state"]["description"] == "Only these."
    assert found["limit"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 50, "default": 10}
    assert (found["X-Trace"]["in"], found["X-Trace"]["schema"]["pattern"]) == ("header", "^[a-z]+$")


def test_an_input_that_the_document_fixes_is_not_asked_for(wide):
    assert "fixed" not in parameters(wide["paths"]["/jobs"]["get"])


def test_what_an_upstream_takes_as_a_field_is_a_field_here(wide):
    operation = wide["paths"]["/jobs"]["post"]
    body = operation["requestBody"]

    assert "parameters" not in operation
    assert body["required"] is True
    schema = body["content"]["application/json"]["schema"]
    assert (schema["required"], schema["properties"]["size"]) == (["title"], {"type": "integer"})


def test_paths_that_differ_in_the_names_of_variables_are_one(wide):
    item = wide["paths"]["/jobs/{id}"]

    assert set(item) == {"get", "delete"}
    assert [one["name"] for one in item["delete"]["parameters"]] == ["id"]
    assert "/jobs/{job}" not in wide["paths"]


def test_a_mapped_answer_is_described_with_its_nulls(wide):
    schema = wide["paths"]["/jobs"]["get"]["responses"]["2XX"]["content"]["application/json"]["schema"]

    array, null = schema["anyOf"]
    assert (array["type"], null) == ("array", {"type": "null"})


def test_a_declared_contract_is_taken_over(wide):
    responses = wide["paths"]["/pictures/{id}"]["get"]["responses"]

    assert responses["200"]["content"] == {"image/png": {"schema": {"type": "string", "format": "binary"}}}
    assert responses["404"] == {"description": "None."}


def test_errors_are_problem_documents(wide):
    assert wide["paths"]["/jobs"]["get"]["responses"]["4XX"] == {"$ref": "#/components/responses/Problem"}
    assert "application/problem+json" in wide["components"]["responses"]["Problem"]["content"]


@pytest.mark.parametrize(
    ("written", "scheme"),
    [
        ("{type: apikey, key: X-Key, value: '{{KEY}}'}", {"type": "apiKey", "name": "X-Key", "in": "header"}),
        ("{type: apikey, key: key, value: '{{KEY}}', placement: query}", {"type": "apiKey", "name": "key", "in": "query"}),
        ("{type: bearer, token: '{{KEY}}'}", {"type": "http", "scheme": "bearer"}),
        ("{type: basic, username: me, password: '{{KEY}}'}", {"type": "http", "scheme": "basic"}),
        ("{type: digest, username: me, password: '{{KEY}}'}", {"type": "http", "scheme": "digest"}),
        (
            "{type: oauth2, authorizationServerUri: 'https://id.test', resource: 'https://api.test', scopes: [read]}",
            {"type": "openIdConnect", "openIdConnectUrl": "https://id.test/.well-known/openid-configuration"},
        ),
        (
            "{type: oauth2, authorizationServerUri: 'https://id.test', resource: 'https://api.test', scopes: [read],"
            " tokenEndpoint: 'https://id.test/token'}",
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://id.test/token", "scopes": {"read": ""}}}},
        ),
    ],
)  # fmt: skip
def test_what_callers_need_is_a_security_scheme(compiled, written, scheme):
    text = WIDE.replace("{type: apikey, key: X-Key, value: '{{KEY}}'}", written)

    document = checked(build_openapi(compiled(text)))

    (name,) = document["components"]["securitySchemes"]
    assert document["components"]["securitySchemes"][name] == scheme
    assert list(document["paths"]["/jobs"]["get"]["security"][0]) == [name]


def test_several_files_are_one_document_in_which_the_first_wins(compiled):
    other = WIDE.replace("label: Wide", "label: Other").replace("All jobs.", "Others.").replace("/pictures", "/photos")

    document = checked(build_openapi(compiled(WIDE, other)))

    assert document["info"]["title"] == "Wide, Other"
    assert document["paths"]["/jobs"]["get"]["summary"] == "All jobs."
    assert {"/pictures/{id}", "/photos/{id}"} <= set(document["paths"])
    ids = [one["operationId"] for item in document["paths"].values() for one in item.values()]
    assert len(ids) == len(set(ids))


def test_the_documents_of_published_files_are_valid(shared):
    seen = 0
    for file in sorted((shared / "corpus").rglob("*.y*ml"))[::25]:
        try:
            exposures = load(file).exposures
        except DocumentErrors:
            continue
        rest = [one for one in exposures if isinstance(one, RestExposure) and len(one.routes) < 60]
        if rest:
            seen += 1
            checked(build_openapi(rest))

    assert seen > 5


# ---- served


async def test_the_document_names_the_server_that_was_asked(serve_text):
    serving = await serve_text(WIDE.replace("    authentication: {type: apikey, key: X-Key, value: '{{KEY}}'}\n", ""))

    document = checked(await serving.get("/openapi.json"))

    assert document["servers"] == [{"url": serving.urls["rest"]}]
    assert (await serving.rest("POST", "/openapi.json")).status_code == 405


async def test_a_guarded_adapters_document_is_for_its_callers(serve_text):
    text = WIDE.replace("naftiko: 1.0.0-alpha2\n", "naftiko: 1.0.0-alpha2\nbinds: [{namespace: env, keys: {KEY: KEY}}]\n")
    serving = await serve_text(text, environment={"KEY": "opensesame"})

    refused = await serving.rest("GET", "/openapi.json")
    served = await serving.rest("GET", "/openapi.json", headers={"X-Key": "opensesame"})
    page = await serving.rest("GET", "/docs")

    assert (refused.status_code, served.status_code, page.status_code) == (401, 200, 200)
    assert "opensesame" not in served.text
    assert "Wide" not in page.text


async def test_the_page_runs_its_own_script_and_no_other(serve_text):
    serving = await serve_text(WIDE.replace("    authentication: {type: apikey, key: X-Key, value: '{{KEY}}'}\n", ""))

    page: httpx2.Response = await serving.rest("GET", "/docs")

    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert policy.count("sha256-") == 2
    assert "unsafe" not in policy
    assert "http://" not in page.text
    assert "https://" not in page.text
