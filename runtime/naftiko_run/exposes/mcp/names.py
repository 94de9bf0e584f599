"""Names and texts that models read: what a tool is published as, and which characters no text may hold.

Hosts refuse tool names beyond ``[a-zA-Z0-9_-]{1,64}``, and one refused name can cost a whole list. So a published name always
fits, unless the operator keeps long ones; the declared spelling stays callable beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from naftiko_run.errors import Place, Problems
from naftiko_run.exposes.exposure import McpExposure, McpTool
from naftiko_run.exposes.mcp.settings import LongNames

LONGEST = 64
_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
_HASH = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedName:
    """``declared`` is the author's spelling; ``long`` and ``duplicate`` say why the published one may differ."""

    declared: str
    name: str
    long: bool = False
    duplicate: bool = False


def published_names(tools: Sequence[McpTool], long_names: LongNames = "shorten") -> list[PublishedName]:
    """One name per tool, in order, all different: the same tools always get the same names."""
    names: list[PublishedName] = []
    # A name that fits is never taken away by a sanitised or numbered one.
    taken = {tool.name for tool in tools if _fits(tool.name)}
    seen: set[str] = set()
    for tool in tools:
        name = published(tool.name, long_names)
        duplicate = name in seen or (name != tool.name and name in taken)
        if duplicate:
            name = _numbered(name, seen | taken)
        seen.add(name)
        names.append(PublishedName(declared=tool.name, name=name, long=len(tool.name) > LONGEST, duplicate=duplicate))
    return names


def _fits(name: str) -> bool:
    return 0 < len(name) <= LONGEST and not _REFUSED.search(name)


def published(name: str, long_names: LongNames = "shorten") -> str:
    """``name`` in the characters that every host accepts, and short enough."""
    clean = _REFUSED.sub("_", name) or "tool"
    return shortened(clean, name) if len(clean) > LONGEST and long_names == "shorten" else clean


def shortened(clean: str, whole: str) -> str:
    """The beginning of ``clean`` and a hash of ``whole``: 64 characters that say which long name they stand for."""
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{clean[: LONGEST - _HASH - 1].rstrip('_-')}_{digest}"


def _numbered(name: str, taken: set[str]) -> str:
    number = 2
    while (candidate := f"{name[: LONGEST - len(str(number)) - 1]}-{number}") in taken:
        number += 1
    return candidate


def check_names(exposure: McpExposure, problems: Problems, long_names: LongNames = "shorten") -> None:
    """Warn about tools that are published under another name than the declared one, or under one that hosts may refuse."""
    for tool, name in zip(exposure.tools, published_names(exposure.tools, long_names), strict=True):
        if name.duplicate:
            message = f"the tool name {tool.name!r} is used more than once"
            problems.warn("W-TOOL-DUPLICATE", message, tool.at, f"this one is published as {name.name!r}")
        if name.long:
            hint = f"published as {name.name!r}" if name.name != tool.name else "some hosts refuse it; choose a shorter one"
            problems.warn("W-TOOL-NAME-LONG", f"the tool name {tool.name!r} is longer than {LONGEST} characters", tool.at, hint)


# ---- hidden characters (requirement S70)

_HIDDEN = "\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f"
_IN_NAME = re.compile(f"[\x00-\x1f\x7f-\x9f{_HIDDEN}]")
_IN_TEXT = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{_HIDDEN}]")


def check_texts(exposure: McpExposure, problems: Problems) -> None:
    """Refuse control, bidirectional-override and tag characters: a model reads them, the person who approves does not."""
    for kind, name, is_name, text, at in _texts(exposure):
        found = (_IN_NAME if is_name else _IN_TEXT).search(text)
        if found:
            what = kind if is_name else f"description of {kind} {name!r}"
            message = f"the {what} holds the invisible character U+{ord(found[0]):04X}"
            problems.error("E-TEXT-HIDDEN", message, at, "delete it; only the reader of the text may decide what it means")


def _texts(exposure: McpExposure) -> Iterator[tuple[str, str, bool, str, Place]]:
    """(kind, shown name, whether it is a name, text, place) of everything that a client hands to a model."""
    yield "server", exposure.namespace, False, exposure.description, exposure.at
    for tool in exposure.tools:
        yield "tool name", tool.name, True, tool.name, tool.at
        yield "tool", tool.name, False, f"{tool.title}\n{tool.description or tool.flow.description}", tool.at
        for one in tool.flow.inputs:
            yield "input name", one.published, True, one.published, tool.at
            yield "input", one.published, False, one.description, tool.at
    for resource in exposure.resources:
        yield "resource name", resource.name, True, resource.name + resource.uri, resource.at
        yield "resource", resource.name, False, f"{resource.title}\n{resource.description}", resource.at
    for prompt in exposure.prompts:
        yield "prompt name", prompt.name, True, prompt.name, prompt.at
        yield "prompt", prompt.name, False, f"{prompt.title}\n{prompt.description}", prompt.at
        for argument in prompt.arguments:
            yield "argument name", argument.name, True, argument.name, prompt.at
            yield "argument", argument.name, False, f"{argument.title}\n{argument.description}", prompt.at
