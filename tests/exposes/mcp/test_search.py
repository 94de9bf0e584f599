"""Three tools instead of many: search, describe, call."""

from __future__ import annotations

import pytest

from naftiko_run.exposes.exposure import McpExposure, McpTool
from naftiko_run.exposes.mcp.catalog import compile_catalog
from naftiko_run.exposes.mcp.search import ToolIndex, estimated_tokens, words
from naftiko_run.flows.flow import Flow


@pytest.fixture(params=[True, False], ids=["modern", "legacy"])
def searching(request, serve, caller, exposure):
    return caller(serve(exposure, tools_mode="search"), request.param)


async def test_three_tools_are_listed(searching):
    tools = (await searching.result("tools/list"))["tools"]

    assert [tool["name"] for tool in tools] == ["search", "describe", "call"]
    assert "There are 8 here" in tools[0]["description"]
    assert tools[2]["inputSchema"]["required"] == ["name"]


async def test_a_tool_is_found_described_and_called(searching, upstream):
    found = await searching.call("search", query="get one job", limit=3)
    described = await searching.call("describe", name="get-job")
    called = await searching.call("call", name="get-job", arguments={"job-id": "4"})

    assert found["structuredContent"]["tools"][0] == {"name": "get-job", "description": "One job.", "inputs": ["job-id"]}
    assert described["structuredContent"]["inputSchema"]["required"] == ["job-id"]
    assert called["structuredContent"] == {"id": 1, "tags": None}
    assert upstream.calls[0][1] == {"job-id": 4}


@pytest.mark.parametrize("name", ["list-jobs", "get-job", "stop-all", "plot", "refused", "half-done"])
async def test_calling_through_search_answers_like_a_direct_call(searching, name):
    direct = await searching.call(name, **{"job-id": 1} if name == "get-job" else {})

    through = await searching.call("call", name=name, arguments={"job-id": 1} if name == "get-job" else {})

    assert through == direct


async def test_wrong_arguments_are_named_as_in_a_direct_call(searching, upstream):
    direct = await searching.call("get-job", nothing=1)

    assert await searching.call("call", name="get-job", arguments={"nothing": 1}) == direct
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "name: is required"),
        ({"name": "list-job"}, "did you mean 'list-jobs'?"),
        ({"name": "zzz"}, "search for one first"),
        ({"name": "get-job", "arguments": "text"}, "arguments: must be an object"),
        ({"name": "get-job", "arguments": []}, "arguments: must be an object"),
        ({"name": "get-job", "input": {}}, "input: is not an input of this tool"),
    ],
    ids=str,
)
async def test_a_call_that_cannot_be_made_says_why(searching, arguments, text):
    result = await searching.call("call", **arguments)

    assert result["isError"] is True
    assert text in result["content"][0]["text"]


@pytest.mark.parametrize(
    "query", ['"', "*", "a AND", "NEAR(", "name:x", "-", "' or 1=1 --", "\u0000", "\u4e2d", "x" * 5000, "(" * 99]
)
async def test_nothing_in_a_query_is_syntax(searching, query):
    assert (await searching.call("search", query=query))["isError"] is False


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("listTrainingJobs-v2", ["list", "training", "jobs", "v", "2"]),
        ("get_HTTPServer.log", ["get", "http", "server", "log"]),
        ("S3Buckets", ["s", "3", "buckets"]),
        ("\u4e2d\u6587 job", ["\u4e2d\u6587", "job"]),
    ],
)
def test_names_are_split_into_words(name, split):
    assert words(name) == split


def test_a_name_counts_more_than_a_description_and_word_forms_are_alike():
    tools = [("cancelInvoice", "Stop it"), ("listOrders", "Lists orders, also those whose invoice is open"), ("ping", "")]
    catalog = compile_catalog(
        [McpExposure(namespace="n", tools=tuple(McpTool(name=n, flow=Flow(name=n), description=d) for n, d in tools))]
    )
    index = ToolIndex(catalog.tools)

    assert [entry.name for entry in index.find("invoices", 5)] == ["cancelInvoice", "listOrders"]
    assert [entry.name for entry in index.find("order", 5)] == ["listOrders"]
    assert [entry.name for entry in index.find("", 2)] == ["cancelInvoice", "listOrders"]
    index.close()


async def test_searching_costs_a_fraction_of_listing(serve, exposure):
    many = McpExposure(
        namespace="n", tools=tuple(McpTool(name=f"tool-{n}", flow=Flow(name="f"), description="x" * 200) for n in range(300))
    )

    listed, searched = (serve(many, tools_mode=mode).whole.tool_list() for mode in ("all", "search"))

    assert estimated_tokens(searched) < 400
    assert estimated_tokens(listed) > 20_000
