"""Prompts: what is listed, and how their places are filled."""

from __future__ import annotations


async def test_prompts_are_listed_with_their_arguments(mcp):
    assert (await mcp.result("prompts/list"))["prompts"] == [
        {
            "name": "summary",
            "title": "Summary",
            "description": "Sum up a job.",
            "arguments": [{"name": "job", "required": True}, {"name": "language", "required": False}],
        }
    ]


async def test_arguments_fill_the_places_of_every_message(mcp):
    result = await mcp.result("prompts/get", {"name": "summary", "arguments": {"job": "j-1", "language": "French"}})

    assert result["description"] == "Sum up a job."
    assert result["messages"] == [
        {"role": "user", "content": {"type": "text", "text": "Sum up j-1 in French."}},
        {"role": "assistant", "content": {"type": "text", "text": "Which part of j-1?"}},
    ]


async def test_inserted_text_is_not_read_again_and_a_missing_argument_leaves_its_place(mcp):
    result = await mcp.result("prompts/get", {"name": "summary", "arguments": {"job": "{{language}}"}})

    assert result["messages"][0]["content"]["text"] == "Sum up {{language}} in {{language}}."


async def test_an_argument_that_is_no_text_becomes_text(mcp):
    result = await mcp.result("prompts/get", {"name": "summary", "arguments": {"job": {"id": 1}, "language": True}})

    assert result["messages"][0]["content"]["text"] == 'Sum up {"id":1} in true.'


async def test_a_required_argument_is_required(mcp):
    error = await mcp.error("prompts/get", {"name": "summary", "arguments": {"language": "French"}})

    assert (error["code"], error["message"]) == (-32602, "missing argument 'job'")
