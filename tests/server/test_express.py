"""Whatever the express way answers, the general way answers the same: one corpus of requests, asked of both."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from expressway import LIMITS, Twice, serving
from upstream import Fault

PATIENT = replace(LIMITS, attempt_time=5.0, rest_deadline=5.0, idle_time=5.0)
CAPABILITY = """
naftiko: "1.0.0-alpha2"
info: {label: Harbour, description: Ships and berths}
binds: [{namespace: odd, keys: {ODD: ODD}}]
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    resources:
    - name: ship
      path: /ships/{id}
      operations:
      - {name: ship, method: GET, inputParameters: [{name: id, in: path}]}
      - {name: scrap, method: DELETE, inputParameters: [{name: id, in: path}]}
      - {name: misnamed, method: GET, outputMediaType: text/прочее, inputParameters: [{name: id, in: path}]}
    - name: odd
      path: /odd/{{ODD}}/{id}
      operations:
      - {name: odd, method: GET, inputParameters: [{name: id, in: path}]}
    - name: fleet
      path: /fleet
      operations:
      - {name: fleet, method: GET, inputParameters: [{name: state, in: query}, {name: size, in: query, type: integer}]}
  exposes:
  - type: rest
    namespace: harbour-rest
    port: 8080
    resources:
    - path: /ships/{id}
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
        outputParameters: [{type: object, mapping: "$."}]
      - method: DELETE
        call: harbour.scrap
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /names/{id}
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
        outputParameters:
        - type: object
          properties: {id: {type: string, mapping: $.id}, asked: {type: string, value: "{{id}}"}}
    - path: /{id}/of/{id}
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /misnamed/{id}
      operations:
      - method: GET
        call: harbour.misnamed
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /odd/{id}
      operations:
      - method: GET
        call: harbour.odd
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
    - path: /copies/{id}
      operations:
      - method: GET
        call: harbour.ship
        with: {id: rest.path.id}
        inputParameters: [{name: id, in: path, type: string, required: true}]
        outputParameters:
        - type: object
          properties:
            id: {type: string, mapping: $.id}
            tons: {type: number, mapping: $.size.tons}
            crew: {type: array, mapping: $.crew, items: {type: object, properties: {badge: {type: number, mapping: $.badge}}}}
            all: {type: object, mapping: $.more}
    - path: /fleet
      operations:
      - method: GET
        call: harbour.fleet
        with: {state: rest.query.state, size: rest.query.size}
        inputParameters:
        - {name: state, in: query, type: string, required: true}
        - {name: size, in: query, type: integer}
"""
WARM = b"GET /ships/warm HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n"


def _get(target: str, *lines: str, method: str = "GET", version: str = "1.1", body: bytes = b"") -> bytes:
    head = [f"{method} {target} HTTP/{version}", "Host: localhost", "Accept: */*", *lines]
    return "\r\n".join([*head, "\r\n"]).encode() + body


REQUESTS: dict[str, bytes] = {
    "plain": _get("/ships/a"),
    "encoded slash": _get("/ships/a%2Fb"),
    "encoded letters": _get("/ships/%C3%A9%20x"),
    "plus and comma": _get("/ships/a+b,c;d=e"),
    "dots": _get("/ships/.."),
    "encoded dots": _get("/ships/%2e%2e"),
    "bad escape": _get("/ships/%zz"),
    "control character": _get("/ships/%0d%0aX-Evil:1"),
    "empty variable": _get("/ships/"),
    "trailing slash": _get("/ships/a/"),
    "unused query": _get("/ships/a?x=1&y"),
    "fragment": _get("/ships/a#b"),
    "quote": _get("/ships/'a'\"b\""),
    "a variable twice": _get("/a/of/b"),
    "a bound value that cannot be sent": _get("/odd/a"),
    "query": _get("/fleet?state=out&size=3"),
    "query twice": _get("/fleet?state=a&state=b"),
    "query encoded": _get("/fleet?state=%20a+b%26c"),
    "query missing": _get("/fleet"),
    "query wrong": _get("/fleet?state=a&size=many"),
    "unknown path": _get("/nowhere"),
    "root": _get("/"),
    "page": _get("/openapi.json"),
    "head": _get("/ships/a", method="HEAD"),
    "head unknown": _get("/nowhere", method="HEAD"),
    "delete": _get("/ships/a", method="DELETE"),
    "wrong method": _get("/ships/a", method="PATCH"),
    "options": _get("/ships/a", method="OPTIONS"),
    "with body": _get("/ships/a", "Content-Length: 2", body=b"{}"),
    "empty body": _get("/ships/a", "Content-Length: 0"),
    "chunked body": _get("/ships/a", "Transfer-Encoding: chunked", body=b"2\r\n{}\r\n0\r\n\r\n"),
    "own id": _get("/ships/a", "X-Request-Id: mine"),
    "close": _get("/ships/a", "Connection: close"),
    "keep-alive": _get("/ships/a", "Connection: keep-alive"),
    "old": _get("/ships/a", version="1.0"),
    "old keep-alive": _get("/ships/a", "Connection: keep-alive", version="1.0"),
    "absolute": _get("http://localhost/ships/a"),
    "expect": _get("/ships/a", "Expect: 100-continue"),
    "expect other": _get("/ships/a", "Expect: wonders"),
    "upgrade": _get("/ships/a", "Connection: Upgrade", "Upgrade: websocket"),
    "origin": _get("/ships/a", "Origin: http://localhost"),
    "foreign origin": _get("/ships/a", "Origin: http://evil.test"),
    "foreign host": b"GET /ships/a HTTP/1.1\r\nHost: evil.test\r\n\r\n",
    "two hosts": _get("/ships/a", "Host: localhost"),
    "no host": b"GET /ships/a HTTP/1.1\r\nAccept: */*\r\n\r\n",
    "space in target": _get("/ships/a b"),
    "two in one": _get("/ships/a") + _get("/ships/b"),
}
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "empty": [{"body": b""}],
    "no content": [{"status": 204}],
    "moved": [{"status": 301, "headers": {"Location": "/x"}}],
    "not modified": [{"status": 304}],
    "created": [{"status": 201, "json": {"id": 1}}],
    "bad request": [{"status": 400, "json": {"why": "no"}}],
    "unauthorized": [{"status": 401, "body": "no"}],
    "not found": [{"status": 404, "body": "<p>", "headers": {"Content-Type": "text/html"}}],
    "too many": [{"status": 429, "headers": {"Retry-After": "30"}}],
    "broken": [{"status": 500, "json": {"id": 1}}],
    "not implemented": [{"status": 501}],
    "better the second time": [{"status": 503}, {"json": {"id": 2}}],
    "never better": [{"status": 503, "headers": {"Retry-After": "0"}}],
    "chunked": [{"json": {"id": 1}, "framing": "chunked"}],
    "until the end": [{"json": {"id": 1}, "framing": "close"}],
    "closing": [{"json": {"id": 1}, "close": True, "headers": {"Connection": "close"}}],
    "no type": [{"body": b"[1]"}],
    "text": [{"body": b"plain"}],
    "other type": [{"body": b"<a/>", "headers": {"Content-Type": "application/xml; charset=utf-8"}}],
    "long": [{"body": b"x" * 300_000, "headers": {"Content-Type": "text/plain"}}],
    "too long": [{"body": b"x" * 1_100_000}],
    "late": [{"json": {"id": 1}, "delay": 0.1}],
    "too late": [{"json": {"id": 1}, "delay": 1.2}],
    "early hints": [{"raw": b"HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"}],
    "in the same read, more": [{"raw": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\n"}],
}
SHAPED: dict[str, list[dict[str, Any]]] = {
    **ANSWERS,
    "object": [{"json": {"id": 1, "more": [1]}}],
    "array": [{"json": [{"id": 1}]}],
    "null": [{"body": b"null", "headers": {"Content-Type": "application/json"}}],
    "no JSON": [{"body": b"{nothing", "headers": {"Content-Type": "application/json"}}],
    "a JSON text": [{"body": b'"text"', "headers": {"Content-Type": "application/json"}}],
    "page": [{"body": b"<html>", "headers": {"Content-Type": "text/html"}}],
    "a long integer": [{"body": b'{"id": 123456789012345678901}', "headers": {"Content-Type": "application/json"}}],
    "too deep": [{"body": b"[" * 300 + b"]" * 300, "headers": {"Content-Type": "application/json"}}],
}
COPIED: dict[str, list[dict[str, Any]]] = {
    **SHAPED,
    **{
        text: [{"body": text, "headers": {"Content-Type": "application/json; charset=utf-8"}}]
        for text in (
            '{"id": "a", "size": {"tons": 123456789012345678901}}',
            '{"id": -9223372036854775809, "size": 3, "crew": {}}',
            '{"id": 18446744073709551615, "size": {"tons": 1.5e300}}',
            '{"id": "1e+20", "size": {"tons": 100000000000000000000000}}',
            '{"crew": [{"badge": 340282366920938463463374607431768211456}, {"badge": 7}, 5, null]}',
            '{"more": {"deep": [[{"n": 340282366920938463463374607431768211456}]]}}',
            '{"more": %s}' % ("1" * 400),
            '{"other": 340282366920938463463374607431768211456, "size": []}',
            '{"id": "\\ud800", "size": {"tons": null}}',
            '\ufeff{"id": 1}',
        )
    },
}
FAULTS = [fault for fault in get_args(Fault) if fault not in ("", "refuse")]  # a kept connection is not refused


async def _differences(folder: Path, cases: dict[str, tuple[bytes, list[dict[str, Any]]]]) -> dict[str, object]:
    return await Twice(folder, CAPABILITY, WARM).differences(cases)


async def test_every_request_is_answered_the_same(tmp_path: Path) -> None:
    answers = [{"json": {"id": "a", "tons": 12}}]
    assert await _differences(tmp_path, {name: (request, answers) for name, request in REQUESTS.items()}) == {}


async def test_every_answer_of_an_upstream_is_passed_on_the_same(tmp_path: Path) -> None:
    assert await _differences(tmp_path, {name: (_get("/ships/a"), answers) for name, answers in ANSWERS.items()}) == {}


async def test_every_answer_of_an_upstream_is_shaped_the_same(tmp_path: Path) -> None:
    assert await _differences(tmp_path, {name: (_get("/names/a"), answers) for name, answers in SHAPED.items()}) == {}


async def test_every_answer_of_an_upstream_is_copied_the_same(tmp_path: Path) -> None:
    assert await _differences(tmp_path, {name: (_get("/copies/a"), answers) for name, answers in COPIED.items()}) == {}


async def test_every_fault_of_an_upstream_is_worded_and_repeated_the_same(tmp_path: Path) -> None:
    assert await _differences(tmp_path, {fault: (_get("/ships/a"), [{"fault": fault}]) for fault in FAULTS}) == {}


async def test_a_media_type_that_cannot_be_sent_is_an_internal_error_each_time(tmp_path: Path) -> None:
    async with serving(tmp_path, CAPABILITY, express=True) as served:
        served.upstream.replies(json={"id": "a"})
        answers = await served.ask(WARM, WARM, *[_get("/misnamed/a")] * 3)
        assert [answer[9:12] for answer in answers] == [b"200", b"200", b"500", b"500", b"500"]


async def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path, CAPABILITY, express=True) as served:
        for name in ("warm", "a", "b", "c"):
            served.upstream.replies(json={"id": name}, path=f"/ships/{name}", delay=0.1 if name == "a" else 0.0)
        answers = await served.ask(WARM, WARM, _get("/ships/a") + _get("/ships/b") + _get("/ships/c"))
        assert re.findall(rb'"id":"(\w+)"', answers[-1]) == [b"a", b"b", b"c"]
        assert served.hits[-2:] == ["/ships/b", "/ships/c"]


@pytest.mark.parametrize("express", [True, False])
async def test_a_caller_that_leaves_takes_no_place_with_it(tmp_path: Path, express: bool) -> None:
    async with serving(tmp_path, CAPABILITY, express=express) as served:
        served.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        served.upstream.replies(json={"id": "a"}, delay=0.1)
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for _ in range(2):
            writer.write(WARM)
            await reader.readuntil(b"}")
        writer.write(_get("/ships/a"))
        await asyncio.sleep(0.05)
        assert not served.is_quiet
        writer.close()
        await served.until_quiet()
        assert [one.target for one in served.upstream.requests].count("/ships/a") == 1


@pytest.mark.parametrize("express", [True, False])
async def test_a_drain_answers_what_does_not_end(tmp_path: Path, express: bool) -> None:
    async with serving(tmp_path, CAPABILITY, express=express, limits=PATIENT) as one:
        one.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        one.upstream.replies(fault="hang")
        asked = asyncio.create_task(one.ask(WARM, WARM, _get("/ships/a")))
        async with asyncio.timeout(2):
            while one.upstream.request.target != "/ships/a" if one.upstream.requests else True:
                await asyncio.sleep(0.01)
        assert ("/ships/a" in one.hits) is express
        await one.server.drain(patience=0.1)
        answers = await asked
        assert answers[-1].startswith(b"HTTP/1.1 503") and answers[-1].endswith(b"|closed")
        await one.until_quiet()


@pytest.mark.parametrize("express", [True, False])
async def test_one_too_many_is_turned_away(tmp_path: Path, express: bool) -> None:
    async with serving(
        tmp_path, CAPABILITY, express=express, limits=replace(PATIENT, in_flight=1, admission_wait=0.05)
    ) as served:
        served.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        served.upstream.replies(json={"id": "a"}, delay=0.2)
        first = asyncio.create_task(served.ask(WARM, WARM, _get("/ships/a")))
        async with asyncio.timeout(2):
            while not any(one.target == "/ships/a" for one in served.upstream.requests):
                await asyncio.sleep(0.01)
        second = (await served.ask(_get("/ships/b")))[0]
        assert second.startswith(b"HTTP/1.1 503") and (await first)[-1].startswith(b"HTTP/1.1 200")
        assert ("/ships/a" in served.hits) is express


async def test_a_retiring_plan_waits_for_express_calls(tmp_path: Path) -> None:
    async with serving(tmp_path, CAPABILITY, express=True) as served:
        served.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        served.upstream.replies(json={"id": "a"}, delay=0.1)
        asked = asyncio.create_task(served.ask(WARM, WARM, _get("/ships/a")))
        async with asyncio.timeout(2):
            while "/ships/a" not in served.hits:
                await asyncio.sleep(0.005)
        busy = served.server.tasks()
        assert len(busy) == 1
        await asyncio.wait(busy, timeout=1)  # type: ignore[type-var]  # tasks in all but their class
        assert served.is_quiet and (await asked)[-1].startswith(b"HTTP/1.1 200")
