"""Requests on a connection: what is parsed, in which order it is answered, what is refused."""

from __future__ import annotations

import asyncio

import pytest

from naftiko_run.exposes.messages import HttpAnswer, HttpRequest

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


def request(line: str = "GET / HTTP/1.1", *fields: str, host: str = "localhost", body: bytes = b"") -> bytes:
    return "\r\n".join([line, f"Host: {host}", *fields, "\r\n"]).encode("latin-1") + body


async def test_a_handler_sees_the_raw_path_query_and_lower_case_names(serving):
    server = await serving()

    answer = await server.ask(request("GET /a%20b/c?x=%31&y HTTP/1.1", "X-Thing: Some Value"))

    assert answer.status == 200
    assert answer.json["path"] == "/a%20b/c"
    assert answer.json["query"] == "x=%31&y"
    assert ["x-thing", "Some Value"] in answer.json["headers"]
    assert answer.json["peer"] == "127.0.0.1"


async def test_a_connection_is_kept_for_the_next_request(serving):
    caller = await (await serving()).connect()

    first, second = await caller.ask(GET), await caller.ask(GET)

    assert (first.status, second.status) == (200, 200)
    assert first.json["id"] != second.json["id"]


async def test_an_answer_names_date_and_request_id(serving):
    answer = await (await serving()).ask(GET)

    assert answer.headers["date"].endswith("GMT")
    assert answer.headers["x-request-id"] == answer.json["id"]


async def test_a_safe_request_id_is_kept(serving):
    answer = await (await serving()).ask(request("GET / HTTP/1.1", "X-Request-Id: abc.DEF-1_2"))

    assert answer.headers["x-request-id"] == "abc.DEF-1_2"


@pytest.mark.parametrize("supplied", ["a b", "<x>", "x" * 65, "é"], ids=["space", "markup", "long", "not ascii"])
async def test_an_unsafe_request_id_is_replaced(serving, supplied):
    answer = await (await serving()).ask(request("GET / HTTP/1.1", f"X-Request-Id: {supplied}"))

    assert answer.headers["x-request-id"] not in ("", supplied)


async def test_pipelined_requests_are_answered_in_order(serving):
    async def slow_first(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.05 if request.path == "/0" else 0)
        return HttpAnswer(status=200, body=request.path.encode())

    caller = await (await serving(slow_first)).connect()
    caller.send(b"".join(request(f"GET /{n} HTTP/1.1") for n in range(5)))

    assert [(await caller.answer()).body for _ in range(5)] == [b"/0", b"/1", b"/2", b"/3", b"/4"]


async def test_a_long_pipeline_is_read_in_parts_and_answered_whole(serving):
    async def yielding(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0)
        return HttpAnswer(status=200, body=request.path.encode())

    running = await serving(yielding)
    caller = await running.connect()
    caller.send(b"".join(request(f"GET /{n} HTTP/1.1") for n in range(3000)))

    deepest = 0
    for number in range(3000):
        assert (await caller.answer()).body == f"/{number}".encode()
        for connection in running.server.sites()[0].connections:
            deepest = max(deepest, len(connection.queue))
    assert deepest < 600  # what one slice of 16 KiB can hold, and not what was sent


async def test_an_error_behind_a_pipelined_request_waits_for_its_turn(serving):
    async def slow(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.05)
        return HttpAnswer(status=200, body=b"first")

    caller = await (await serving(slow)).connect()
    caller.send(GET + b"garbage\r\n\r\n")

    assert (await caller.answer()).body == b"first"
    assert (await caller.answer()).status == 400
    assert await caller.rest() == b""


async def test_a_body_of_known_length_arrives_whole(serving):
    body = bytes(range(256)) * 1000
    caller = await (await serving()).connect()
    caller.send(request("POST / HTTP/1.1", f"Content-Length: {len(body)}"))
    for start in range(0, len(body), 50_000):
        caller.send(body[start : start + 50_000])
        await asyncio.sleep(0)

    assert (await caller.answer()).json["body"] == body.decode("latin-1")


async def test_a_chunked_body_is_put_together_and_its_trailers_are_dropped(serving):
    chunks = b"3\r\nabc\r\n4;note=x\r\ndefg\r\n0\r\nX-Late: 1\r\n\r\n"
    caller = await (await serving()).connect()

    answer = await caller.ask(request("POST / HTTP/1.1", "Transfer-Encoding: chunked", body=chunks))

    assert answer.json["body"] == "abcdefg"
    assert "x-late" not in [name for name, _ in answer.json["headers"]]
    assert (await caller.ask(GET)).status == 200


async def test_an_expected_continue_is_sent_before_the_body(serving):
    caller = await (await serving()).connect()
    caller.send(request("POST / HTTP/1.1", "Content-Length: 2", "Expect: 100-continue"))

    assert (await caller.head()).status == 100
    caller.send(b"ok")
    assert (await caller.answer()).json["body"] == "ok"


async def test_a_continue_never_lands_inside_an_earlier_answer(serving):
    async def slow(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.05)
        return HttpAnswer(status=200, body=b"done")

    caller = await (await serving(slow)).connect()
    caller.send(GET + request("POST / HTTP/1.1", "Content-Length: 2", "Expect: 100-continue"))

    assert (await caller.answer()).body == b"done"
    assert (await caller.head()).status == 100
    caller.send(b"ok")
    assert (await caller.answer()).body == b"done"


async def test_a_request_may_arrive_byte_by_byte(serving):
    caller = await (await serving()).connect()
    for byte in request("POST /a?b HTTP/1.1", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"):
        caller.send(bytes([byte]))
        await asyncio.sleep(0)

    answer = await caller.answer()
    assert (answer.json["path"], answer.json["query"], answer.json["body"]) == ("/a", "b", "abc")


async def test_an_unknown_expectation_is_refused(serving):
    answer = await (await serving()).ask(request("POST / HTTP/1.1", "Content-Length: 2", "Expect: miracles"))

    assert answer.status == 417


async def test_head_keeps_the_length_and_sends_no_body(serving):
    caller = await (await serving()).connect()
    caller.send(request("HEAD / HTTP/1.1"))

    answer = await caller.answer(has_body=False)

    assert int(answer.headers["content-length"]) > 0
    assert (await caller.ask(GET)).status == 200  # nothing of a body lies in between


async def test_http_1_0_is_answered_and_closed(serving):
    caller = await (await serving()).connect()
    caller.send(b"GET / HTTP/1.0\r\n\r\n")

    answer = await caller.answer()

    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert await caller.rest() == b""


async def test_http_1_0_with_keep_alive_is_kept(serving):
    caller = await (await serving()).connect()

    answer = await caller.ask(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert answer.headers["connection"] == "keep-alive"
    assert (await caller.ask(GET)).status == 200


async def test_connection_close_is_honoured(serving):
    caller = await (await serving()).connect()

    answer = await caller.ask(request("GET / HTTP/1.1", "Connection: close"))

    assert answer.headers["connection"] == "close"
    assert await caller.rest() == b""


async def test_data_after_a_last_request_is_not_taken_for_another(serving):
    caller = await (await serving()).connect()
    caller.send(request("GET /a HTTP/1.1", "Connection: close") + request("GET /b HTTP/1.1"))

    assert (await caller.answer()).json["path"] == "/a"
    assert b"HTTP/1.1" not in await caller.rest()


async def test_a_wish_to_upgrade_is_ignored_and_the_body_still_read(serving):
    fields = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk", "Content-Length: 5")
    caller = await (await serving()).connect()

    answer = await caller.ask(request("POST /x HTTP/1.1", *fields, body=b"hello"))

    assert (answer.status, answer.json["body"]) == (200, "hello")
    assert (await caller.ask(GET)).status == 200


async def test_a_body_behind_a_wish_to_upgrade_is_not_taken_for_a_request(serving):
    fields = ("Connection: Upgrade", "Upgrade: websocket", f"Content-Length: {len(GET)}")
    caller = await (await serving()).connect()
    caller.send(request("POST /x HTTP/1.1", *fields))
    await asyncio.sleep(0.02)
    caller.send(GET)

    assert (await caller.answer()).json["body"].startswith("GET /")
    assert (await caller.ask(request("GET /y HTTP/1.1"))).json["path"] == "/y"


async def test_an_absolute_target_overrules_the_host_field(serving):
    running = await serving()

    fine = await running.ask(request("GET http://127.0.0.1:8080/a?b HTTP/1.1", host="elsewhere.test"))
    foreign = await running.ask(request("GET http://elsewhere.test/a HTTP/1.1"))

    assert (fine.json["path"], fine.json["query"]) == ("/a", "b")
    assert ["host", "127.0.0.1:8080"] in fine.json["headers"]
    assert foreign.status == 421


CHUNKED = "Transfer-Encoding: chunked"
MALFORMED = {
    "length and transfer coding": request("POST / HTTP/1.1", "Content-Length: 5", CHUNKED, body=b"0\r\n\r\n"),
    "transfer coding and length": request("POST / HTTP/1.1", CHUNKED, "Content-Length: 5", body=b"0\r\n\r\n"),
    "two lengths": request("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 6", body=b"hello"),
    "two equal lengths": request("POST / HTTP/1.1", "Content-Length: 5", "Content-Length: 5", body=b"hello"),
    "a list of lengths": request("POST / HTTP/1.1", "Content-Length: 5, 5", body=b"hello"),
    "a signed length": request("POST / HTTP/1.1", "Content-Length: +5", body=b"hello"),
    "a negative length": request("POST / HTTP/1.1", "Content-Length: -5", body=b"hello"),
    "an empty length": request("POST / HTTP/1.1", "Content-Length: "),
    "a hexadecimal length": request("POST / HTTP/1.1", "Content-Length: 0x5", body=b"hello"),
    "a length past 64 bits": request("POST / HTTP/1.1", "Content-Length: 99999999999999999999999"),
    "an unknown transfer coding": request("POST / HTTP/1.1", "Transfer-Encoding: xchunked", body=b"0\r\n\r\n"),
    "identity": request("POST / HTTP/1.1", "Transfer-Encoding: identity", body=b"0\r\n\r\n"),
    "gzip then chunked": request("POST / HTTP/1.1", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "chunked twice": request("POST / HTTP/1.1", CHUNKED, CHUNKED, body=b"0\r\n\r\n"),
    "chunked in HTTP/1.0": request("POST / HTTP/1.0", CHUNKED, body=b"0\r\n\r\n"),
    "a folded field": request("GET / HTTP/1.1", "X-A: 1\r\n 2"),
    "bare line feeds": GET.replace(b"\r\n", b"\n"),
    "one bare line feed": b"GET / HTTP/1.1\r\nHost: localhost\nX: 1\r\n\r\n",
    "a bare carriage return": b"GET / HTTP/1.1\r\nHost: localhost\rX: 1\r\n\r\n",
    "a null in a value": request("GET / HTTP/1.1", "X-A: a\0b"),
    "space before the colon": request("GET / HTTP/1.1", "X-A : 1"),
    "an empty name": request("GET / HTTP/1.1", ": 1"),
    "a broken chunk size": request("POST / HTTP/1.1", CHUNKED, body=b"zz\r\n"),
    "a huge chunk size": request("POST / HTTP/1.1", CHUNKED, body=b"fffffffffffffffff\r\n"),
    "chunks ended by line feeds": request("POST / HTTP/1.1", CHUNKED, body=b"1\nx\n0\n\n"),
    "an unknown method": request("BREW / HTTP/1.1"),
    "a lower-case method": request("get / HTTP/1.1"),
    "a space in the target": request("GET /a b HTTP/1.1"),
    "a control character in the target": request("GET /a\x01 HTTP/1.1"),
    "bytes in the target": request("GET /é HTTP/1.1"),
    "a fragment": request("GET /a#b HTTP/1.1"),
    "a target without slash": request("GET * HTTP/1.1"),
    "user info in the target": request("GET http://a@localhost/ HTTP/1.1"),
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": request("GET / HTTP/1.1", "Host: localhost"),
    "TLS on a plain port": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "an SSH greeting": b"SSH-2.0-client\r\n",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_request_that_could_be_read_in_two_ways_is_refused_and_ends_the_connection(serving, data):
    reached = []

    async def handler(request: HttpRequest) -> HttpAnswer:
        reached.append(request.path)
        return HttpAnswer(status=200)

    caller = await (await serving(handler)).connect()
    caller.send(data + request("GET /smuggled HTTP/1.1"))

    answer = await caller.answer()

    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["connection"] == "close"
    assert answer.json.keys() == {"type", "title", "status", "detail", "requestId"}
    assert await caller.rest() == b""
    assert reached == []


async def test_a_tunnel_is_refused(serving):
    assert (await (await serving()).ask(b"CONNECT a:443 HTTP/1.1\r\nHost: localhost\r\n\r\n")).status == 501


@pytest.mark.parametrize("version", ["2.0", "0.9"])
async def test_another_version_is_refused(serving, version):
    assert (await (await serving()).ask(request(f"GET / HTTP/{version}"))).status == 505


LIMITS = {"request_line": 200, "header_bytes": 400, "header_fields": 5, "request_body": 1000}
OVERSIZED = {
    "request line": (414, request(f"GET /{'a' * 200} HTTP/1.1")),
    "request line without an end": (414, b"GET /" + b"a" * 5000),
    "one long field": (431, request("GET / HTTP/1.1", f"X-A: {'a' * 400}")),
    "one field without an end": (431, b"GET / HTTP/1.1\r\nX-A: " + b"a" * 100_000),
    "a name without an end": (431, b"GET / HTTP/1.1\r\n" + b"a" * 100_000),
    "many fields": (431, request("GET / HTTP/1.1", *(f"X-{n}: 1" for n in range(5)))),
    "announced body": (413, request("POST / HTTP/1.1", "Content-Length: 1001")),
    "announced body with expectation": (413, request("POST / HTTP/1.1", "Content-Length: 1001", "Expect: 100-continue")),
    "chunked body": (
        413,
        request("POST / HTTP/1.1", CHUNKED, body=b"1f4\r\n" + b"a" * 500 + b"\r\n1f5\r\n" + b"a" * 501),
    ),
    "trailers": (431, request("POST / HTTP/1.1", CHUNKED, body=b"0\r\nX-A: " + b"a" * 500 + b"\r\n\r\n")),
    "chunk extension": (431, request("POST / HTTP/1.1", CHUNKED, body=b"1;" + b"a" * 300_000)),
    "trailer without an end": (431, request("POST / HTTP/1.1", CHUNKED, body=b"0\r\nX-A: " + b"a" * 300_000)),
}


@pytest.mark.parametrize(("status", "data"), OVERSIZED.values(), ids=OVERSIZED.keys())
async def test_what_is_over_a_limit_is_refused_while_it_is_read(serving, status, data):
    caller = await (await serving(limits=LIMITS)).connect()
    caller.send(data)

    answer = await caller.answer()

    assert (answer.status, answer.json["status"]) == (status, status)
    assert await caller.rest() == b""


async def test_what_is_exactly_at_the_limits_is_served(serving):
    running = await serving(limits=LIMITS)
    line = f"POST /{'a' * (200 - 15)} HTTP/1.1"

    answer = await running.ask(request(line, "Content-Length: 1000", body=b"x" * 1000))

    assert (len(line), answer.status) == (200, 200)


async def test_many_small_chunks_are_not_taken_for_excess(serving):
    caller = await (await serving()).connect()
    body = b"1\r\nx\r\n" * 60_000 + b"0\r\n\r\n"

    answer = await caller.ask(request("POST / HTTP/1.1", CHUNKED, body=body))

    assert len(answer.json["body"]) == 60_000


async def test_a_refusal_reaches_a_caller_that_is_still_sending(serving):
    caller = await (await serving(limits={"request_body": 1000})).connect()
    caller.send(request("POST / HTTP/1.1", "Content-Length: 3000000", body=b"x" * 3_000_000))

    assert (await caller.answer()).status == 413


async def test_one_connection_too_many_is_turned_away(serving):
    running = await serving(limits={"connections": 2})
    first, second = await running.connect(), await running.connect()
    await first.ask(GET)
    await second.ask(GET)

    third = await running.connect()

    assert (await third.answer()).status == 503
    assert (await first.ask(GET)).status == 200


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        (("Host: evil.test",), 421),
        (("Host: localhost:80x",), 421),
        (("Host: localhost", "Origin: https://evil.test"), 403),
        (("Host: localhost", "Origin: null"), 403),
        (("Host: localhost:8080", "Origin: http://localhost:3000"), 200),
    ],
    ids=["foreign host", "odd port", "foreign origin", "null origin", "loopback origin"],
)
async def test_hosts_and_origins_are_judged_before_the_handler(serving, fields, status):
    data = "\r\n".join(["POST / HTTP/1.1", *fields, "Content-Length: 0", "\r\n"]).encode()

    assert (await (await serving()).ask(data)).status == status
