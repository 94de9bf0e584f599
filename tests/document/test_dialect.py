"""Dialects: whatever spelling a document uses, downstream reads one; what nothing reads is pointed out once."""

from __future__ import annotations

import gc
import time

import pytest

from naftiko_run.document.dialect import normalise
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems


def normal(text: str):
    problems = Problems()
    return normalise(read_text(text, file="cap.yaml"), problems), problems


def plain(text: str):
    root, problems = normal(text)
    assert [str(finding) for finding in problems.findings] == []
    return root.plain()


OLD = """
naftiko: "1.0.0-alpha2"
info: {label: Orders, description: d}
binds:
- {namespace: env, keys: {TOKEN: TOKEN}}
capability:
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    authentication: {type: bearer, token: "{{TOKEN}}"}
    resources:
    - name: orders
      path: /orders
      label: Orders
      operations:
      - {name: list-orders, method: GET, label: List, inputParameters: [{name: page, in: query}]}
  - {from: ./stock.yaml, import: stock}
  aggregates:
  - namespace: flows
    label: Flows
    flows:
    - name: find
      description: d
      steps: [{name: s, type: call, call: shop.list-orders}]
      mappings: [{target: a, value: $.s.x}]
  exposes:
  - type: rest
    namespace: api
    port: 8080
    resources:
    - {path: /orders, operations: [{method: GET, name: list, call: shop.list-orders}]}
"""
OTHER = """
naftiko: "1.0.0-alpha2"
info: {title: Orders, description: d}
externalRefs: []
capability:
  binds:
  - {namespace: env, keys: {TOKEN: TOKEN}}
  consumes:
  - type: http
    namespace: shop
    baseUri: https://shop.test
    auth: {type: bearer, token: "{{TOKEN}}"}
    resources:
    - name: orders
      path: /orders
      display: Orders
      operations:
      - {id: list-orders, method: GET, title: List, parameters: [{name: page, in: query}]}
  - {location: ./stock.yaml, import: stock}
  aggregates:
  - namespace: flows
    display: Flows
    functions:
    - name: find
      description: d
      steps: [{name: s, type: call, call: shop.list-orders}]
      mappings: [{targetName: a, value: $.s.x}]
  exposes:
  - type: api
    namespace: api
    port: 8080
    resources:
    - {path: /orders, operations: [{method: GET, name: list, call: shop.list-orders}]}
"""


def test_old_and_new_spellings_become_equal_trees():
    old, new = plain(OLD), plain(OTHER)

    assert old.pop("naftiko") == new.pop("naftiko")
    assert old == new


def test_a_dialect_and_a_version_are_named():
    for text, dialect, version in (
        ("naftiko: 1.0.0-alpha2\ncapability: {}\n", "naftiko", "1.0.0-alpha2"),
        ("ikanos: 1.0.0-beta5\ncapability: {}\n", "ikanos", "1.0.0-beta5"),
        ("naftiko: 0.5\ncapability: {}\n", "naftiko", "0.5"),
        ("capability: {}\n", "naftiko", ""),
    ):
        root = normal(text)[0]
        assert (root.get_text("dialect"), root.get_text("version")) == (dialect, version)


@pytest.mark.parametrize("key", ["label", "display", "title", "name"])
def test_every_spelling_of_the_label_is_read(key):
    assert plain(f"capability: {{}}\ninfo: {{{key}: Shop}}\n")["info"] == {"label": "Shop"}


def test_a_null_under_the_newest_name_counts_as_absent():
    assert plain("capability: {}\ninfo: {label: ~, title: Shop}\n")["info"] == {"label": "Shop"}


def test_the_newest_name_wins_over_an_older_one():
    assert plain("capability: {}\ninfo: {title: Old, label: New}\n")["info"] == {"label": "New"}


def test_maps_and_lists_of_named_things_stay_and_read_alike():
    listed = normal("capability: {consumes: [{type: http, resources: [{name: a, operations: [{id: b, method: GET}]}]}]}")[0]
    mapped = normal("capability: {consumes: [{type: http, resources: {a: {operations: {b: {method: GET}}}}}]}")[0]

    for root in (listed, mapped):
        [(resource, node)] = root.get("capability").get("consumes").value[0].named("resources")
        [(operation, _)] = node.named("operations")
        assert (resource, operation) == ("a", "b")


def test_binds_of_the_root_and_of_the_capability_and_older_references_come_together():
    root = plain(
        "binds: [{namespace: a, keys: {A: A}}]\n"
        "externalRefs: [{name: c, type: environment, resolution: file, uri: 'file:///c.json', keys: {C: c}}]\n"
        "capability: {binds: [{namespace: b, keys: {B: B}}]}\n"
    )

    assert [bind["namespace"] for bind in root["binds"]] == ["a", "b", "c"]
    assert root["binds"][2] == {"namespace": "c", "location": "file:///c.json", "keys": {"C": "c"}}
    assert "binds" not in root["capability"]
    assert "externalRefs" not in root


def test_a_shared_document_says_what_it_shares():
    root, problems = normal("naftiko: '1'\nconsumes: [{type: http, namespace: a, baseUri: https://a.test}]\n")

    assert root.shared == ("consumes",)
    assert [entry["namespace"] for entry in root.plain()["capability"]["consumes"]] == ["a"]
    assert "consumes" not in root.value
    assert problems.findings == []


@pytest.mark.parametrize(
    "section",
    ["[{namespace: a, type: http}]", "{a: {type: http}}", "{namespace: a, type: http}"],
    ids=["list", "map by namespace", "single entry"],
)
def test_a_section_is_a_list_however_it_is_written(section):
    entries = plain(f"capability: {{consumes: {section}}}\n")["capability"]["consumes"]

    assert entries == [{"namespace": "a", "type": "http"}]


def test_nodes_that_moved_keep_the_place_and_path_they_were_written_at():
    root, _ = normal("naftiko: '1'\nconsumes:\n- type: http\n  namespace: a\n  auth: {type: basic}\n")
    entry = root.get("capability").get("consumes").value[0]

    assert entry.path == "consumes[0]"
    assert entry.get("authentication").get("type").path == "consumes[0].auth.type"
    assert str(entry.get("authentication").key_location) == "cap.yaml:5:3"


# ---- exposures


def rest(exposure: str):
    root, _ = normal(f"capability:\n  exposes:\n  - {exposure}\n")
    return root.get("capability").get("exposes").value[0].plain()


def test_api_and_upper_case_types_are_rest():
    assert rest("{type: api}")["type"] == rest("{type: REST}")["type"] == "rest"


@pytest.mark.parametrize(
    "paths",
    ["{/a: {get: {operationId: one, call: x.one}}}", "[{path: /a, method: GET, name: one, call: x.one}]",
     "[{path: /a, operations: [{method: GET, name: one, call: x.one}]}]"],
    ids=["OpenAPI", "list", "list of resources"],
)  # fmt: skip
def test_http_with_paths_becomes_rest(paths):
    exposure = rest(f"{{type: http, port: 1, paths: {paths}}}")

    assert exposure == {
        "type": "rest", "port": 1,
        "resources": [{"path": "/a", "operations": [{"method": "GET", "name": "one", "call": "x.one"}]}],
    }  # fmt: skip


def test_http_without_anything_to_call_stays_what_it_is():
    assert rest("{type: http, paths: {/a: {get: {summary: nothing}}}}")["type"] == "http"


def test_an_operation_with_a_path_of_its_own_gets_a_resource_of_its_own():
    resources = rest(
        "{type: rest, resources: [{path: /a, name: r, operations: [{method: GET, call: x.all},"
        " {method: GET, path: '/{id}', call: x.one}, {method: PUT, path: /a/b, call: x.two}]}]}"
    )["resources"]

    assert [(one["path"], [op["call"] for op in one["operations"]]) for one in resources] == [
        ("/a", ["x.all"]), ("/a/{id}", ["x.one"]), ("/a/b", ["x.two"]),
    ]  # fmt: skip


# ---- unknown keys


def test_an_unknown_key_is_pointed_out_with_the_nearest_spelling():
    _, problems = normal("capability:\n  consumes:\n  - type: http\n    baseURI: https://a.test\n")

    assert str(problems.findings[0]) == (
        "cap.yaml:4:5: warning W-UNKNOWN-KEY: unknown key 'baseURI' in a consumes entry, ignored\n"
        "  in capability.consumes[0].baseURI\n"
        "  hint: did you mean 'baseUri'?"
    )


def test_a_mistake_that_repeats_is_said_once():
    text = "capability:\n  exposes:\n  - type: mcp\n    tools:\n" + "    - {name: a, cal: b.c}\n" * 300
    _, problems = normal(text)

    assert [finding.message for finding in problems.findings] == ["unknown key 'cal' in tool, ignored (300 times)"]


def test_own_keys_and_free_maps_are_nobodys_mistake():
    plain("x-owner: me\ncapability: {exposes: [{type: mcp, tools: [{name: a, with: {any: 1}, x-y: 2}]}]}\n")


def test_keys_of_an_unknown_kind_of_exposure_are_not_judged():
    plain("capability: {exposes: [{type: agent-skill, file: a}]}\n")


def test_many_unknown_keys_cost_no_time():
    text = "capability: {}\n" + "".join(f"unknown{n}: 1\n" for n in range(20_000))
    started = time.monotonic()

    _, problems = normal(text)

    assert time.monotonic() - started < 5
    assert problems.findings[-1].message == "19950 more unknown keys are ignored"


def test_findings_of_reading_are_handed_on_once():
    problems = Problems()
    root = read_text("capability: {}\ntrue: 1\n", file="cap.yaml")

    normalise(normalise(root, problems), problems)

    assert [finding.code for finding in problems.findings].count("W-YAML-KEY") == 1


@pytest.mark.parametrize("text", ["[1]", "text", "a: 1", "capability: text", "capability: [1]", "consumes: [text, {ref: x}]"])
def test_what_is_no_capability_is_left_alone(text):
    root, problems = normal(text)

    assert root.plain() == read_text(text, file="x").plain()
    assert problems.findings == []


@pytest.mark.parametrize(
    "text",
    ["capability: {consumes: 3, exposes: text, binds: {a: 1}}",
     "capability: {exposes: [~, 1, [a], {type: [x]}, {resources: 4}]}",
     "capability: {exposes: [{type: rest, resources: [1, {operations: [2, ~]}]}]}", "capability: {consumes: {a: ~, b: 1}}",
     "capability: {exposes: [{type: http, paths: [1, {path: {}}]}, {type: http, paths: 3}]}",
     "naftiko: {a: 1}\ncapability: {}"],
)  # fmt: skip
def test_nonsense_in_any_place_is_no_crash(text):
    normal(text)


# ---- done with


def test_a_document_taken_apart_leaves_nothing_to_the_garbage_collector():
    text = """
naftiko: '1.0'
consumes: [{namespace: a, baseUri: b, resources: [{name: r, path: /}]}]
capability: {exposes: [{type: api}]}
"""
    gc.collect()
    gc.disable()
    try:
        normal(text)[0].take_apart()
        assert gc.collect() == 0
        normal(text)
        assert gc.collect() > 0
    finally:
        gc.enable()
