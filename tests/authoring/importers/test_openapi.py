"""Importing OpenAPI: what the document says is what the capability sends, and what its callers see."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from naftiko_run.authoring.importers.document import Layout
from naftiko_run.authoring.importers.draft import ImportOptions
from naftiko_run.authoring.importers.run import Imported, import_text
from naftiko_run.capability import LoadOptions, load
from naftiko_run.checks.judge import judge
from naftiko_run.errors import DocumentError
from naftiko_run.limits import Limits

SHOP = """
openapi: 3.1.0
info: {title: Pet Shop API, version: '2.0', description: Sells pets.}
servers:
- url: '{scheme}://localhost:{port}/v1'
  variables: {scheme: {default: http, enum: [http, https]}, port: {default: PORT}}
security: [{key: []}]
tags: [{name: pets}]
components:
  securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}
  parameters:
    trace: {name: X-Trace, in: header, schema: {type: string}}
  schemas:
    Named: {type: object, required: [name], properties: {name: {type: string, description: What it is called.}}}
    Pet:
      allOf:
      - $ref: '#/components/schemas/Named'
      - type: object
        required: [kind]
        properties:
          id: {type: integer, readOnly: true}
          kind: {type: string, enum: [cat, dog]}
          age: {type: [integer, 'null'], minimum: 0}
          tags: {type: array, items: {type: string}}
          owner: {anyOf: [{$ref: '#/components/schemas/Named'}, {type: 'null'}]}
paths:
  /pets:
    get:
      operationId: listPets
      summary: List pets
      tags: [pets]
      parameters:
      - {name: limit, in: query, description: How many., schema: {type: integer, default: 20, maximum: 100}}
      - {name: kind, in: query, schema: {type: array, items: {type: string}}}
      responses: {'200': {content: {application/json: {schema: {type: array, items: {$ref: '#/components/schemas/Pet'}}}}}}
    post:
      operationId: createPet
      requestBody: {required: true, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
      responses: {'201': {content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}}
  /pets/{id}:
    parameters:
    - {name: id, in: path, required: true, schema: {type: integer}}
    - $ref: '#/components/parameters/trace'
    put:
      operationId: replacePet
      requestBody:
        content: {application/json: {schema: {type: object, properties: {id: {type: string}, 'first name': {type: string}}}}}
      responses: {'204': {description: done}}
    delete: {operationId: deletePet, responses: {'204': {description: gone}}}
    head: {operationId: headPet, responses: {'200': {description: x}}}
  /pets/{id}/notes:
    post:
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content: {application/x-www-form-urlencoded: {schema: {type: object, properties: {text: {type: string}}}}}
      responses: {'200': {content: {text/csv: {schema: {type: string}}}}}
  /batch:
    post:
      operationId: batch
      requestBody: {required: true, content: {application/json: {schema: {type: array, items: {type: object}}}}}
      responses: {'200': {content: {image/png: {}}}}
  /feed:
    post:
      operationId: feed
      requestBody: {content: {application/xml: {schema: {type: object}}}}
      responses: {'200': {content: {application/xml: {}}}}
"""


def imported(text: str, **options: Any) -> Imported:
    layout = {key: options.pop(key) for key in ("by",) if key in options}
    extra = {key: options.pop(key) for key in ("consumes_only", "as_json") if key in options}
    text = text.replace("PORT", "8000")
    return import_text("openapi", text, ImportOptions(source="api.yaml", **options), Layout(**layout), **extra)


def codes(one: Imported) -> list[str]:
    return [finding.code for finding in one.problems.findings]


@pytest.fixture
async def serving(serve_text, upstream):
    return await serve_text(
        imported(SHOP.replace("PORT", str(upstream.port))).text, environment={"PET_SHOP_API_API_KEY": "k-1"}
    )


def test_the_imported_file_has_no_findings(tmp_path):
    file = tmp_path / "pets.yaml"
    file.write_text(imported(SHOP).text)

    assert judge([file], LoadOptions()) == []


async def test_query_parameters_and_the_credential_travel(serving, upstream):
    upstream.replies(json=[{"id": 1}])

    answer = await serving.get("/pets?limit=5&kind=cat&kind=dog")

    assert answer == [{"id": 1}]
    assert upstream.request.target == "/v1/pets?limit=5&kind=cat&kind=dog"
    assert upstream.request.header("X-Key") == "k-1"


async def test_a_default_is_sent_where_the_caller_says_nothing(serving, upstream):
    upstream.replies(json=[])

    await serving.get("/pets")

    assert upstream.request.target == "/v1/pets?limit=20"


async def test_a_body_is_sent_field_by_field_with_its_types(serving, upstream):
    upstream.replies(json={"id": 7}, status=201)
    pet = {"name": "Rex", "kind": "dog", "age": 3, "tags": ["a"], "owner": {"name": "Ada"}}

    answer = await serving.rest("POST", "/pets", json=pet)

    assert answer.status_code == 201
    assert upstream.request.json() == pet


async def test_a_tool_sends_the_same_body_and_leaves_out_what_nobody_gave(serving, upstream):
    upstream.replies(json={"id": 7})

    await serving.data("create-pet", name="Rex", kind="cat")

    assert upstream.request.json() == {"name": "Rex", "kind": "cat"}


async def test_a_value_beyond_the_enumeration_is_refused(serving):
    answer = await serving.rest("POST", "/pets", json={"name": "Rex", "kind": "fish"})

    assert answer.status_code == 400
    assert "must be one of cat, dog" in answer.text


async def test_a_required_field_is_asked_for(serving):
    answer = await serving.rest("POST", "/pets", json={"kind": "cat"})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["name"] == "name"


async def test_parameters_of_the_path_item_belong_to_each_operation(serving, upstream):
    upstream.replies(status=204)

    await serving.rest("DELETE", "/pets/9", headers={"X-Trace": "t"})

    assert (upstream.request.method, upstream.request.target) == ("DELETE", "/v1/pets/9")
    assert upstream.request.header("X-Trace") == "t"


async def test_a_body_field_named_like_a_path_variable_is_told_apart(serving, upstream):
    upstream.replies(status=204)

    await serving.tool("replace-pet", id=9, id_body="other", first_name="Rex")

    assert upstream.request.target == "/v1/pets/9"
    assert upstream.request.json() == {"id": "other", "first name": "Rex"}


async def test_a_form_is_sent_as_a_form(serving, upstream):
    upstream.replies(body=b"a,b\n1,2\n", headers={"Content-Type": "text/csv"})

    await serving.tool("post-pets-id-notes", id="1", text="a b")

    assert upstream.request.body == b"text=a+b"
    assert upstream.request.header("Content-Type") == "application/x-www-form-urlencoded"


async def test_a_body_that_is_no_object_is_one_input(serving, upstream):
    upstream.replies(json={})

    await serving.tool("batch", body=[{"a": 1}])

    assert upstream.request.json() == [{"a": 1}]


async def test_an_xml_body_is_sent_as_it_is_given(serving, upstream):
    upstream.replies(body=b"<ok/>", headers={"Content-Type": "application/xml"})

    await serving.tool("feed", body="<a>1</a>")

    assert upstream.request.body == b"<a>1</a>"
    assert upstream.request.header("Content-Type") == "application/xml"


def test_what_a_tool_does_follows_from_its_method():
    tools = imported(SHOP, as_json=True)
    hints = {name: tool["hints"] for name, tool in json.loads(tools.text)["capability"]["exposes"][1]["tools"].items()}

    assert hints["list-pets"] == {"readOnly": True, "destructive": False, "idempotent": True}
    assert hints["delete-pet"] == {"readOnly": False, "destructive": True, "idempotent": True}
    assert hints["create-pet"] == {"readOnly": False, "idempotent": False}


def test_methods_that_cannot_be_consumed_are_left_out_with_a_note():
    found = imported(SHOP)

    assert "N-IMPORT-METHOD" in codes(found)
    assert "head-pet" not in found.text


def test_consumes_only_is_a_shared_document_that_another_file_imports(tmp_path):
    (tmp_path / "pets-consumes.yml").write_text(imported(SHOP, consumes_only=True).text)
    main = tmp_path / "main.yaml"
    main.write_text(
        "ikanos: 1.0.0-beta5\ninfo: {display: d, description: d}\ncapability:\n"
        "  consumes: [{from: ./pets-consumes.yml, import: pet-shop-api}]\n"
        "  exposes: [{type: mcp, namespace: m, port: 9090, tools: {pets: {description: d, call: pet-shop-api.list-pets}}}]\n"
    )

    capability = load(main)

    assert [f.code for f in capability.findings if f.severity == "error"] == []
    limit = next(one for one in capability.flows[0].inputs if one.name == "limit")
    assert (limit.type, limit.required) == ("integer", False)


def test_resources_can_be_ordered_by_tag_and_operations_chosen_by_it():
    found = json.loads(imported(SHOP, tags=frozenset({"pets"}), by="tag", as_json=True).text)

    assert list(found["capability"]["consumes"][0]["resources"]) == ["pets-pets"]


def test_bearer_basic_and_oauth_become_named_variables():
    def authentication(scheme: str) -> object:
        text = SHOP.replace("{type: apiKey, in: header, name: X-Key}", scheme)
        return json.loads(imported(text, as_json=True).text)["capability"]["consumes"][0]["authentication"]

    assert authentication("{type: http, scheme: bearer}") == {"type": "bearer", "token": "{{PET_SHOP_API_TOKEN}}"}
    assert authentication("{type: http, scheme: basic}")["password"] == "{{PET_SHOP_API_PASSWORD}}"
    flow = "{type: oauth2, flows: {clientCredentials: {tokenUrl: 'https://a.test/t', scopes: {}}}}"
    assert authentication(flow)["tokenEndpoint"] == "https://a.test/t"
    assert authentication("{type: openIdConnect, openIdConnectUrl: x}")["token"] == "{{PET_SHOP_API_ACCESS_TOKEN}}"


def test_two_keys_that_go_together_are_both_sent():
    text = SHOP.replace("security: [{key: []}]", "security: [{key: [], app: []}]").replace(
        "securitySchemes: {", "securitySchemes: {app: {type: apiKey, in: query, name: app_id}, "
    )
    consumer = json.loads(imported(text, as_json=True).text)["capability"]["consumes"][0]

    assert consumer["authentication"]["key"] == "X-Key"
    assert consumer["inputParameters"] == {"app_id": {"in": "query", "value": "{{PET_SHOP_API_APP}}"}}


def test_references_that_lead_nowhere_outside_or_in_circles_are_findings():
    text = SHOP.replace("  /batch:", """  /odd:
    get:
      parameters: [{$ref: 'other.yaml#/x'}, {$ref: '#/nowhere'}, {$ref: '#/components/parameters/loop'}]
  /batch:""").replace("    trace:", "    loop: {$ref: '#/components/parameters/loop'}\n    trace:")  # fmt: skip

    assert codes(imported(text)).count("W-IMPORT-REF") == 3


def test_a_server_url_cannot_name_a_variable_of_ours():
    text = re.sub(r"servers:\n(- url:.*\n.*\n)", "servers: [{url: 'https://evil.test/{{AWS_SECRET}}'}]\n", SHOP)

    found = imported(text)

    assert "{" not in found.draft.base_uri
    assert "W-IMPORT-SERVER" in codes(found)


def test_hidden_characters_of_a_description_are_dropped():
    found = imported(SHOP.replace("Sells pets.", '"Sells \\u202Epets."'))

    assert "Sells pets." in found.text


def test_too_many_references_are_refused():
    with pytest.raises(DocumentError) as caught:
        imported(SHOP, limits=Limits(openapi_refs=2))

    assert caught.value.code == "E-LIMIT"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: 1", "E-IMPORT-OPENAPI"),
        ("openapi: 3.0.0\ninfo: {title: t}\npaths: {}", "E-IMPORT-EMPTY"),
        ("[]", "E-IMPORT-OPENAPI"),
    ],
    ids=["another document", "no operation", "a list"],
)
def test_what_cannot_be_imported_is_one_sentence(text, code):
    with pytest.raises(DocumentError) as caught:
        imported(text)

    assert caught.value.code == code


SWAGGER = """
swagger: '2.0'
info: {title: Old, version: '1'}
host: old.test
basePath: /api
schemes: [http, https]
consumes: [application/json]
produces: [application/json]
securityDefinitions: {b: {type: basic}}
security: [{b: []}]
parameters: {page: {name: page, in: query, type: integer, default: 1}}
definitions: {Thing: {type: object, required: [name], properties: {name: {type: string}}}}
paths:
  /things:
    post:
      operationId: addThing
      parameters: [{in: body, name: thing, required: true, schema: {$ref: '#/definitions/Thing'}}, {$ref: '#/parameters/page'}]
      responses: {'200': {description: ok, schema: {$ref: '#/definitions/Thing'}}}
  /files:
    post:
      operationId: upload
      consumes: [multipart/form-data]
      parameters: [{in: formData, name: file, type: file, required: true}, {in: formData, name: note, type: string}]
      responses: {'200': {description: ok}}
"""


async def test_swagger_2_sends_bodies_defaults_and_basic_credentials(serve_text, upstream):
    text = imported(SWAGGER, server=f"{upstream.url}/api").text
    serving = await serve_text(text, environment={"OLD_USERNAME": "u", "OLD_PASSWORD": "p-1"})
    upstream.replies(json={"name": "x"})

    await serving.data("add-thing", name="x")

    assert upstream.request.target == "/api/things?page=1"
    assert upstream.request.json() == {"name": "x"}
    assert upstream.request.header("Authorization").startswith("Basic ")


async def test_swagger_2_files_are_sent_as_parts(serve_text, upstream):
    text = imported(SWAGGER, server=f"{upstream.url}/api").text
    serving = await serve_text(text, environment={"OLD_USERNAME": "u", "OLD_PASSWORD": "p-1"})
    upstream.replies(json={})

    await serving.tool("upload", file="content", note="n")

    assert b'filename="file"' in upstream.request.body
    assert b"content" in upstream.request.body


def test_swagger_2_prefers_https():
    assert imported(SWAGGER).draft.base_uri == "https://old.test/api"


@pytest.mark.shared
def test_a_page_that_holds_a_document_is_imported(shared: Path, tmp_path: Path):
    text = (shared / "seeds" / "prime-intellect-run-usage.openapi.md").read_text()
    found = imported(text)
    file = tmp_path / "pi.yaml"
    file.write_text(found.text)

    assert judge([file], LoadOptions(), official=True) == []
    assert [one.name for one in found.draft.operations] == ["get-run-usage"]
