"""Plain JSONPath in, a closure out: names, indexes, slices, wildcards and ``..``, with nothing decided per document.

A path of names and indexes gives the value itself. From the first wildcard on it gives a list, which is empty where the
container is there and holds nothing, and ``MISSING`` where the container is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from naftiko_run.errors import MappingFailed
from naftiko_run.expressions.scope import MISSING
from naftiko_run.records import record

Find = Callable[[object], object]
Key = str | int


@record(kw_only=False)
class Every:
    """``[*]`` or ``.*``: the elements of a list, the values of a map."""


@record(kw_only=False)
class Descend:
    """``..``: a value and everything below it."""


Segment = Key | slice | Every | Descend

_WORD = r"""[^\s.\[\]*()'"`,|&+/<>=!?\\{}~]+"""
# A dotted name may hold blanks ("Full Name"), but not those that make it another language's operator.
_PATTERN: Final = re.compile(
    rf"""(?P<descend>\.\.(?=[^.\s]))
    | \.?\[\s*(?P<index>-?\d{{1,9}})\s*\]
    | \.?\[\s*(?P<start>-?\d{{0,9}})\s*:\s*(?P<stop>-?\d{{0,9}})\s*(?::\s*(?P<step>\d{{0,9}})\s*)?\]
    | \.?\[\s*'(?P<single>(?:[^'\\]|\\.)*)'\s*\]
    | \.?\[\s*"(?P<double>(?:[^"\\]|\\.)*)"\s*\]
    | \.?(?P<every>\[\s*\*\s*\]|\*)
    | \.?(?P<name>{_WORD}(?:\ +(?!(?:where|wherenot|-)\b){_WORD})*)""",
    re.VERBOSE,
)


def parse_segments(path: str) -> tuple[Segment, ...] | None:
    """The segments after ``$``, or ``None`` where the path is not a plain one."""
    segments: list[Segment] = []
    position = 1
    while position < len(path):
        match = _PATTERN.match(path, position)
        if match is None or not _separated(match, segments):
            return None
        segments.append(_segment(match))
        position = match.end()
    return None if segments and isinstance(segments[-1], Descend) else tuple(segments)


def leading_keys(path: str) -> tuple[Key, ...]:
    """The names and indexes a path starts with, up to the first segment that is neither."""
    keys: list[Key] = []
    position = 1
    while (match := _PATTERN.match(path, position)) and _separated(match, []):
        segment = _segment(match)
        if not isinstance(segment, (str, int)):
            break
        keys.append(segment)
        position = match.end()
    return tuple(keys)


def _separated(match: re.Match[str], before: list[Segment]) -> bool:
    """A name or ``*`` needs the dot that ``..`` has already given; ``..`` needs none."""
    text = match.group()
    after_descend = bool(before) and isinstance(before[-1], Descend)
    return text[0] == "[" or (text[0] == "." and not after_descend) or (text[0] != "." and after_descend)


def _segment(match: re.Match[str]) -> Segment:
    if match["descend"]:
        return Descend()
    if match["every"]:
        return Every()
    if match["index"] is not None:
        return int(match["index"])
    if match["start"] is not None:
        return slice(*(int(part) if part else None for part in match.group("start", "stop", "step")))
    quoted = match["single"] if match["single"] is not None else match["double"]
    return match["name"].rstrip() if quoted is None else re.sub(r"\\(.)", r"\1", quoted)


def compile_plain(segments: tuple[Segment, ...], limit: int) -> tuple[Find, bool]:
    """The closure, and whether the path is definite. Visiting more than ``limit`` nodes fails the mapping (requirement L10)."""
    keys: list[Key] = []
    for segment in segments:
        if not isinstance(segment, (str, int)):
            break
        keys.append(segment)
    prefix = follow(tuple(keys))
    if len(keys) == len(segments):
        return prefix, True
    return _many(prefix, segments[len(keys) :], limit), False


def follow(keys: tuple[Key, ...]) -> Find:
    """The value at the end of ``keys``."""
    if len(keys) == 1 and isinstance(keys[0], str) and keys[0] != "length":
        only = keys[0]
        return lambda document: document.get(only, MISSING) if isinstance(document, dict) else MISSING

    def find(value: object) -> object:
        for key in keys:
            if isinstance(value, dict):
                value = value.get(key, MISSING)
            elif isinstance(value, list):
                value = _of_list(value, key)
            else:
                return MISSING
        return value

    return find


def _of_list(value: list[object], key: Key) -> object:
    if isinstance(key, int):
        return value[key] if -len(value) <= key < len(value) else MISSING
    return len(value) if key == "length" else MISSING


def too_many(limit: int) -> MappingFailed:
    return MappingFailed(
        f"a JSONPath visited more than {limit} values", hint="select less, or ask the upstream for fewer items"
    )


def _many(prefix: Find, segments: tuple[Segment, ...], limit: int) -> Find:
    def find(document: object) -> object:
        start = prefix(document)
        if not isinstance(start, (dict, list)):
            return MISSING
        values: list[object] = [start]
        visited = 0
        for segment in segments:
            values = _expand(values, segment, limit)
            visited += len(values)
            if visited > limit:
                raise too_many(limit)
        return values

    return find


def _expand(values: list[object], segment: Segment, limit: int) -> list[object]:
    """What ``segment`` selects from each of ``values``, in order."""
    if isinstance(segment, str):
        return [member for value in values if (member := _member(value, segment)) is not MISSING]
    if isinstance(segment, Descend):
        return descendants(values, limit)
    found: list[object] = []
    for value in values:
        if isinstance(segment, Every):
            found.extend(value if isinstance(value, list) else value.values() if isinstance(value, dict) else ())
        elif isinstance(value, list):
            if isinstance(segment, slice):
                found.extend(value[segment])
            elif -len(value) <= segment < len(value):
                found.append(value[segment])
    return found


def _member(value: object, name: str) -> object:
    if isinstance(value, dict):
        return value.get(name, MISSING)
    return len(value) if name == "length" and isinstance(value, list) else MISSING


def descendants(values: list[object], limit: int) -> list[object]:
    """Every one of ``values`` followed by what is below it, without recursion: documents are as deep as their sender likes."""
    found: list[object] = []
    waiting = values[::-1]
    while waiting:
        value = waiting.pop()
        found.append(value)
        if len(found) > limit:
            raise too_many(limit)
        if isinstance(value, list):
            waiting.extend(reversed(value))
        elif isinstance(value, dict):
            waiting.extend(reversed(value.values()))
    return found
