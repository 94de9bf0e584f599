"""``yaml``: the first document, scalars typed as JSON has them; aliases, merge keys and repeated keys are refused.

Built from the parser's events rather than by the library's constructor: the limits hold while the body is read, and nothing
but ``null``, booleans, numbers and text can come out (YAML's dates, octal and ``yes`` stay text).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import partial

import yaml

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, NotOfFormat
from naftiko_run.consumes.formats.text import read_text
from naftiko_run.errors import UpstreamBroken
from naftiko_run.limits import Limits

_INTEGER = re.compile(r"[-+]?[0-9]{1,4000}")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS = {"": None, "~": None, "null": None, "Null": None, "NULL": None} | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}


def decode_yaml(body: bytes, charset: str, /, *, limits: Limits) -> object:
    try:
        events = _bounded(read_text(body, charset), limits)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                return _build(events)
        return None
    except yaml.YAMLError as exc:
        raise NotOfFormat("the upstream's body is not readable as yaml") from exc


def _bounded(text: str, limits: Limits) -> Iterator[yaml.Event]:
    """The parser's events, within the limits."""
    depth = 0
    for count, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if count >= limits.yaml_body_events:
            raise UpstreamBroken(f"the upstream's YAML has more than {limits.yaml_body_events:,} parts")
        if isinstance(event, yaml.AliasEvent):
            raise UpstreamBroken("the upstream's YAML has an alias, which is refused")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > limits.file_depth:
            raise UpstreamBroken(f"the upstream's YAML is nested deeper than {limits.file_depth} levels")
        yield event


def _build(events: Iterator[yaml.Event]) -> object:
    """The next value; collections end at their own end event."""
    event = next(events)
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events)
    if isinstance(event, yaml.SequenceStartEvent):
        return list(_until_end(events))
    return _scalar(event) if isinstance(event, yaml.ScalarEvent) else _END


_END = object()


def _until_end(events: Iterator[yaml.Event]) -> Iterator[object]:
    while (value := _build(events)) is not _END:
        yield value


def _mapping(events: Iterator[yaml.Event]) -> dict[str, object]:
    fields: dict[str, object] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        if not isinstance(event, yaml.ScalarEvent):
            raise NotOfFormat("a key of the upstream's YAML is no text")
        if event.value in fields or (event.value == "<<" and event.implicit[0]):
            raise UpstreamBroken("the upstream's YAML has a repeated or a merge key, which is refused")
        fields[event.value] = _build(events)
    return fields


def _scalar(event: yaml.ScalarEvent) -> object:
    text: str = event.value
    if not event.implicit[0]:  # quoted, a block, or tagged
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    return Decoder(name=name, convert=partial(decode_yaml, limits=settings.limits), limits=settings.limits)
