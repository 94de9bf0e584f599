"""Schemas: what each allows, and how a violation is told to the author."""

from __future__ import annotations

import json
import time

import pytest

from naftiko_run.document.language import LANGUAGE
from naftiko_run.document.reader import read_text
from naftiko_run.document.schema import check_schema
from naftiko_run.document.schema_files import STRICT, TOLERANT, load_schema
from naftiko_run.document.versions import RELEASES
from naftiko_run.errors import Problems


def judged(text: str, *, strict: bool = False) -> list[str]:
    problems = Problems()
    check_schema(read_text(text, file="cap.yaml"), problems, strict=strict)
    return [str(finding) for finding in problems.findings]


NAFTIKO = """
naftiko: "1.0.0-alpha2"
info:
  label: Orders
  description: All about orders
  tags: [shop]
  created: "2026-05-01"
  stakeholders: [{role: owner, fullName: Ada L, email: ada@shop.test}]
binds:
- {namespace: env, location: "file:///./secrets.json", keys: {SHOP_TOKEN: shop-token}}
capability:
  consumes:
  - type: http
    namespace: shop
    description: The shop
    baseUri: https://shop.test/v1
    inputParameters: [{name: X-Tenant, in: header, value: a}]
    authentication: {type: bearer, token: "{{SHOP_TOKEN}}"}
    resources:
    - name: orders
      path: /orders/{{id}}
      operations:
      - name: get-order
        method: GET
        inputParameters: [{name: id, in: path}]
        outputParameters: [{name: total, type: number, value: $.total}]
      - name: add-order
        method: POST
        body: {type: json, data: {a: "{{a}}"}}
      - name: send-file
        method: PUT
        body: {type: multipartForm, data: [{name: f, value: x, filename: f.txt, contentType: text/plain}]}
  - {location: ./stock.yaml, import: stock, as: warehouse}
  aggregates:
  - label: Flows
    namespace: flows
    functions:
    - name: find
      description: Find one
      semantics: {safe: true}
      inputParameters: [{name: id, type: string, description: Which}]
      call: shop.get-order
      with: {id: flows.id}
      outputParameters: [{type: object, properties: {total: {type: number, mapping: $.total}}}]
  exposes:
  - type: rest
    namespace: orders-api
    port: 8080
    address: 0.0.0.0
    authentication: {type: apikey, key: X-Key, value: "{{SHOP_TOKEN}}", placement: header}
    resources:
    - path: /orders/{id}
      operations:
      - method: GET
        ref: flows.find
        inputParameters: [{name: id, in: path, type: string, description: Which, pattern: "^[0-9]+$"}]
      - method: POST
        name: chain
        steps:
        - {name: one, type: call, call: shop.get-order, with: {id: "{{id}}", n: 1}}
        - {name: two, type: lookup, index: one, match: id, lookupValue: $.one.id, outputParameters: [n]}
        - {name: three, type: script, file: s.js, language: javascript, location: file:///opt/s, dependencies: [d.js]}
        mappings: [{targetName: a.b, value: $.one.total}]
        outputParameters: [{name: a, type: object, properties: {b: {type: number, mapping: $.b}}}]
    - path: /raw/{path}
      forward: {targetNamespace: shop, trustedHeaders: [Accept]}
  - type: mcp
    namespace: orders-tools
    port: 9090
    transport: http
    tools:
    - {name: find, ref: flows.find, hints: {readOnly: true}}
    - {name: mock, description: d, outputParameters: [{name: a, type: string, value: x}]}
    resources:
    - {name: r, label: R, uri: "shop://{id}", description: d, mimeType: application/json, call: shop.get-order}
    - {name: f, label: F, uri: "shop://files", description: d, location: file:///opt/files}
    prompts:
    - {name: p, label: P, description: d, arguments: [{name: a, description: d}], template: [{role: user, content: "{{a}}"}]}
  - type: mcp
    namespace: local
    transport: stdio
    tools: [{name: t, description: d, call: shop.get-order}]
  - type: skill
    namespace: skills
    port: 9091
    skills:
    - name: s
      description: d
      allowed-tools: a b
      location: file:///opt/skill
      metadata: {a: b}
      tools:
      - {name: a, description: d, from: {sourceNamespace: orders-tools, action: find}}
      - {name: b, description: d, instruction: how.md}
  - type: control
    port: 9092
    management: {health: true, logs: {stream: true}, scripting: {timeout: 5, allowedLanguages: [python]}}
    observability: {traces: {sampling: 0.5, local: {buffer-size: 10}}, exporters: {otlp: {endpoint: http://otel.test}}}
"""
IKANOS = """
ikanos: "1.0.0-beta5"
info: {display: Orders, description: d, version: "2"}
binds: [{from: ./binds.yaml, import: env}]
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    tunnel: {type: ziti, service: shop, identity: "{{ZITI}}", fallback: fail}
    resources:
      orders:
        path: /orders
        display: Orders
        tags: [a]
        operations:
          get-order:
            method: GET
            inputParameters: {id: {in: query}}
            outputRawFormat: binary
            outputMediaType: image/png
            maxBinarySize: 10MiB
            outputParameters: {total: {type: number, value: $.total}}
  - {from: ./stock.yaml, import: stock}
  aggregates:
  - display: Flows
    namespace: flows
    flows:
      find: {description: d, call: shop.get-order, outputParameters: [{type: number, mapping: $.total}]}
  exposes:
  - {from: ./tools.yaml, import: tools, as: mine}
  - type: rest
    namespace: api
    port: 8080
    resources:
      orders:
        path: /orders
        operations:
          list: {method: GET, call: shop.get-order, responseBinary: {mediaType: image/png}}
          chain:
            method: POST
            steps: {one: {type: call, call: shop.get-order}}
            mappings: [{target: a, value: $.one.x}]
            outputParameters: {a: {type: string}}
  - type: mcp
    namespace: tools
    port: 9090
    ttlMs: 1000
    cacheScope: public
    tools: {find: {description: d, ref: flows.find}}
    prompts: {p: {display: P, description: d, location: file:///opt/p.md}}
"""


@pytest.mark.parametrize("text", [NAFTIKO, IKANOS], ids=["naftiko", "ikanos"])
def test_documents_of_the_official_language_fit_both_schemas(text):
    assert judged(text, strict=True) == []
    assert judged(text) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("label: Orders", "lable: Orders", ["4:3: error E-SCHEMA: unknown key 'lable' in 'info'", "did you mean 'label'?"]),
        ("label: Orders", "version: x", ["4:3", "'info' lacks the key 'label'", "label: name of the capability"]),
        ("method: PUT", "method: HEAD", ["'method' is 'HEAD', not 'GET', 'POST', 'PUT', 'PATCH' or 'DELETE'"]),
        ("name: get-order", "name: get_order", ["'name' is 'get_order', which is not letters, digits and hyphens"]),
        ("SHOP_TOKEN: shop-token", "shop: shop-token", ["10:63: error E-SCHEMA: 'shop' is not capital letters"]),
        ("port: 8080", "port: 80800", ["'port' is '80800', it should be between 1 and 65535"]),
        ("port: 8080", "port: '8080'", ["'port' should be a whole number, it is text"]),
        ("tags: [shop]", "tags: shop", ["'tags' should be a list, it is text"]),
        ("trustedHeaders: [Accept]", "trustedHeaders: []", ["'trustedHeaders' is empty"]),
        ("transport: stdio", "transport: stdio\n    port: 1", ["`port` cannot be given with `transport: stdio`"]),
        ("transport: http", "transport: http\n    description: [a]", ["'description' should be text, it is a list"]),
        ("instruction: how.md", "action: x", ["unknown key 'action'", "lacks 'from' or 'instruction'"]),
        ("call: shop.get-order}\n    - {name: f", "call: shop.get-order, location: file:///x}\n    - {name: f",
         ["has 'call' and 'location'", "exactly one of them is needed"]),
        ("ref: flows.find\n", "ref: flows.find\n        call: shop.get-order\n",
         ["only one of `call`, `steps` and `ref` can be given"]),
        ("allowed-tools: a b", f"allowed-tools: {'a' * 1025}", ["'allowed-tools' is longer than 1024 characters"]),
        ("type: skill", "type: skills",
         ["'type' is 'skills', not 'rest', 'mcp', 'skill' or 'control'", "did you mean 'skill'?"]),
        ("description: The shop", "kind: x", ["unknown key 'kind' in an entry of 'consumes'"]),
        ("type: json, data", "type: jsn, data", ["'type' is 'jsn'", "did you mean 'json'?"]),
        ("filename: f.txt, contentType: text/plain", "filename: f.txt", ["an entry of 'data' lacks the key 'contentType'"]),
        ("{type: object, properties: {total: {type: number, mapping: $.total}}}", "{type: object, mapping: $.}",
         ["an entry of 'outputParameters' lacks the key 'properties'"]),
    ],
)  # fmt: skip
def test_a_violation_of_the_official_language_is_a_sentence_with_a_place(old, new, said):
    assert NAFTIKO.count(old) >= 1

    text = "\n".join(judged(NAFTIKO.replace(old, new, 1), strict=True))

    assert "error E-SCHEMA" in text
    for words in said:
        assert words in text


def test_a_violation_is_told_where_it_stands():
    assert judged("naftiko: 1.0.0-alpha2\ncapability:\n  consumes:\n  - type: http\n    namespace: a b\n    baseUri: https://a.test\n",
                  strict=True) == [
        "cap.yaml:5:16: error E-SCHEMA: 'namespace' is 'a b', which is not letters, digits and hyphens\n"
        "  in capability.consumes[0].namespace"
    ]  # fmt: skip


def test_credentials_are_never_shown():
    text = "\n".join(judged(NAFTIKO.replace('token: "{{SHOP_TOKEN}}"', "token: 12345678"), strict=True))

    assert "'token' should be text, it is a number" in text
    assert "12345678" not in text


def test_only_one_of_capability_and_a_shared_section_stands_at_the_root():
    text = "\n".join(judged(f"{NAFTIKO}consumes: [{{type: http, namespace: a, baseUri: https://a.test}}]\n", strict=True))

    assert "the document has 'capability' and 'consumes'" in text


@pytest.mark.parametrize("strict", [True, False])
def test_a_document_full_of_mistakes_is_told_the_first_of_them_quickly(strict):
    keys = "".join(f"  unknown{n}: 1\n" for n in range(5000))
    text = f"naftiko: 1.0.0-alpha2\ncapability:\n  consumes: [{'1,' * 5000}]\n{keys}"
    started = time.monotonic()

    found = judged(text, strict=strict)

    assert time.monotonic() - started < 5
    assert len(found) == 201
    assert found[-1] == "error E-SCHEMA: more places do not fit the schema; the first 200 are listed"


# ---- releases


@pytest.mark.parametrize(
    ("release", "said"),
    [
        ("0.4", ["'binds' came with naftiko 1.0.0-alpha1, this document says 0.4", "'type' came with naftiko 0.5"]),
        ("0.5", ["'binds' came with", "'aggregates' came with naftiko 1.0.0-alpha2", "'hints'"]),
        ("1.0.0-alpha1", ["'aggregates' came with naftiko 1.0.0-alpha2, this document says 1.0.0-alpha1"]),
    ],
)
def test_what_came_later_than_the_release_a_document_says_is_told(release, said):
    text = "\n".join(judged(NAFTIKO.replace("1.0.0-alpha2", release), strict=True))

    for words in said:
        assert words in text


@pytest.mark.parametrize("release", ["1.0.0-alpha2", "1.0.0-alpha3"])
def test_releases_of_the_same_language_are_held_against_the_same_schema(release):
    assert judged(NAFTIKO.replace("1.0.0-alpha2", release), strict=True) == []


def test_an_ikanos_document_of_an_early_release_may_not_use_what_came_later():
    text = "\n".join(judged(IKANOS.replace("1.0.0-beta5", "1.0.0-alpha4"), strict=True))

    for key in ("version", "outputMediaType", "maxBinarySize", "outputRawFormat", "responseBinary", "ttlMs", "cacheScope"):
        assert f"'{key}' came with ikanos" in text


def test_an_older_release_keeps_what_the_newest_has_lost():
    older = ("naftiko: {release}\ninfo: {{label: a, description: b}}\n"
             "externalRefs: [{{name: a, uri: 'file:///a.json', type: environment, resolution: file, keys: {{a: b}}}}]\n"
             "capability:\n  consumes: [{{type: http, namespace: a, baseUri: 'https://a.test'}}]\n"
             "  exposes: [{{type: {kind}}}]\n")  # fmt: skip

    assert judged(older.format(release="'0.4'", kind="api"), strict=True) == []
    assert "unknown key 'externalRefs'" in judged(older.format(release="1.0.0-alpha2", kind="api"), strict=True)[-1]


def test_an_unknown_release_is_told():
    assert "'naftiko' is '7', not '0.4', " in judged(NAFTIKO.replace('"1.0.0-alpha2"', '"7"'), strict=True)[0]


# ---- tolerant


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "capability: {consumes: [{type: http, resources: text}]}\n",
            "E-SCHEMA: 'resources' should be a list or a mapping, it is text",
        ),
        (
            "capability: {exposes: [{type: mcp, tools: [text]}]}\n",
            "E-SCHEMA: an entry of 'tools' should be a mapping, it is text",
        ),
        (
            "capability: {exposes: [{type: rest, resources: {a: {operations: 3}}}]}\n",
            "'operations' should be a list or a mapping",
        ),
        ("capability: {exposes: [{type: mcp, tools: [{call: [a]}]}]}\n", "'call' should be text, a number or true or false"),
        ("capability: {}\ninfo: text\n", "warning W-SCHEMA: 'info' should be a mapping, it is text"),
        ("capability: {}\ninfo: {label: [a]}\n", "warning W-SCHEMA: 'label' should be text"),
    ],
)
def test_what_really_cannot_be_read_is_told_by_the_tolerant_schema(text, said):
    assert said.replace("text, a number or true or false", "text") in judged(text)[0]


@pytest.mark.parametrize(
    "text",
    ["capability: {consumes: ~, exposes: [~, {type: mcp, tools: [~], hints: ~, port: '{{PORT}}'}]}\n",
     "x-mine: 1\nunknown: [1]\n",
     "capability: {exposes: [{type: mcp, tools: {a: ~, b: {with: ~}}}]}\n", "[1]\n", "text\n"],
)  # fmt: skip
def test_nulls_unknown_keys_and_other_documents_are_not_this_checks_business(text):
    assert judged(text) == []


# ---- the schema files


def test_the_tolerant_schema_lists_the_keys_that_are_read():
    schema = load_schema(TOLERANT)
    defs = {**schema["$defs"], "document": schema}

    assert {kind: set(one["properties"]) for kind, one in defs.items()} == {kind: set(keys) for kind, keys in LANGUAGE.items()}


@pytest.mark.parametrize("name", [TOLERANT, *STRICT.values()])
def test_every_key_of_a_schema_is_described(name):
    schema = load_schema(name)
    bare = [
        f"{kind}.{key}"
        for kind, one in {**schema["$defs"], "document": schema}.items()
        for key, value in one.get("properties", {}).items()
        if not value.get("description")
    ]

    assert bare == []


@pytest.mark.parametrize("name", [TOLERANT, *STRICT.values()])
def test_every_schema_is_a_schema(name):
    import jsonschema

    jsonschema.Draft202012Validator.check_schema(load_schema(name))
    assert json.dumps(load_schema(name))


@pytest.mark.parametrize("dialect", ["naftiko", "ikanos"])
def test_the_strict_schemas_know_every_release(dialect):
    assert tuple(load_schema(STRICT[dialect])["properties"][dialect]["enum"]) == RELEASES[dialect]


def test_strict_keys_are_keys_of_the_language():
    read = {key for keys in LANGUAGE.values() for key in keys}
    inner = {"data", "content", "schema", "contentType", "filename"}  # parts of a body and of a response contract

    for name in STRICT.values():
        schema = load_schema(name)
        listed = {key for one in (*schema["$defs"].values(), schema) for key in one.get("properties", {})}
        assert listed <= read | inner
