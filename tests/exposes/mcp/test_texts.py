"""Texts that hide something from the person who approves a call never reach a model (requirement S70)."""

from __future__ import annotations

import pytest

from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool, PromptArgument
from naftiko_run.exposes.mcp.texts import check_texts
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.shape import OutputShape


def tool(name: str, **more) -> McpTool:
    return McpTool(name=name, flow=Flow(name=name), **more)


def returning(**properties) -> McpTool:
    schema = {"type": "object", "properties": properties}
    return McpTool(name="a", flow=Flow(name="a", shape=OutputShape(apply=lambda document, scope: document, schema=schema)))


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
        lambda text: McpExposure(namespace="n", tools=(returning(i={"type": "string", "description": text}),)),
        lambda text: McpExposure(
            namespace="n",
            tools=(returning(i={"type": "array", "items": {"type": "object", "properties": {text: {"type": "string"}}}}),),
        ),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name=text, uri="x://y"),)),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name="r", uri=f"x://{text}"),)),
        lambda text: McpExposure(namespace="n", resources=(McpResource(name="r", uri="x://y", description=text),)),
        lambda text: McpExposure(namespace="n", prompts=(McpPrompt(name="p", description=text),)),
        lambda text: McpExposure(namespace="n", prompts=(McpPrompt(name="p", arguments=(PromptArgument(name=text),)),)),
    ],
    ids=[
        "server",
        "tool",
        "description",
        "title",
        "input",
        "output",
        "output name",
        "resource",
        "uri",
        "about resource",
        "about prompt",
        "argument",
    ],
)
def test_a_hidden_character_is_an_error_and_what_holds_it_is_not_served(character, place):
    problems = Problems()

    left = check_texts(place(f"x{character}y"), problems)

    assert left == McpExposure(namespace="n")

    assert [found.code for found in problems.errors] == ["E-TEXT-HIDDEN"]
    assert f"U+{ord(character):04X}" in problems.errors[0].message


def test_the_other_tools_are_served():
    problems = Problems()

    left = check_texts(McpExposure(namespace="n", tools=(tool("a"), tool("b\u202e"), tool("c"))), problems)

    assert [one.name for one in left.tools] == ["a", "c"]


def test_descriptions_may_have_lines_and_any_script():
    problems = Problems()

    check_texts(
        McpExposure(namespace="n", tools=(tool("a", description="eins\n\tzwei \u05d0\u05d1 \u4e2d \U0001f600"),)), problems
    )

    assert problems.findings == []
