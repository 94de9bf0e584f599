"""House rules: each is kept by one document and broken by another."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.checks.lint import lint_file, lint_root
from naftiko_run.checks.lint_rule import RULES
from naftiko_run.cli.main import main
from naftiko_run.document.dialect import normalise
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems

GOOD = """
ikanos: 1.0.0-beta5
info: {display: d, description: d, tags: [t]}
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - type: http
    namespace: shop
    description: d
    baseUri: https://shop.test
    tunnel: {type: ziti, service: s, identity: '{{env.KEY}}', fallback: fail}
    resources: {jobs: {path: /jobs, operations: {find: {method: GET}}}}
  aggregates:
  - display: g
    namespace: group
    flows: {all: {description: d, semantics: {safe: true, idempotent: true}, call: shop.find}}
  exposes:
  - type: rest
    namespace: shop-rest
    port: 8080
    address: localhost
    authentication: {type: oauth2, authorizationServerUri: 'https://a.test', resource: 'https://r.test', scopes: [s]}
    resources:
      jobs:
        path: /jobs
        description: d
        operations: {find: {method: GET, description: d, ref: group.all}}
      scripted:
        path: /scripted
        description: d
        operations:
          run: {method: POST, description: d, steps: {one: {type: script, file: a.py, language: python, location: 'file:///s'}}}
  - type: mcp
    namespace: shop-mcp
    transport: stdio
    tools: {all: {description: d, ref: group.all, hints: {readOnly: true}}}
  - {type: control, port: 9099, address: localhost}
"""
BREACHES = {
    "L-NAMESPACES-UNIQUE": ("namespace: shop-mcp", "namespace: shop"),
    "L-INFO-TAGS": (", tags: [t]", ""),
    "L-NO-SCRIPT-TAG": ("description: d, tags", "description: <SCRIPT>x, tags"),
    "L-NO-EVAL": ("description: d, tags", "description: eval(x), tags"),
    "L-STEP-NAME": ("steps: {one:", "steps: {'one two':"),
    "L-AGGREGATE-DESCRIPTION": ("all: {description: d, sem", "all: {sem"),
    "L-AGGREGATE-NAMESPACE": ("    namespace: group\n", ""),
    "L-AGGREGATE-UNIQUE": (
        "flows: {all: {description: d, semantics: {safe: true, idempotent: true}, call: shop.find}}",
        "flows: [{name: all, description: d, call: shop.find}, {name: all, description: d, call: shop.find}]",
    ),
    "L-AGGREGATE-SEMANTICS": ("readOnly: true", "readOnly: false"),
    "L-IMPORT-PAIR": ("  aggregates:", "  - {from: ./x.yaml}\n  aggregates:"),
    "L-IMPORT-ALIAS": ("  aggregates:", "  - {from: ./x.yaml, import: shop}\n  aggregates:"),
    "L-IMPORT-SELF": ("  aggregates:", "  - {from: ., import: other}\n  aggregates:"),
    "L-CONSUMES-DESCRIPTION": ("    description: d\n    baseUri", "    baseUri"),
    "L-BASE-URI-SLASH": ("https://shop.test\n", "https://shop.test/\n"),
    "L-BASE-URI-EXAMPLE": ("https://shop.test\n", "https://api.example.com\n"),
    "L-CONSUMED-PATH-QUERY": ("{jobs: {path: /jobs,", "{jobs: {path: /jobs?a=1,"),
    "L-TUNNEL-IDENTITY": ("'{{env.KEY}}'", "'{{env.NOPE}}'"),
    "L-TUNNEL-FALLBACK": ("fallback: fail", "fallback: direct"),
    "L-TUNNEL-PUBLIC": ("https://shop.test\n", "https://shop.com\n"),
    "L-REST-PATH-SLASH": ("        path: /jobs\n", "        path: /jobs/\n"),
    "L-REST-PATH-QUERY": ("        path: /jobs\n", "        path: /jobs?x\n"),
    "L-REST-RESOURCE-DESCRIPTION": ("path: /jobs\n        description: d\n", "path: /jobs\n"),
    "L-REST-OPERATION-DESCRIPTION": ("run: {method: POST, description: d,", "run: {method: POST,"),
    "L-EXPOSES-NAMESPACE": ("    namespace: shop-mcp\n", ""),
    "L-ADDRESS-EXAMPLE": ("port: 8080\n    address: localhost", "port: 8080\n    address: a.example.com"),
    "L-MCP-STDIO-AUTH": ("transport: stdio", "transport: stdio\n    authentication: {type: bearer, token: t}"),
    "L-OAUTH2-SERVER-HTTPS": ("'https://a.test'", "'http://a.test'"),
    "L-OAUTH2-RESOURCE-HTTPS": ("'https://r.test'", "'http://r.test'"),
    "L-OAUTH2-SCOPES": (", scopes: [s]", ""),
    "L-CONTROL-PORT": ("port: 9099", "port: 8080"),
    "L-CONTROL-ADDRESS": ("port: 9099, address: localhost", "port: 9099, address: 0.0.0.0"),
    "L-SCRIPT-DEFAULTS": (", language: python", ""),
}


def codes(text: str, *, every: bool = True) -> list[str]:
    root = normalise(read_text(text, file="shop.yaml"), Problems())
    return [finding.code for finding in lint_root(root, every=every)]


def test_a_document_that_keeps_every_rule_has_no_findings():
    assert codes(GOOD) == []


@pytest.mark.parametrize("code", BREACHES)
def test_a_breach_is_found(code):
    old, new = BREACHES[code]
    assert old in GOOD

    assert codes(GOOD.replace(old, new)) == [code]


def test_a_shared_document_imports_nothing():
    shared = "ikanos: 1.0.0-beta5\nconsumes: [{from: ./other.yaml, import: x}]\n"

    assert codes(shared) == ["L-SHARED-IMPORTS"]


def test_every_rule_has_its_breach():
    assert {code.upper() for code in RULES} == {*BREACHES, "L-SHARED-IMPORTS"}


def test_old_spellings_are_held_to_the_same_rules():
    old = "naftiko: 1.0.0-alpha2\ninfo: {label: d, description: d}\ncapability: {consumes: [], exposes: []}\n"

    assert codes(old) == ["L-INFO-TAGS"]


def test_only_evident_mistakes_are_looked_for_without_being_asked(tmp_path: Path, capsys):
    broken = (
        GOOD.replace(", tags: [t]", "")
        .replace("description: d, tags", "description: d")
        .replace("display: d,", "display: eval(d),")
    )
    file = tmp_path / "shop.yaml"
    file.write_text(broken)

    assert [f.code for f in lint_file(file, every=False)] == ["L-NO-EVAL"]
    assert main(["validate", str(file)]) == 1
    assert "L-INFO-TAGS" not in capsys.readouterr().out
    main(["validate", str(file), "--lint"])
    assert "L-INFO-TAGS" in capsys.readouterr().out


def test_an_unreadable_file_is_not_the_business_of_lint(tmp_path: Path):
    assert lint_file(tmp_path / "nothing.yaml") == []


def test_what_an_import_holds_is_judged_where_it_is_written(tmp_path):
    from naftiko_run.capability import LoadOptions
    from naftiko_run.checks.judge import judge

    shared = tmp_path / "shared.yaml"
    shared.write_text(
        "naftiko: 1.0.0-alpha2\nconsumes:\n- type: http\n  namespace: tides\n  baseUri: https://tides.test\n"
        "  description: '<script>x</script>'\n  resources:\n"
        "  - {name: tide, path: /tide, operations: [{name: get-tide, method: GET, description: '<script>x</script>'}]}\n"
    )
    main = tmp_path / "main.yaml"
    main.write_text(
        "naftiko: 1.0.0-alpha2\ninfo: {label: A, description: d}\ncapability:\n"
        "  consumes: [{location: ./shared.yaml, import: tides}]\n  exposes:\n"
        "  - {type: mcp, namespace: m, port: 9090, tools: [{name: t, description: d, call: tides.get-tide}]}\n"
    )

    said = [finding.code for finding in judge([main], LoadOptions())]

    assert "L-NO-SCRIPT-TAG" not in said
    assert "L-NO-SCRIPT-TAG" in [finding.code for finding in judge([shared], LoadOptions())]
