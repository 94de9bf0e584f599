"""A reply and its decoder: what the upstream says of its body counts, and isolated formats run in a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from naftiko_run.consumes.formats.registry import FormatSettings, compile_decoder
from naftiko_run.consumes.formats.reply import decode_isolated, decode_reply
from naftiko_run.consumes.messages import UpstreamReply
from naftiko_run.errors import UpstreamBroken
from naftiko_run.isolation.pool import WorkerPool


@pytest.fixture
async def workers() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(size=1) as pool:
        yield pool


def reply(body: bytes, content_type: str = "", status: int = 200) -> UpstreamReply:
    return UpstreamReply(status=status, headers=[("content-type", content_type)] if content_type else [], body=body)


@pytest.mark.parametrize("declared", ["", "json"])
@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"a":1}', {"a": 1}),
        ("", b"[1]", [1]),
        ("text/plain", b"[1]", [1]),
        ("application/octet-stream", b'{"a":1}', {"a": 1}),
        ("text/plain; charset=latin-1", b"caf\xe9", "café"),
        ("application/json", b"<html>oops", "<html>oops"),
        ("application/json", b'{"cut": ', '{"cut": '),
        ("application/xml", b"<a><b>1</b></a>", {"b": "1"}),
        ("application/atom+xml; charset=utf-8", b"<a><b>1</b></a>", {"b": "1"}),
        ("application/xml", b"not xml", "not xml"),
        ("text/csv", b"a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("application/yaml", b"a: 1\nb: [x, null]\n", {"a": 1, "b": ["x", None]}),
        ("text/html", b"<p>hi</p>", "<p>hi</p>"),
        ("image/png", b"\x89PNG", "iVBORw=="),
        ("application/problem+json", b'{"title":"no"}', {"title": "no"}),
        ("application/json", b"", None),
    ],
)
async def test_an_answer_declared_json_is_read_as_what_it_is(
    workers: WorkerPool, declared: str, content_type: str, body: bytes, value: object
):
    decoder = compile_decoder(declared, FormatSettings())

    assert await decode_reply(decoder, reply(body, content_type), workers) == value


async def test_any_other_declared_format_is_held_to(workers: WorkerPool):
    decoder = compile_decoder("csv", FormatSettings())

    assert await decode_reply(decoder, reply(b"a\n1\n", "application/json"), workers) == [{"a": "1"}]
    with pytest.raises(UpstreamBroken):
        await decode_reply(compile_decoder("xml", FormatSettings()), reply(b"{}", "application/json"), workers)


async def test_an_error_body_is_read_by_its_own_type(workers: WorkerPool):
    decoder = compile_decoder("xml", FormatSettings())

    assert await decode_reply(decoder, reply(b'{"e":1}', "application/json", 404), workers) == {"e": 1}
    assert await decode_reply(decoder, reply(b"gone", "text/plain", 410), workers) == "gone"


async def test_a_limit_is_a_failure_even_where_text_would_do(workers: WorkerPool):
    with pytest.raises(UpstreamBroken):
        await decode_reply(compile_decoder("json", FormatSettings()), reply(b"[" * 500 + b"]" * 500), workers)


async def test_a_large_body_is_decoded_all_the_same(workers: WorkerPool):
    body = b"[" + b"1," * 800_000 + b"1]"

    value = await decode_reply(compile_decoder("", FormatSettings()), reply(body), workers)

    assert isinstance(value, list)
    assert len(value) == 800_001


async def test_bytes_stay_bytes(workers: WorkerPool):
    assert await decode_reply(compile_decoder("binary", FormatSettings()), reply(b"\x00"), workers) == b"\x00"


async def test_a_worker_decodes_as_this_process_does(workers: WorkerPool):
    decoder = compile_decoder("xml", FormatSettings())
    body = '<r n="2"><i>é</i><i/></r>'.encode("utf-16")

    value = await decode_isolated(decoder, body, "text/xml; charset=utf-16", workers)

    assert value == decoder.decode('<r n="2"><i>é</i><i/></r>'.encode()) == {"n": "2", "i": ["é", ""]}


async def test_a_worker_refuses_in_the_same_words(workers: WorkerPool):
    with pytest.raises(UpstreamBroken) as caught:
        await decode_isolated(compile_decoder("xml", FormatSettings()), b"<!DOCTYPE a><a/>", "", workers)

    assert caught.value.message == "the upstream's XML has a document type declaration, which is refused"
