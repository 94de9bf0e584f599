"""Three tools instead of hundreds: find a tool by words, read its schema, call it.

The index is SQLite's full-text search in memory, ranked by BM25; names count more than descriptions. Calling goes the same way
as a direct call, so that arguments are validated and failures worded alike.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Mapping

from naftiko_run.errors import InvalidInputs, suggest
from naftiko_run.exposes.mcp.catalog import Catalog, ToolEntry
from naftiko_run.exposes.mcp.schemas import Schema, tool_schema
from naftiko_run.flows.binding import Binder, compile_binder
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.values import dump_json

SEARCH, DESCRIBE, CALL = "search", "describe", "call"
CallTool = Callable[[ToolEntry, dict[str, object]], Awaitable[bytes]]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+|[^\W\d_a-zA-Z]+")
_MOST_WORDS = 32
_MOST_FOUND = 50
_SUMMARY = 300

_NAME = InputParameter(name="name", required=True, description="The name of a tool, as search gave it")
_INPUTS = {
    SEARCH: (
        InputParameter(name="query", required=True, description="What the tool should do, in a few words"),
        InputParameter(
            name="limit", type="integer", default=10, minimum=1, maximum=_MOST_FOUND, description="How many to list"
        ),
    ),
    DESCRIBE: (_NAME,),
    CALL: (_NAME, InputParameter(name="arguments", type="object", description="What describe says the tool takes")),
}
_ABOUT = {
    SEARCH: "Find tools by what they do. There are {count} here; their names and descriptions are searched.",
    DESCRIBE: "Show what one tool takes and returns.",
    CALL: "Call one tool by its name, with arguments.",
}


def words(text: str) -> list[str]:
    """``listTrainingJobs-v2`` as ``list training jobs v 2``."""
    return [word.lower() for word in _WORD.findall(text)]


class ToolIndex:
    """The tools of one catalog, by words."""

    def __init__(self, entries: Iterable[ToolEntry]) -> None:
        self._entries = tuple(entries)
        # Read-only once filled; Python's lock around each statement is all the sharing it needs.
        self._table = sqlite3.connect(":memory:", check_same_thread=False)
        self._table.execute("create virtual table tools using fts5(name, description, inputs, tokenize = 'porter unicode61')")
        self._table.executemany("insert into tools(rowid, name, description, inputs) values (?, ?, ?, ?)", self._rows())

    def _rows(self) -> Iterable[tuple[int, str, str, str]]:
        for number, entry in enumerate(self._entries):
            tool = entry.tool
            about = f"{tool.title} {tool.description or tool.flow.description}"
            inputs = " ".join(f"{one.published} {one.description}" for one in tool.flow.inputs)
            name, about, inputs = (" ".join(words(text)) for text in (f"{entry.name} {tool.name}", about, inputs))
            yield number, name, about, inputs

    def find(self, query: str, limit: int) -> list[ToolEntry]:
        """The best matches first; those that hold more of the words come before those that hold one often."""
        asked = list(dict.fromkeys(words(query)))[:_MOST_WORDS]
        if not asked:
            return list(self._entries[:limit])
        # Quoted, so that nothing in a query is syntax; a prefix, because names are often cut short.
        match = " OR ".join(f'"{word}"*' for word in asked)
        statement = "select rowid from tools where tools match ? order by bm25(tools, 8.0, 3.0, 1.0), rowid limit ?"
        return [self._entries[number] for (number,) in self._table.execute(statement, (match, limit))]

    def close(self) -> None:
        self._table.close()


class ToolSearch:
    """The three tools over one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.index = ToolIndex(catalog.tools)
        self._binders: Mapping[str, Binder] = {name: compile_binder(inputs) for name, inputs in _INPUTS.items()}

    def tool_list(self) -> list[bytes]:
        return [dump_json(self._schema(name)) for name in (SEARCH, DESCRIBE, CALL)]

    def _schema(self, name: str) -> Schema:
        properties: Schema = {}
        for one in _INPUTS[name]:
            shown: Schema = {"type": one.type, "description": one.description}
            limits = {"minimum": one.minimum, "maximum": one.maximum, "default": one.default}
            properties[one.name] = {**shown, **{key: value for key, value in limits.items() if value is not None}}
        required = [one.name for one in _INPUTS[name] if one.required]
        schema: Schema = {"type": "object", "properties": properties, "required": required}
        about = _ABOUT[name].format(count=len(self.catalog.tools))
        return {"name": name, "description": about, "inputSchema": schema, "annotations": {"readOnlyHint": name != CALL}}

    def serves(self, name: str) -> bool:
        return name in _INPUTS

    async def call(self, name: str, arguments: Mapping[str, object], call_tool: CallTool) -> bytes:
        """The members of a ``tools/call`` result; raises ``InvalidInputs``."""
        inputs = self._binders[name].arguments(arguments)
        if name == SEARCH:
            found = self.index.find(str(inputs["query"]), int(str(inputs["limit"])))
            return _answer({"tools": [_summary(entry) for entry in found]})
        entry = self._entry(str(inputs["name"]))
        if name == DESCRIBE:
            return _answer(tool_schema(entry.tool, entry.name))
        given = inputs.get("arguments", {})
        if not isinstance(given, dict):
            raise InvalidInputs([{"name": "arguments", "message": "must be an object"}])
        return await call_tool(entry, given)

    def _entry(self, name: str) -> ToolEntry:
        entry = self.catalog.callable.get(name)
        if entry is None:
            near = self.index.find(name, 5)
            hint = suggest(name[:100], (one.name for one in near)) if near else "search for one first"
            raise InvalidInputs([{"name": "name", "message": f"no tool is called {name[:100]!r} ({hint})"}])
        return entry

    def close(self) -> None:
        self.index.close()


def _summary(entry: ToolEntry) -> dict[str, object]:
    about = entry.tool.description or entry.tool.flow.description
    shown = about if len(about) <= _SUMMARY else about[: _SUMMARY - 3] + "..."
    return {"name": entry.name, "description": shown, "inputs": [one.published for one in entry.tool.flow.inputs]}


def _answer(value: object) -> bytes:
    data = dump_json(value)
    return b'"content":[{"type":"text","text":%b}],"structuredContent":%b,"isError":false' % (dump_json(data.decode()), data)


def estimated_tokens(tools: Iterable[bytes]) -> int:
    """About how many tokens a tool list costs a model: four bytes each, the usual figure for JSON in English."""
    return sum(len(tool) + 1 for tool in tools) // 4
