"""Published names, and what is said about those that differ from the declared ones."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.capability import load
from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, McpResource, McpTool
from naftiko_run.exposes.mcp.catalog import compile_catalog
from naftiko_run.exposes.mcp.names import check_names, check_shared, published_names
from naftiko_run.flows.flow import Flow

LONG = "list-all-of-the-training-jobs-that-were-ever-started-by-anybody-in-the-organisation"

DOCUMENT = """\
naftiko: 1.0.0-beta1
info: {{label: C, description: C}}
capability:
  exposes:
  - type: mcp
    namespace: n
    port: 4100
    description: N
    transport: http
    tools:
    - {{name: {first}, description: "{description}", outputParameters: [{{name: a, type: string, value: b}}]}}
    - {{name: {second}, description: Two, outputParameters: [{{name: a, type: string, value: b}}]}}
    - {{name: {third}, description: Three, outputParameters: [{{name: a, type: string, value: b}}]}}
"""


def tool(name: str, **more) -> McpTool:
    return McpTool(name=name, flow=Flow(name=name), **more)


def names(*declared: str, **settings) -> list[str]:
    return [one.name for one in published_names([tool(name) for name in declared], **settings)]


@pytest.mark.parametrize(
    ("declared", "published"),
    [
        ("list-jobs", "list-jobs"),
        ("list_jobs", "list_jobs"),
        ("filter.gt", "filter_gt"),
        ("caf\u00e9 menu", "caf__menu"),
        ("", "tool"),
        ("a" * 64, "a" * 64),
        (LONG, "list-all-of-the-training-jobs-that-were-ever-started-by_439eded8"),
    ],
)
def test_a_name_is_published_in_characters_that_every_host_takes(declared, published):
    assert names(declared) == [published]


def test_a_long_name_is_kept_where_the_operator_wants_it():
    assert names(LONG, long_names="keep") == [LONG]


def test_duplicates_are_numbered_in_their_order():
    assert names("get", "get", "list", "get") == ["get", "get-2", "list", "get-3"]


def test_a_fitting_name_is_never_taken_by_a_sanitised_or_numbered_one():
    assert names("a.b", "a_b") == ["a_b-2", "a_b"]
    assert names("get", "get", "get-2") == ["get", "get-3", "get-2"]


@given(st.lists(st.text(max_size=80), max_size=12), st.booleans())
def test_published_names_always_fit_are_different_and_the_same_again(declared, twice):
    declared = declared * 2 if twice else declared

    published = names(*declared)

    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in published)
    assert len(set(published)) == len(published) == len(declared)
    assert names(*declared) == published


def test_renamed_tools_are_warned_about():
    problems = Problems()

    check_names(McpExposure(namespace="n", tools=(tool("get"), tool("get"), tool(LONG))), problems)

    assert [(found.code, found.severity) for found in problems.findings] == [
        ("W-TOOL-DUPLICATE", "warning"),
        ("W-TOOL-NAME-LONG", "warning"),
    ]
    assert problems.findings[0].hint == "this one is published as 'get-2'"


async def test_a_shortened_tool_is_called_by_either_name(serve, caller, upstream):
    upstream.replies(LONG, data={"ok": True})
    mcp = caller(serve(McpExposure(namespace="n", tools=(tool(LONG),))), modern=True)
    listed = (await mcp.result("tools/list"))["tools"][0]["name"]

    assert (await mcp.call(listed))["structuredContent"] == {"ok": True}
    assert (await mcp.call(LONG))["structuredContent"] == {"ok": True}


def test_a_name_that_two_exposures_declare_can_only_be_called_with_its_namespace():
    catalog = compile_catalog([McpExposure(namespace=name, tools=(tool("get"), tool(name))) for name in ("a", "b")])

    assert [entry.name for entry in catalog.tools] == ["a_get", "a", "b_get", "b"]
    assert sorted(catalog.callable) == ["a", "a_get", "b", "b_get"]


def test_collisions_stay_within_64_characters_even_between_exposures_of_one_namespace():
    exposure = McpExposure(namespace="n" * 40, tools=(tool("t" * 40),))

    catalog = compile_catalog([exposure, exposure, replace(exposure, namespace="m")])

    published = [entry.name for entry in catalog.tools]
    assert len(set(published)) == 3
    assert max(map(len, published)) <= 64


def test_a_uri_of_two_resources_is_warned_about_and_served_once():
    problems = Problems()
    exposure = McpExposure(namespace="n", resources=(McpResource(name="a", uri="x://y"), McpResource(name="b", uri="x://y")))

    check_names(exposure, problems)

    assert [(one.code, one.message) for one in problems.findings] == [
        ("W-RESOURCE-DUPLICATE", "resource 'b' has the URI 'x://y' of resource 'a'")
    ]
    assert [entry.resource.name for entry in compile_catalog([exposure]).resources] == ["a"]


def test_a_uri_of_two_exposures_on_one_port_is_warned_about():
    problems = Problems()
    exposures = [McpExposure(namespace=name, resources=(McpResource(name=name, uri="x://y"),)) for name in ("a", "b")]

    check_shared(exposures, problems)

    assert [(one.code, one.message) for one in problems.findings] == [
        ("W-RESOURCE-DUPLICATE", "resource 'b' has the URI 'x://y' of namespace 'a' on the same port")
    ]
    assert problems.findings[0].hint == "/mcp reads the first one; /mcp/b reads this one"


async def test_what_is_wrong_with_names_is_found_when_a_file_is_loaded(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(DOCUMENT.format(first="get", second="get", third=LONG, description="Fine"))

    assert [(one.code, one.severity, one.at.line) for one in load(file).findings] == [
        ("W-TOOL-DUPLICATE", "warning", 12),
        ("W-TOOL-NAME-LONG", "warning", 13),
    ]
