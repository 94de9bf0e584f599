"""What one endpoint serves: the exposures of a port become one table of tools, resources and prompts, each with its final name.

Compiled once. Where two exposures publish the same name, both get their namespace as a prefix, so that adding a second one
never silently changes what the first one's name calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool
from naftiko_run.exposes.mcp.names import LONGEST, published, published_names, shortened
from naftiko_run.exposes.mcp.schemas import output_schema, tool_schema
from naftiko_run.exposes.mcp.settings import LongNames
from naftiko_run.flows.binding import Binder, compile_binder
from naftiko_run.records import field, record
from naftiko_run.values import dump_json


@record
class ToolEntry:
    """A tool under its published name. ``promised``: it has an output schema, which every success must match."""

    name: str
    namespace: str
    tool: McpTool
    binder: Binder
    promised: bool = False


@record
class ResourceEntry:
    namespace: str
    resource: McpResource


@record
class Catalog:
    """``tools`` holds every published tool once, ``callable`` every spelling that may be called."""

    name: str
    version: str
    title: str = ""
    instructions: str = ""
    tools: tuple[ToolEntry, ...] = ()
    callable: Mapping[str, ToolEntry] = field(default_factory=dict)
    resources: tuple[ResourceEntry, ...] = ()
    prompts: Mapping[str, McpPrompt] = field(default_factory=dict)
    ttl_ms: int = 0
    cache_scope: Literal["public", "private"] = "private"

    def server_info(self) -> dict[str, str]:
        info = {"name": self.name, "version": self.version}
        return {**info, "title": self.title} if self.title else info

    def tool_list(self) -> list[bytes]:
        """Every tool as JSON, in the order of the document."""
        return [dump_json(tool_schema(entry.tool, entry.name)) for entry in self.tools]


def compile_catalog(exposures: Sequence[McpExposure], long_names: LongNames = "shorten") -> Catalog:
    """One table for ``exposures``, which share an endpoint."""
    first = exposures[0]
    tools = _tools(exposures, long_names)
    return Catalog(
        name=first.namespace,
        version=first.version or "unspecified",
        title=first.label,
        instructions="\n\n".join(one.description for one in exposures if one.description),
        tools=tools,
        callable=_spellings(tools),
        resources=_resources(exposures),
        prompts=_prompts(exposures),
        ttl_ms=min(one.ttl_ms for one in exposures),
        cache_scope="private" if any(one.cache_scope == "private" for one in exposures) else "public",
    )


def _tools(exposures: Sequence[McpExposure], long_names: LongNames) -> tuple[ToolEntry, ...]:
    named = [
        (exposure, tool, name.name)
        for exposure in exposures
        for tool, name in zip(exposure.tools, published_names(exposure.tools, long_names), strict=True)
    ]
    names = _separated([(exposure.namespace, name) for exposure, _, name in named])
    return tuple(_entry(exposure, tool, name) for (exposure, tool, _), name in zip(named, names, strict=True))


def _entry(exposure: McpExposure, tool: McpTool, name: str) -> ToolEntry:
    promised = output_schema(tool.flow) is not None
    binder = compile_binder(tool.flow.inputs)
    return ToolEntry(name=name, namespace=exposure.namespace, tool=tool, binder=binder, promised=promised)


def _separated(names: Sequence[tuple[str, str]]) -> list[str]:
    """(namespace, name) pairs as names of their own: those that occur twice are prefixed, both of them."""
    count = Counter(name for _, name in names)
    taken = {name for _, name in names if count[name] == 1}
    separated = []
    for namespace, name in names:
        if count[name] > 1:
            name = _prefixed(namespace, name, taken)
            taken.add(name)
        separated.append(name)
    return separated


def _prefixed(namespace: str, name: str, taken: Iterable[str]) -> str:
    whole = f"{published(namespace)}_{name}"
    candidate = whole if len(whole) <= LONGEST else shortened(whole, whole)
    # Two exposures of one namespace on one port: the number of the collision is part of what is hashed.
    number = 1
    while candidate in taken:
        number += 1
        candidate = shortened(whole, f"{whole} {number}")
    return candidate


def _spellings(tools: Sequence[ToolEntry]) -> dict[str, ToolEntry]:
    """Published names first; a declared spelling where it can only mean one namespace's tool."""
    spellings = {entry.name: entry for entry in tools}
    meant: dict[str, set[str]] = {}
    for entry in tools:
        meant.setdefault(entry.tool.name, set()).add(entry.namespace)
    for entry in tools:
        if len(meant[entry.tool.name]) == 1:
            spellings.setdefault(entry.tool.name, entry)
    return spellings


def _resources(exposures: Sequence[McpExposure]) -> tuple[ResourceEntry, ...]:
    """One resource per URI, the first: a client could not tell others apart."""
    found: dict[str, ResourceEntry] = {}
    for one in exposures:
        for resource in one.resources:
            found.setdefault(resource.uri, ResourceEntry(namespace=one.namespace, resource=resource))
    return tuple(found.values())


def _prompts(exposures: Sequence[McpExposure]) -> dict[str, McpPrompt]:
    found = [(exposure.namespace, prompt) for exposure in exposures for prompt in exposure.prompts]
    names = _separated([(namespace, prompt.name) for namespace, prompt in found])
    return {name: prompt for name, (_, prompt) in zip(names, found, strict=True)}
