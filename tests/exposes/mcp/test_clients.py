"""The official Python client against the adapter, over a real loopback socket and over pipes, in both of its modes."""

from __future__ import annotations

import contextlib

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from naftiko_run.server.listener import Listener
from naftiko_run.server.server import Server


@pytest.fixture
async def url(adapter):
    server = Server([Listener(port=0, handler=adapter.handle)])
    server.bind()
    await server.accept()
    yield f"http://127.0.0.1:{server.ports[0]}/mcp"
    await server.drain()
    await server.close()


@pytest.fixture(params=["auto", "legacy", "2026-07-28"])
async def connect(request, url):
    """The client leaves the task that it was entered in, so each test opens it itself."""

    @contextlib.asynccontextmanager
    async def connected():
        async with Client(url, mode=request.param) as client:
            yield client

    return connected


async def test_the_official_client_lists_and_calls_tools(connect):
    async with connect() as client:
        tools = (await client.list_tools()).tools
        jobs = await client.call_tool("list-jobs", {"state": None})
        job = await client.call_tool("get-job", {"job-id": 1})
        nothing = await client.call_tool("stop-all", {})

    assert [tool.name for tool in tools][:2] == ["list-jobs", "get-job"]
    assert jobs.content[0].text == '[{"id":1,"cost":12345678901234567890123}]'
    assert job.structured_content == {"id": 1, "tags": None}
    assert nothing.content == []


async def test_the_official_client_sees_failures_as_results_and_unknown_tools_as_errors(connect):
    async with connect() as client:
        refused = await client.call_tool("refused", {})
        invalid = await client.call_tool("get-job", {})
        with pytest.raises(MCPError) as unknown:
            await client.call_tool("no-such-tool", {})

    assert (refused.is_error, invalid.is_error) == (True, True)
    assert unknown.value.error.code == -32602


async def test_the_official_client_reads_images_resources_and_prompts(connect):
    async with connect() as client:
        image = await client.call_tool("plot", {})
        listed = (await client.list_resources()).resources
        templates = (await client.list_resource_templates()).resource_templates
        log = await client.read_resource("training://jobs/7/log")
        prompt = await client.get_prompt("summary", {"job": "j-7"})

    assert image.content[0].mime_type == "image/png"
    assert [str(one.uri) for one in listed] == ["training://rates"]
    assert [one.uri_template for one in templates] == ["training://jobs/{job_id}/{part}"]
    assert log.contents[0].text == '{"job_id":"7","part":"log"}'
    assert prompt.messages[0].content.text == "Sum up j-7 in {{language}}."
