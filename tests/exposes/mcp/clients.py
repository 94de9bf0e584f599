"""What the official Python client sees of the conformance capability, and what every client should."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mcp.client import Client
from mcp.shared.exceptions import MCPError

TOOLS = [
    "test_simple_text", "test_image_content", "test_audio_content", "test_embedded_resource", "test_error_handling",
    "test_tool_with_progress", "test_streaming_elicitation", "test_logging_tool", "lookup", "described",
]  # fmt: skip
LINE = "This is a simple text response for testing."
PROGRESS = [[1, 3, "first"], [2, 3, "second"], [3, 3, "third"]]


async def look_around(client: Client) -> dict[str, Any]:
    """The calls of ``client.mjs``, made with the official Python client: the same keys, the same JSON."""
    progress: list[list[object]] = []

    async def seen(done: float, total: float | None, step: str | None) -> None:
        progress.append([done, total, step])

    tools = (await client.list_tools()).tools
    steps = await client.call_tool("test_tool_with_progress", {}, progress_callback=seen)
    try:
        unknown = (await client.call_tool("no-such-tool", {})).is_error
    except MCPError as error:
        unknown = error.error.code
    arguments = {"arg1": "a", "arg2": "b"}
    return {
        "server": client.server_info.name if client.server_info else "conformance",  # a pinned client does not ask
        "tools": [tool.name for tool in tools],
        "promised": [tool.name for tool in tools if tool.output_schema],
        "success": plain(await client.call_tool("lookup", {"id": "7"})),
        "failure": plain(await client.call_tool("test_error_handling", {})),
        "invalid": plain(await client.call_tool("lookup", {})),
        "bare": plain(await client.call_tool("test_simple_text")),
        "left_out": plain(await client.call_tool("described", {"id": "7"})),
        "null_given": plain(await client.call_tool("described", {"id": "7", "note": None})),
        "image": plain(await client.call_tool("test_image_content", {})),
        "steps": plain(steps),
        "progress": progress,
        "unknown": unknown,
        "resources": [str(one.uri) for one in (await client.list_resources()).resources],
        "templates": [one.uri_template for one in (await client.list_resource_templates()).resource_templates],
        "text": plain(await client.read_resource("test://static-text")),
        "binary": plain(await client.read_resource("test://static-binary")),
        "filled": plain(await client.read_resource("test://template/9/data")),
        "prompts": [one.name for one in (await client.list_prompts()).prompts],
        "prompt": plain(await client.get_prompt("test_prompt_with_arguments", arguments)),
    }


def plain(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def check(seen: Mapping[str, Any], *, stdio: bool = False) -> None:
    """Everything in ``seen`` is as it should be, or a sentence says what is not."""
    wrong = [f"{key}: {seen[key]!r}" for key, is_right in _EXPECTED.items() if not is_right(seen[key])]
    assert not wrong, wrong
    # The TypeScript client forgets a call before it looks at notifications that arrived together with its answer.
    assert seen["progress"] == (PROGRESS[: len(seen["progress"])] if stdio else PROGRESS)


def _text(*starts: str, error: bool = False, data: object = None) -> Callable[[Any], bool]:
    def is_right(result: Any) -> bool:
        (block,) = result["content"]
        same = result.get("structuredContent") == data
        return same and block["type"] == "text" and all(part in block["text"] for part in starts) and result["isError"] is error

    return is_right


def _reads(**expected: str) -> Callable[[Any], bool]:
    def is_right(result: Any) -> bool:
        (contents,) = result["contents"]
        return all(contents[key].startswith(value) for key, value in expected.items())

    return is_right


def _is(expected: object) -> Callable[[Any], bool]:
    return lambda value: bool(value == expected)


def _row(number: str) -> dict[str, object]:
    return {"id": number, "templateTest": True, "data": f"Data for ID: {number}"}


_DESCRIBED = {"name": "Data for ID: 7", "found": True, "missing": None}
_EXPECTED: Mapping[str, Callable[[Any], bool]] = {
    "server": _is("conformance"),
    "tools": _is(TOOLS),
    "promised": _is(["described"]),
    "success": _text('"Data for ID: 7"', data=_row("7")),
    "failure": _text("the upstream answered 422", "intentionally", error=True),
    "invalid": _text("id: is required", error=True),
    "bare": _text(LINE),
    "left_out": _text('"missing":null', data=_DESCRIBED),
    "null_given": _text('"missing":null', data=_DESCRIBED),
    "image": lambda result: result["content"][0]["type"] == "image" and result["content"][0]["mimeType"] == "image/png",
    "steps": _text('"one"', data=_row("one")),
    "unknown": _is(-32602),
    "resources": _is(["test://static-text", "test://static-binary"]),
    "templates": _is(["test://template/{id}/data"]),
    "text": _reads(text=LINE, mimeType="text/plain"),
    "binary": _reads(blob="iVBORw0KGgo", mimeType="image/png"),
    "filled": _reads(text='{"id": "9"', uri="test://template/9/data"),
    "prompts": _is(["test_simple_prompt", "test_prompt_with_arguments"]),
    "prompt": lambda result: result["messages"][0]["content"]["text"] == "Prompt with arguments: arg1='a', arg2='b'",
}
