"""Texts that models read may hide nothing (requirement S70): an exposure in, the exposure without what does out.

Control, bidirectional-override and tag characters are read by a model and not seen by the person who approves its calls.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from naftiko_run.errors import Place, Problems
from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool
from naftiko_run.exposes.mcp.schemas import output_schema
from naftiko_run.records import replace

_HIDDEN = "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f"
_IN_NAME = re.compile(f"[\x00-\x1f\x7f-\x9f{_HIDDEN}]")
_IN_TEXT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_HIDDEN}]")

Text = tuple[str, bool, str]
"""(what it is, whether it is a name, the text)."""


def check_texts(exposure: McpExposure, problems: Problems) -> McpExposure:
    """``exposure`` without the tools, resources and prompts whose names or descriptions hide something; each is an error."""
    hides = _hides([("description of the server", False, exposure.description)], exposure.at, problems)
    return replace(
        exposure,
        description="" if hides else exposure.description,
        tools=tuple(one for one in exposure.tools if not _hides(_of_tool(one), one.at, problems)),
        resources=tuple(one for one in exposure.resources if not _hides(_of_resource(one), one.at, problems)),
        prompts=tuple(one for one in exposure.prompts if not _hides(_of_prompt(one), one.at, problems)),
    )


def _hides(texts: Iterator[Text] | list[Text], at: Place, problems: Problems) -> bool:
    for what, is_name, text in texts:
        found = (_IN_NAME if is_name else _IN_TEXT).search(text)
        if found:
            message = f"the {what} holds the invisible character U+{ord(found[0]):04X}"
            problems.error("E-TEXT-HIDDEN", message, at, "delete it; what it stands in is not served")
            return True
    return False


def _of_tool(tool: McpTool) -> Iterator[Text]:
    yield "tool name", True, tool.name
    yield f"description of tool {tool.name!r}", False, f"{tool.title}\n{tool.description or tool.flow.description}"
    for one in tool.flow.inputs:
        yield "input name", True, one.published
        yield f"description of input {one.published!r}", False, one.description
    yield from _of_schema(output_schema(tool.flow))


def _of_schema(schema: object) -> Iterator[Text]:
    """Names and descriptions of output parameters, at any depth."""
    if isinstance(schema, list):
        for one in schema:
            yield from _of_schema(one)
    if not isinstance(schema, dict):
        return
    yield "description of an output parameter", False, str(schema.get("description", ""))
    properties = schema.get("properties")
    for name, one in properties.items() if isinstance(properties, dict) else ():
        yield "output parameter name", True, name
        yield from _of_schema(one)
    for key in ("items", "additionalProperties", "anyOf"):
        yield from _of_schema(schema.get(key))


def _of_resource(resource: McpResource) -> Iterator[Text]:
    yield "resource name", True, resource.name
    yield f"URI of resource {resource.name!r}", True, resource.uri
    yield f"description of resource {resource.name!r}", False, f"{resource.title}\n{resource.description}"


def _of_prompt(prompt: McpPrompt) -> Iterator[Text]:
    yield "prompt name", True, prompt.name
    yield f"description of prompt {prompt.name!r}", False, f"{prompt.title}\n{prompt.description}"
    for argument in prompt.arguments:
        yield "argument name", True, argument.name
        yield f"description of argument {argument.name!r}", False, f"{argument.title}\n{argument.description}"
