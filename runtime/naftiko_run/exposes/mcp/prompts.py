"""``prompts/*``: what can be asked for, and one prompt with its places filled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from naftiko_run.exposes.exposure import McpPrompt
from naftiko_run.exposes.mcp.protocol import INVALID_PARAMS, RpcError
from naftiko_run.values import dump_json

_PLACE = re.compile(r"\{\{([a-zA-Z0-9_]+)\}\}")


def list_prompts(prompts: Mapping[str, McpPrompt]) -> list[bytes]:
    return [dump_json(_shown(name, prompt)) for name, prompt in prompts.items()]


def _shown(name: str, prompt: McpPrompt) -> dict[str, object]:
    shown: dict[str, object] = {"name": name, **_texts(prompt.title, prompt.description)}
    if prompt.arguments:
        shown["arguments"] = [
            {"name": one.name, **_texts(one.title, one.description), "required": one.required} for one in prompt.arguments
        ]
    return shown


def _texts(title: str, description: str) -> dict[str, object]:
    return {key: text for key, text in (("title", title), ("description", description)) if text}


def get_prompt(prompt: McpPrompt, arguments: Mapping[str, object]) -> bytes:
    """The members of a ``prompts/get`` result. Inserted text is not read again for places."""
    missing = [one.name for one in prompt.arguments if one.required and arguments.get(one.name) is None]
    if missing:
        raise RpcError(INVALID_PARAMS, f"missing {_listed(missing)}", {"missing": missing})
    given = {name: _as_text(value) for name, value in arguments.items() if value is not None}
    messages = [
        {"role": role, "content": {"type": "text", "text": _PLACE.sub(lambda place: given.get(place[1], place[0]), text)}}
        for role, text in prompt.messages
    ]
    description = b'"description":%b,' % dump_json(prompt.description) if prompt.description else b""
    return description + b'"messages":' + dump_json(messages)


def _listed(names: Iterable[str]) -> str:
    shown = [repr(name) for name in names]
    return f"argument{'s' if len(shown) > 1 else ''} {', '.join(shown)}"


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else dump_json(value).decode()
