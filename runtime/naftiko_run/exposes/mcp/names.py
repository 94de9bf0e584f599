"""What tools are published as: their declared names in, names that every host accepts out.

Hosts refuse tool names beyond ``[a-zA-Z0-9_-]{1,64}``, and one refused name can cost a whole list. So a published name always
fits, unless the operator keeps long ones; the declared spelling stays callable beside it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, McpTool
from naftiko_run.exposes.mcp.settings import LongNames
from naftiko_run.records import record

LONGEST = 64
_REFUSED = re.compile(r"[^a-zA-Z0-9_-]")
_HASH = 8


@record
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


def check_names(exposure: McpExposure, problems: Problems) -> None:
    """Warn about tools that are published under another name than the declared one, and URIs that several resources have."""
    for tool, name in zip(exposure.tools, published_names(exposure.tools), strict=True):
        if name.duplicate:
            message = f"the tool name {tool.name!r} is used more than once"
            problems.warn("W-TOOL-DUPLICATE", message, tool.at, f"this one is published as {name.name!r}")
        if name.long:
            message = f"the tool name {tool.name!r} is longer than {LONGEST} characters"
            hint = f"published as {name.name!r}; --long-tool-names keep publishes it whole, which some hosts refuse"
            problems.warn("W-TOOL-NAME-LONG", message, tool.at, hint)
    first: dict[str, str] = {}
    for resource in exposure.resources:
        if resource.uri in first:
            message = f"resource {resource.name!r} has the URI {resource.uri!r} of resource {first[resource.uri]!r}"
            problems.warn("W-RESOURCE-DUPLICATE", message, resource.at, "only the first one is served; give each its own `uri`")
        first.setdefault(resource.uri, resource.name)


def check_shared(exposures: Sequence[McpExposure], problems: Problems) -> None:
    """Warn about resources of several exposures on one port that have the same URI: unlike a tool, a URI has no prefix."""
    first: dict[str, McpExposure] = {}
    for exposure in exposures:
        for uri, resource in {resource.uri: resource for resource in reversed(exposure.resources)}.items():
            if uri in first:
                message = (
                    f"resource {resource.name!r} has the URI {uri!r} of namespace {first[uri].namespace!r} on the same port"
                )
                hint = f"/mcp reads the first one; /mcp/{exposure.namespace} reads this one"
                problems.warn("W-RESOURCE-DUPLICATE", message, resource.at, hint)
        for resource in exposure.resources:
            first.setdefault(resource.uri, exposure)
