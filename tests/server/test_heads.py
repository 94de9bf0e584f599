"""Header blocks that were read before are found again, and nothing else is."""

from __future__ import annotations

import pytest

from naftiko_run.server.heads import Heads

FIELDS = [("host", "localhost"), ("accept", "*/*")]
BLOCK = b"Host: localhost\r\nAccept: */*\r\n\r\n"


def _learned(*more: tuple[str, str]) -> Heads:
    heads = Heads()
    heads.learn(b"GET /a HTTP/1.1\r\n" + BLOCK, [*FIELDS, *more], 0)
    return heads


def test_a_known_block_answers_for_any_target() -> None:
    found = _learned().find(b"GET /b/%20?c=1 HTTP/1.1\r\n" + BLOCK, 8192)
    assert found is not None and (*found[:3], found[3].fields, found[4]) == ("GET", "/b/%20", "c=1", FIELDS, b"")


POSTED = b"Host: localhost\r\nContent-Length: 4\r\n\r\n"


def _posted() -> Heads:
    heads = Heads()
    heads.learn(b"POST /a HTTP/1.1\r\n" + POSTED + b"{\r\n}", FIELDS, 4)
    return heads


def test_a_known_block_answers_for_any_body_of_its_length() -> None:
    found = _posted().find(b"POST /b HTTP/1.1\r\n" + POSTED + b"1234", 8192)
    assert found is not None and (*found[:3], found[3].fields, found[4]) == ("POST", "/b", "", FIELDS, b"1234")


@pytest.mark.parametrize("rest", [POSTED + b"123", POSTED + b"12345", POSTED, POSTED.replace(b"4", b"5") + b"12345"])
def test_a_body_of_another_length_is_left_to_the_parser(rest: bytes) -> None:
    assert _posted().find(b"POST /b HTTP/1.1\r\n" + rest, 8192) is None


def test_a_body_that_looks_like_a_head_does_not_become_part_of_the_block() -> None:
    heads = Heads()
    heads.learn(b"POST /a HTTP/1.1\r\nHost: localhost\r\n\r\nX: y\r\n\r\n", FIELDS, 0)  # two messages in one read
    assert heads.find(b"POST /a HTTP/1.1\r\nHost: localhost\r\n\r\n", 8192) is None


def test_what_was_found_out_about_a_block_stays_with_it() -> None:
    heads = _posted()
    first, second = (heads.find(b"POST /a HTTP/1.1\r\n" + POSTED + body, 8192) for body in (b"1234", b"abcd"))
    assert first is not None and second is not None and first[3].noted is second[3].noted


def test_a_block_that_announces_a_body_for_a_get_is_not_kept() -> None:
    heads = Heads()
    heads.learn(b"GET /a HTTP/1.1\r\n" + POSTED + b"1234", FIELDS, 4)
    assert heads.find(b"GET /a HTTP/1.1\r\n" + POSTED + b"1234", 8192) is None


@pytest.mark.parametrize(
    "data",
    [
        b"GET /a HTTP/1.1\r\nHost: other\r\nAccept: */*\r\n\r\n",
        b"GET /a HTTP/1.0\r\n" + BLOCK,
        b"GET /a  HTTP/1.1\r\n" + BLOCK,
        b"GET /a#b HTTP/1.1\r\n" + BLOCK,
        b"GET http://other/ HTTP/1.1\r\n" + BLOCK,
        b"GET /\xc3\xa9 HTTP/1.1\r\n" + BLOCK,
        b"PUT /a HTTP/1.1\r\n" + BLOCK,
        b"POSTS /a HTTP/1.1\r\n" + BLOCK,
        b"GET /a HTTP/1.1\r\n" + BLOCK + BLOCK,
        b"GET /a HTTP/1.1\r\n" + BLOCK[:-2],
        b"GET /a HTTP/1.1\n" + BLOCK,
    ],
)
def test_any_other_request_is_left_to_the_parser(data: bytes) -> None:
    assert _learned().find(data, 8192) is None


def test_a_long_target_is_left_to_the_parser() -> None:
    assert _learned().find(b"GET /" + b"a" * 90 + b" HTTP/1.1\r\n" + BLOCK, 90) is None


@pytest.mark.parametrize(
    "name", ["authorization", "cookie", "x-api-key", "x-access-token", "transfer-encoding", "upgrade", "x-request-id"]
)
def test_blocks_that_say_more_or_hold_credentials_are_not_kept(name: str) -> None:
    assert _learned((name, "x")).find(b"GET /a HTTP/1.1\r\n" + BLOCK, 8192) is None


def test_what_becomes_of_the_first_request_does_not_change_the_next() -> None:
    heads, fields = Heads(), FIELDS.copy()
    heads.learn(b"GET /a HTTP/1.1\r\n" + BLOCK, fields, 0)
    fields.append(("x-added", "by whoever answered it"))
    found = heads.find(b"GET /a HTTP/1.1\r\n" + BLOCK, 8192)
    assert found is not None and found[3].fields == FIELDS


def test_what_is_remembered_is_bounded() -> None:
    heads = Heads()
    blocks = [b"Host: localhost\r\nX-Number: %d\r\n\r\n" % number for number in range(200)]
    for block in blocks:
        heads.learn(b"GET /a HTTP/1.1\r\n" + block, FIELDS, 0)
    known = [block for block in blocks if heads.find(b"GET /b HTTP/1.1\r\n" + block, 8192)]
    assert 0 < len(known) <= 64 and blocks[-1] in known
