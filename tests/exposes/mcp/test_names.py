"""Published names, and texts that may not reach a model."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool, PromptArgument
from naftiko_run.exposes.mcp.catalog import compile_catalog
from naftiko_run.exposes.mcp.names import check_names, check_texts, published_names
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter

LONG = "list-all-of-the-training-jobs-that-were-ever-started-by-anybody-in-the-organisation"


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


# ---- hidden characters

HIDDEN = ["\u202e", "\u2066", "\U000e0041", "\x00", "\x1b", "\x7f", "\x9b"]


@pytest.mark.parametrize("character", HIDDEN, ids=ascii)
@pytest.mark.parametrize(
    "place",
    [
        lambda text: McpExposure(namespace="n", description=text),
        lambda text: McpExposure(namespace="n", tools=(tool(f"a{text}"),)),
        lambda text: McpExposure(namespace="n", tools=(tool("a", description=text),)),
        lambda text: McpExposure(namespace="n", tools=(tool("a", title=text),)),
        lambda text: McpExposure(
            namespace="n", tools=(McpTool(name="a", flow=Flow(name="a", inputs=(InputParameter(name="i", description=text),))),)
        ),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name=text, uri="x://y"),)),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name="r", uri=f"x://{text}"),)),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name="r", uri="x://y", description=text),)),
        lambda text: McpExposure(namespace="n", prompts=(McpPrompt(name="p", description=text),)),
        lambda text: McpExposure(namespace="n", prompts=(McpPrompt(name="p", arguments=(PromptArgument(name=text),)),)),
    ],
    ids=["server", "tool", "description", "title", "input", "resource", "uri", "about resource", "about prompt", "argument"],
)
def test_a_hidden_character_is_a_load_error(character, place):
    problems = Problems()

    check_texts(place(f"x{character}y"), problems)

    assert [found.code for found in problems.errors] == ["E-TEXT-HIDDEN"]
    assert f"U+{ord(character):04X}" in problems.errors[0].message


def test_descriptions_may_have_lines_and_any_script():
    problems = Problems()

    check_texts(
        McpExposure(namespace="n", tools=(tool("a", description="eins\n\tzwei \u05d0\u05d1 \u4e2d \U0001f600"),)), problems
    )

    assert problems.findings == []
