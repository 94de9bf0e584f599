"""Header blocks that were read before are found again, and nothing else is."""

from __future__ import annotations

import pytest

from naftiko_run.server.heads import Heads

FIELDS = [("host", "localhost"), ("accept", "*/*")]
BLOCK = b"Host: localhost\r\nAccept: */*\r\n\r\n"


def _learned(*more: tuple[str, str]) -> Heads:
    heads = Heads()
    heads.learn(b"GET /a HTTP/1.1\r\n" + BLOCK, [*FIELDS, *more])
    return heads


def test_a_known_block_answers_for_any_target() -> None:
    assert _learned().find(b"GET /b/%20?c=1 HTTP/1.1\r\n" + BLOCK, 8192) == ("/b/%20", "c=1", FIELDS)


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\r\n",
        b"GET /a HTTP/1.0\r\n" + BLOCK,
        b"GET /a  HTTP/1.1\r\n" + BLOCK,
        b"GET /a#b HTTP/1.1\r\n" + BLOCK,
        b"GET http://other/ HTTP/1.1\r\n" + BLOCK,
        b"GET /\xc3\xa9 HTTP/1.1\r\n" + BLOCK,
        b"POST /a HTTP/1.1\r\n" + BLOCK,
        b"GET /a HTTP/1.1\r\n" + BLOCK + BLOCK,
        b"GET /a HTTP/1.1\r\n" + BLOCK[:-2],
        b"GET /a HTTP/1.1\n" + BLOCK,
    ],
)
def test_any_other_request_is_left_to_the_parser(data: bytes) -> None:
    assert _learned().find(data, 8192) is None


def test_a_long_target_is_left_to_the_parser() -> None:
    assert _learned().find(b"GET /" + b"a" * 90 + b" HTTP/1.1\r\n" + BLOCK, 90) is None


@pytest.mark.parametrize("name", ["authorization", "cookie", "content-length", "upgrade", "x-request-id"])
def test_blocks_that_say_more_or_hold_credentials_are_not_kept(name: str) -> None:
    assert _learned((name, "x")).find(b"GET /a HTTP/1.1\r\n" + BLOCK, 8192) is None


def test_what_is_remembered_is_bounded() -> None:
    heads = Heads()
    blocks = [b"Host: localhost\r\nX-Number: %d\r\n\r\n" % number for number in range(200)]
    for block in blocks:
        heads.learn(b"GET /a HTTP/1.1\r\n" + block, FIELDS)
    known = [block for block in blocks if heads.find(b"GET /b HTTP/1.1\r\n" + block, 8192)]
    assert 0 < len(known) <= 64 and blocks[-1] in known
