"""A plausible answer for an operation nobody wrote one for: its declared outputs in, an ``Answer`` out.

The paths that outputs read (``$.data[*].price``) say what the upstream's document must look like; names and types say what
plausible values are. Without any path the answer repeats what was asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from naftiko_run.consumes.operation import Operation
from naftiko_run.document.nodes import Node
from naftiko_run.expressions.plain_path import Descend, Every, Segment, parse_segments
from naftiko_run.mock.answer import Answer

SamplePath = tuple[str, str]
"""A JSONPath and the type of what it selects."""

SamplePaths = Mapping[str, Sequence[SamplePath]]
"""By operation: what its exposed outputs read."""

_BY_WORD: tuple[tuple[tuple[str, ...], object], ...] = (
    (("email",), "ada@example.com"),
    (("url", "uri", "link", "href"), "https://example.com/sample"),
    (("timestamp", "datetime", "created", "updated", "time"), "2026-01-15T09:30:00Z"),
    (("date", "day"), "2026-01-15"),
    (("currency",), "USD"),
    (("country",), "NL"),
    (("status", "state"), "active"),
    (("name", "title", "label"), "Sample"),
    (("description", "text", "message", "note"), "A sample answer"),
    (("id", "key", "code"), "sample-1"),
)
LONGEST_SAMPLE = 20
_BY_TYPE: Mapping[str, object] = {"integer": 3, "number": 12.5, "boolean": True}
_TEXTS: Mapping[str, tuple[str, str]] = {
    "xml": ("application/xml", "<sample><id>sample-1</id><name>Sample</name></sample>"),
    "yaml": ("application/yaml", "id: sample-1\nname: Sample\n"),
    "csv": ("text/csv", "id,name\r\nsample-1,Sample\r\n"),
    "tsv": ("text/tab-separated-values", "id\tname\r\nsample-1\tSample\r\n"),
    "psv": ("text/plain", "id|name\r\nsample-1|Sample\r\n"),
    "text": ("text/plain", "A sample answer"),
    "binary": ("application/octet-stream", "A sample answer"),
    "html": ("text/html", "<table><tr><th>id</th><th>name</th></tr><tr><td>sample-1</td><td>Sample</td></tr></table>"),
    "markdown": ("text/markdown", "# Sample\n\nA sample answer\n"),
}


def sample_answer(operation: Operation, paths: Sequence[SamplePath]) -> Answer:
    """An answer of the declared format with a value at every path that is read."""
    kind = operation.decoder.name if operation.decoder is not None else "json"
    if kind in _TEXTS:
        media_type, text = _TEXTS[kind]
        return Answer(text=text, headers=(("Content-Type", operation.output_media_type or media_type),))
    if kind != "json":
        return Answer(status=501, body={"message": f"there is no sample of {kind}; write an answer for {operation.ref}"})
    declared = [(output.path.text, output.type) for output in operation.outputs]
    found = sample_document([*declared, *paths])
    return Answer(body=_echo(operation) if found is None else found)


def _echo(operation: Operation) -> dict[str, object]:
    asked = {
        p.name: f"{{{{{p.place}.{p.name} | }}}}" for p in operation.parameters if p.place in ("path", "query") and not p.value
    }
    return {"id": "sample-1", "operation": operation.ref, **({"asked": asked} if asked else {})}


def exposed_paths(root: Node) -> SamplePaths:
    """What the outputs of everything that calls an operation read of its answer, by operation."""
    found: dict[str, list[SamplePath]] = {}
    for node in root.walk():
        call = node.get("call") if node.is_map else None
        if call is not None and call.is_text:
            for _, output in node.named("outputParameters"):
                found.setdefault(call.text, []).extend(_output_paths(output, "$"))
    return found


def _output_paths(node: Node, base: str) -> Iterator[SamplePath]:
    mapping = node.get_text("mapping")
    path = _joined(base, mapping) if mapping else base
    if mapping:
        yield path, node.get_text("type", default="string")
    items, properties = node.get("items"), node.get("properties")
    if items is not None:
        yield from _output_paths(items, path if path.endswith("*") else f"{path}[*]")
    for _, child in properties.items() if properties is not None else ():
        yield from _output_paths(child, path if mapping else base)


def _joined(base: str, path: str) -> str:
    rest = path.strip().removeprefix("$").rstrip(".")
    return base + (rest if not rest or rest[0] in ".[" else f".{rest}")


def sample_document(paths: Sequence[SamplePath]) -> object:
    """A JSON document in which each path selects something, ``None`` where no path asks for more than the whole."""
    root: list[object] = [None]
    for text, kind in paths:
        segments = parse_segments(_joined("$", text))
        # What may stand anywhere below stands right here.
        plain = [segment for segment in segments or () if not isinstance(segment, Descend)]
        if plain:
            _grow(root, 0, plain, kind)
    return root[0]


def _grow(holder: dict[str, object] | list[object], key: str | int, segments: Sequence[Segment], kind: str) -> None:
    """Make ``holder[key]`` a value in which ``segments`` lead to a sample of ``kind``."""
    current = holder[key]  # type: ignore[index]  # a name into a map, a number into a list
    if not segments:
        if current is None:
            holder[key] = _sample(str(key), kind)  # type: ignore[index]  # as above
        return
    first, rest = segments[0], segments[1:]
    inner: dict[str, object] | list[object]
    if isinstance(first, str) or (isinstance(first, Every) and isinstance(current, dict) and current):
        inner = current if isinstance(current, dict) else {}
        for name in [first] if isinstance(first, str) else list(inner):
            inner.setdefault(name, None)
            _grow(inner, name, rest, kind)
    else:
        inner = current if isinstance(current, list) else []
        inner.extend([None] * (_length(first) - len(inner)))
        for index in range(len(inner)):
            _grow(inner, index, rest, kind)
    holder[key] = inner  # type: ignore[index]  # as above


def _length(segment: Segment) -> int:
    """How many elements a list needs for ``segment`` to select one of them."""
    first = (segment.start or 0) if isinstance(segment, slice) else segment if isinstance(segment, int) else 0
    return min(first + 1 if first >= 0 else -first, LONGEST_SAMPLE)


def _sample(name: str, kind: str) -> object:
    if kind in ("object", "array"):
        return None if kind == "object" else []
    if kind in _BY_TYPE:
        return _BY_TYPE[kind]
    lowered = name.lower()
    return next((value for words, value in _BY_WORD if any(word in lowered for word in words)), "sample")
