"""The command as clients meet it: the official clients for Python and TypeScript and the inspector, over HTTP and over stdio.

Those that need Node.js come with ``./dev conformance``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

FOLDER = Path(__file__).parent / "conformance"


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_the_official_python_client_over_http(conformance_url, clients, mode):
    async with Client(conformance_url, mode=mode) as client:
        clients.check(await clients.look_around(client))


@pytest.mark.parametrize("mode", ["auto", "legacy", "2026-07-28"])
async def test_the_official_python_client_over_stdio(command, clients, mode):
    server = stdio_client(StdioServerParameters(command=command[0], args=command[1:]))

    async with Client(server, mode=mode) as client:
        clients.check(await clients.look_around(client))


# ---- Node.js

TYPESCRIPT = ["client auto", "client legacy", "client 2026-07-28", "sdk legacy"]


@pytest.fixture
def script(node, tmp_path):
    """``await script(FILE, *ARGUMENTS)``: what a JavaScript program printed, as JSON; one that fails is an error."""

    async def run(*arguments, code=0):
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "NO_COLOR": "1"}
        process = await asyncio.create_subprocess_exec(
            str(node / "node"), *map(str, arguments), env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            output, errors = await asyncio.wait_for(process.communicate(), 60)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        assert process.returncode == code, (process.returncode, output[-2000:], errors[-2000:])
        return json.loads(output or errors.splitlines()[-1])

    return run


@pytest.mark.node
@pytest.mark.parametrize("kind", TYPESCRIPT)
async def test_the_official_typescript_client_over_http(conformance_url, clients, node, script, kind):
    clients.check(await script(FOLDER / "client.mjs", node, *kind.split(), conformance_url))


@pytest.mark.node
@pytest.mark.parametrize("kind", TYPESCRIPT)
async def test_the_official_typescript_client_over_stdio(command, clients, node, script, kind):
    clients.check(await script(FOLDER / "client.mjs", node, *kind.split(), *command), stdio=True)


@pytest.mark.node
@pytest.mark.slow
async def test_the_inspector_over_http(conformance_url, clients, node, script):
    await look_around_with_the_inspector(node, script, clients, "http", [conformance_url])


@pytest.mark.node
@pytest.mark.slow
async def test_the_inspector_over_stdio(command, clients, node, script):
    await look_around_with_the_inspector(node, script, clients, "stdio", command)


async def look_around_with_the_inspector(node, script, clients, over, target):
    room = asyncio.Semaphore(2)

    async def inspect(method, *options, code=0):
        cli = node / "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js"
        waiting = ("--connect-timeout", "60000")  # a busy machine starts slowly
        async with room:
            return await script(
                cli, "--cli", *waiting, "--transport", over, "--method", method, *options, "--", *target, code=code
            )

    async def call(tool, *arguments, code=0):
        return await inspect("tools/call", "--tool-name", tool, *(f"--tool-arg={one}" for one in arguments), code=code)

    arguments = ("--prompt-args=arg1=a", "--prompt-args=arg2=b")
    async with asyncio.TaskGroup() as group:
        asked = [
            group.create_task(one)
            for one in (
                inspect("tools/list", "--strict"),
                call("lookup", "id=7"),
                call("test_simple_text"),
                call("described", "id=7", "note=null"),
                call("test_error_handling", code=5),
                call("no-such-tool", code=5),
                inspect("resources/list"),
                inspect("resources/read", "--uri", "test://static-text"),
                inspect("prompts/list"),
                inspect("prompts/get", "--prompt-name", "test_prompt_with_arguments", *arguments),
            )
        ]
    tools, success, bare, typed, failure, unknown, resources, text, prompts, prompt = [one.result() for one in asked]

    assert [tool["name"] for tool in tools["tools"]] == clients.TOOLS
    assert success["structuredContent"]["data"] == "Data for ID: 7"
    assert bare["content"][0]["text"] == clients.LINE
    assert typed["structuredContent"]["missing"] is None
    assert failure["isError"] is True
    assert unknown["error"]["code"] == "tool_not_found"
    assert len(resources["resources"]) == 2
    assert text["contents"][0]["text"] == clients.LINE
    assert len(prompts["prompts"]) == 2
    assert prompt["messages"][0]["content"]["text"] == "Prompt with arguments: arg1='a', arg2='b'"
