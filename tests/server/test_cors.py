"""Cross-origin calls: nothing unless configured, then preflights and fields."""

from __future__ import annotations

ORIGIN = "https://app.example.com"


def request(method: str, *fields: str) -> bytes:
    return "\r\n".join([f"{method} / HTTP/1.1", "Host: localhost", *fields, "\r\n"]).encode()


async def test_without_configuration_there_are_no_cors_fields(serving):
    answer = await (await serving()).ask(request("GET", "Origin: http://localhost:3000"))

    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_a_configured_origin_is_named_in_the_answer(serving):
    answer = await (await serving(cors=(ORIGIN,))).ask(request("GET", f"Origin: {ORIGIN}"))

    assert (answer.status, answer.headers["access-control-allow-origin"], answer.headers["vary"]) == (200, ORIGIN, "origin")
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_is_answered_without_the_handler(serving):
    fields = (f"Origin: {ORIGIN}", "Access-Control-Request-Method: DELETE", "Access-Control-Request-Headers: x-key, accept")
    answer = await (await serving(cors=(ORIGIN,))).ask(request("OPTIONS", *fields))

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "DELETE"
    assert answer.headers["access-control-allow-headers"] == "x-key, accept"


async def test_another_origin_is_still_refused(serving):
    answer = await (await serving(cors=(ORIGIN,))).ask(request("GET", "Origin: https://evil.test"))

    assert (answer.status, "access-control-allow-origin" in answer.headers) == (403, False)


async def test_a_plain_options_request_reaches_the_handler(serving):
    answer = await (await serving(cors=(ORIGIN,))).ask(request("OPTIONS", f"Origin: {ORIGIN}"))

    assert answer.json["method"] == "OPTIONS"


async def test_every_origin_can_be_allowed(serving):
    answer = await (await serving(cors=("*",))).ask(request("GET", "Origin: https://any.test"))

    assert answer.headers["access-control-allow-origin"] == "https://any.test"
