"""An upstream's reply and its operation's decoder become a JSON value, in a worker process where the format asks for one.

What an upstream sends counts for more than what a document says: an answer declared ``json`` (or not declared) is read by its
``Content-Type``, and one that is no JSON after all is text, not a failure. The same holds for an error status under any
format, because upstreams word their errors as they like.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import orjson

from naftiko_run.consumes.formats.json import decode_json
from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, NotOfFormat, charset_of, compile_decoder
from naftiko_run.consumes.formats.text import codec_for, loose_text, read_text
from naftiko_run.consumes.messages import UpstreamReply
from naftiko_run.errors import UpstreamBroken, UpstreamTimeout
from naftiko_run.isolation.pool import WorkerFailed, WorkerRefused, WorkerTimeout

OFF_THE_LOOP = 1024 * 1024
"""Larger bodies are parsed in a thread: nothing may hold the event loop for long (requirement R14)."""

# A worker has held its format's own depth limit already, and its JSON writer ends at this depth.
_DEPTH = 256


class Workers(Protocol):
    async def run(self, job: str, payload: bytes, *, seconds: float) -> bytes: ...


async def decode_reply(decoder: Decoder, reply: UpstreamReply, workers: Workers) -> object:
    """The body as a JSON value; the bytes themselves under ``binary``; ``None`` where there are none."""
    if not reply.body:
        return None
    if decoder.binary:
        return reply.body
    content_type = reply.header("content-type")
    if decoder.name != "json" and reply.status < 400:
        return await _decode(decoder, reply.body, content_type, workers)
    other = _format_of(reply.media_type)
    try:
        is_another = other not in ("", decoder.name)
        chosen = compile_decoder(other, FormatSettings(limits=decoder.limits)) if is_another else decoder
        if decoder.name != "json" and not other:
            return loose_text(reply.body, charset_of(content_type))
        return await _decode(chosen, reply.body, content_type, workers)
    except NotOfFormat:
        return loose_text(reply.body, charset_of(content_type))


def _format_of(media_type: str) -> str:
    """The format a media type stands for, where this runtime reads it without being asked; ``""`` for any other."""
    if media_type.endswith(("/json", "+json")):
        return "json"
    if media_type.endswith(("/xml", "+xml")) and media_type not in ("image/svg+xml", "application/xhtml+xml"):
        return "xml"
    if media_type == "text/csv":
        return "csv"
    if media_type == "text/tab-separated-values":
        return "tsv"
    if media_type.endswith(("/yaml", "/x-yaml", "+yaml")):
        return "yaml"
    return ""


async def _decode(decoder: Decoder, body: bytes, content_type: str, workers: Workers) -> object:
    if decoder.isolated:
        return await decode_isolated(decoder, body, content_type, workers)
    if len(body) > OFF_THE_LOOP:
        return await asyncio.to_thread(decoder.decode, body, content_type)
    return decoder.decode(body, content_type)


async def decode_isolated(decoder: Decoder, body: bytes, content_type: str, workers: Workers) -> object:
    """Decode in a worker process. It cannot load codecs any more, so text reaches it as UTF-8."""
    charset = charset_of(content_type)
    if codec_for(charset) not in ("", "utf-8"):
        try:
            body, charset = read_text(body, charset).encode(), "utf-8"
        except ValueError as exc:
            raise NotOfFormat(f"the upstream's body is not readable as {decoder.name}") from exc
    elif charset:
        charset = codec_for(charset)
    head = orjson.dumps({"charset": charset, "options": orjson.Fragment(decoder.options)})
    payload = len(head).to_bytes(4) + head + body
    try:
        answer = await workers.run(f"decode-{decoder.name}", payload, seconds=decoder.limits.decode_time)
    except WorkerRefused as exc:
        raise (NotOfFormat if exc.kind == "format" else UpstreamBroken)(exc.message) from exc
    except WorkerTimeout as exc:
        raise UpstreamTimeout(f"the upstream's {decoder.name} took too long to decode") from exc
    except WorkerFailed as exc:
        raise UpstreamBroken(f"the upstream's {decoder.name} could not be decoded") from exc
    if len(answer) > OFF_THE_LOOP:
        return await asyncio.to_thread(decode_json, answer, depth=_DEPTH)
    return decode_json(answer, depth=_DEPTH)
