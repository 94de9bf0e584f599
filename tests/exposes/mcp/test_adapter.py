"""The adapter over HTTP: what a client of each era sends, and what it gets back."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

MODERN = "2026-07-28"
SERVER = "io.modelcontextprotocol/serverInfo"
INFO = {"name": "training", "version": "1.2.0", "title": "Training"}


# ---- who we are


async def test_a_legacy_client_is_greeted_with_the_revision_it_asked_for(legacy):
    params = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}

    result = await legacy.result("initialize", params)

    assert result == {
        "protocolVersion": "2025-06-18",
        "capabilities": {
            "tools": {"listChanged": False},
            "resources": {"subscribe": False, "listChanged": False},
            "prompts": {"listChanged": False},
            "completions": {},
        },
        "serverInfo": INFO,
        "instructions": "Training jobs and what they cost.",
    }


@pytest.mark.parametrize("asked", ["2026-07-28", "1.0", ""])
async def test_a_legacy_client_that_asks_for_another_revision_is_offered_the_newest_legacy_one(legacy, asked):
    params = {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}

    assert (await legacy.result("initialize", params))["protocolVersion"] == "2025-11-25"


async def test_a_modern_client_discovers_the_server(modern):
    result = await modern.result("server/discover")

    assert result["supportedVersions"] == [MODERN]
    assert result["resultType"] == "complete"
    assert (result["ttlMs"], result["cacheScope"]) == (5000, "public")
    assert result["_meta"] == {SERVER: INFO}
    assert set(result["capabilities"]) == {"tools", "resources", "prompts", "completions"}


async def test_only_what_is_declared_is_offered(serve, caller, exposure):
    bare = caller(serve(replace(exposure, resources=(), prompts=(), description="")), modern=True)

    result = await bare.result("server/discover")

    assert result["capabilities"] == {"tools": {"listChanged": False}}
    assert "instructions" not in result
    assert (await bare.error("prompts/list"))["code"] == -32601


async def test_ping_is_answered_in_the_legacy_era(legacy):
    assert await legacy.result("ping") == {}


@pytest.mark.parametrize("method", ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tools/list/x", ""])
async def test_a_method_that_the_modern_revision_has_not_is_not_found(modern, request_body, method):
    answer = await modern.send(request_body(method, {}, modern=True))

    assert answer.status == (404 if method else 400)  # an empty method cannot stand in a header


async def test_a_method_that_is_unknown_is_a_plain_answer_in_the_legacy_era(legacy, request_body):
    answer = await legacy.send(request_body("server/discover", None, modern=False))

    assert answer.status == 200
    assert json.loads(answer.body)["error"]["code"] == -32601


# ---- transport


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD", "OPTIONS"])
async def test_only_post_is_allowed(mcp, posted, method):
    request = posted({}, modern=mcp.modern)
    request.method = method

    answer = await mcp.adapter.handle(request)

    assert (answer.status, answer.headers) == (405, [("allow", "POST")])


@pytest.mark.parametrize("path", ["/mcp", "/", "/mcp/", "/mcp/training"])
async def test_the_endpoint_is_found_at(mcp, path):
    answer = await mcp("tools/list", path=path)

    assert answer["result"]["tools"]


async def test_any_other_path_is_not_found(mcp, request_body):
    answer = await mcp.send(request_body("tools/list", None, modern=mcp.modern), path="/mcp/other")

    assert answer.status == 404


async def test_a_notification_is_accepted_without_a_body(mcp):
    answer = await mcp.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    assert (answer.status, answer.body) == (202, b"")


async def test_a_response_is_accepted_in_the_legacy_era_and_refused_in_the_modern_one(legacy, modern):
    response = {"jsonrpc": "2.0", "id": 1, "result": {}}

    assert (await legacy.send(response)).status == 202
    assert (await modern.send(response)).status == 400


@pytest.mark.parametrize(
    ("accept", "modern_status", "legacy_status"),
    [
        ("application/json, text/event-stream", 200, 200),
        ("*/*", 200, 200),
        ("application/*;q=0.9, text/*", 200, 200),
        ("application/json", 406, 200),
        ("text/event-stream", 406, 406),
        ("", 406, 200),
    ],
)
async def test_what_a_client_accepts_is_respected(modern, legacy, request_body, accept, modern_status, legacy_status):
    newer = await modern.send(request_body("tools/list", None, modern=True), {"accept": accept})
    older = await legacy.send(request_body("tools/list", None, modern=False), {"accept": accept})

    assert (newer.status, older.status) == (modern_status, legacy_status)


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_a_body_that_is_not_declared_as_json_is_refused(mcp, request_body, kind):
    answer = await mcp.send(request_body("tools/list", None, modern=mcp.modern), {"content-type": kind})

    assert answer.status == 415


async def test_session_headers_are_ignored(mcp, request_body):
    headers = {"mcp-session-id": "abc", "last-event-id": "7"}

    answer = await mcp.send(request_body("tools/list", None, modern=mcp.modern), headers)

    assert answer.status == 200
    assert answer.headers == [("content-type", "application/json")]


@pytest.mark.parametrize("number", [0, -7, "", "a\u00e9\n", 123456789012345678901234567890, "1"], ids=repr)
async def test_an_id_comes_back_as_it_was_sent(mcp, request_body, number):
    answer = await mcp.send(request_body("tools/list", None, modern=mcp.modern, number=number))

    assert json.loads(answer.body)["id"] == number


# ---- the headers of the modern revision

CALL = {"name": "list-jobs", "arguments": {}}


@pytest.mark.parametrize(
    ("method", "params", "headers", "code"),
    [
        pytest.param("tools/call", CALL, {}, None, id="all agree"),
        pytest.param("tools/call", CALL, {"mcp-name": "=?base64?bGlzdC1qb2Jz?="}, None, id="name in base64"),
        pytest.param("tools/call", CALL, {"mcp-name": " list-jobs\t"}, None, id="name with blanks around"),
        pytest.param("tools/call", CALL, {"mcp-protocol-version": f" {MODERN} "}, None, id="version with blanks around"),
        pytest.param("tools/call", CALL, {"mcp-name": ""}, -32020, id="no name"),
        pytest.param("tools/call", CALL, {"mcp-name": "get-job"}, -32020, id="another name"),
        pytest.param("tools/call", CALL, {"mcp-name": "LIST-JOBS"}, -32020, id="name in capitals"),
        pytest.param("tools/call", CALL, {"mcp-name": "=?base64?bGlzdC1qb2J?="}, -32020, id="broken base64"),
        pytest.param("tools/call", CALL, {"mcp-name": "=?base64?bGlzdC1qb2Jz\n?="}, -32020, id="base64 with a line end"),
        pytest.param("tools/call", CALL, {"mcp-name": "=?BASE64?bGlzdC1qb2Jz?="}, -32020, id="marker in capitals"),
        pytest.param("tools/call", CALL, {"mcp-method": ""}, -32020, id="no method"),
        pytest.param("tools/call", CALL, {"mcp-method": "tools/list"}, -32020, id="another method"),
        pytest.param("tools/list", {}, {"mcp-method": "Tools/List"}, -32020, id="method in capitals"),
        pytest.param("tools/list", {}, {"mcp-name": "anything"}, None, id="a name where none is needed"),
        pytest.param("tools/list", {}, {"mcp-protocol-version": "2099-01-01"}, -32020, id="version only in the header"),
        pytest.param("resources/read", {"uri": "training://rates"}, {"mcp-name": "training://other"}, -32020, id="another URI"),
        pytest.param("prompts/get", {"name": "summary"}, {"mcp-name": ""}, -32020, id="prompt without name"),
    ],
)
async def test_headers_must_repeat_the_body(modern, request_body, method, params, headers, code):
    answer = await modern.send(request_body(method, params, modern=True), headers)

    body = json.loads(answer.body)
    assert (answer.status, body.get("error", {}).get("code")) == ((200, None) if code is None else (400, code))


@pytest.mark.parametrize("name", ["mcp-protocol-version", "mcp-method", "mcp-name"])
async def test_a_doubled_routing_header_is_refused_even_when_both_agree(modern, posted, request_body, name):
    request = posted(request_body("tools/call", CALL, modern=True), modern=True)
    request.headers.append((name, request.header(name)))

    answer = await modern.adapter.handle(request)

    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, -32020)


async def test_an_unknown_version_is_refused_with_those_we_speak(modern, request_body):
    meta = {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}
    body = request_body("tools/list", {"_meta": meta}, modern=True)

    answer = await modern.send(body, {"mcp-protocol-version": "2099-01-01"})

    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"]) == (400, -32022)
    assert error["data"] == {"supported": [MODERN], "requested": "2099-01-01"}


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_legacy_revision_is_served(legacy, request_body, version):
    answer = await legacy.send(request_body("tools/list", None, modern=False), {"mcp-protocol-version": version})

    assert answer.status == 200
    assert "resultType" not in json.loads(answer.body)["result"]


# ---- cancellation


async def test_a_modern_client_that_leaves_cancels_its_call(modern, posted, request_body, upstream, gate):
    request = posted(request_body("tools/call", CALL, modern=True), modern=True)
    task = asyncio.create_task(modern.adapter.handle(request))
    while not upstream.calls:
        await asyncio.sleep(0)

    request.on_disconnect()

    assert (await task).status == 499
    assert task.cancelling() == 0


async def test_a_legacy_client_that_leaves_does_not_cancel_its_call(legacy, posted, request_body, upstream, gate):
    request = posted(request_body("tools/call", CALL, modern=False), modern=False)
    task = asyncio.create_task(legacy.adapter.handle(request))
    while not upstream.calls:
        await asyncio.sleep(0)

    assert request.on_disconnect is None
    gate.set()
    assert (await task).status == 200


async def test_a_shutdown_is_not_mistaken_for_a_client_that_left(modern, posted, request_body, upstream, gate):
    request = posted(request_body("tools/call", CALL, modern=True), modern=True)
    task = asyncio.create_task(modern.adapter.handle(request))
    while not upstream.calls:
        await asyncio.sleep(0)

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


# ---- several exposures on one port


async def test_exposures_of_a_port_are_served_as_one_and_each_alone(serve, caller, exposure):
    other = replace(exposure, namespace="billing", tools=exposure.tools[:2], resources=(), prompts=(), cache_scope="private")
    mcp = caller(serve(exposure, other), modern=True)

    merged = (await mcp("tools/list"))["result"]
    alone = (await mcp("tools/list", path="/mcp/billing"))["result"]

    names = [tool["name"] for tool in merged["tools"]]
    assert names[:3] == ["training_list-jobs", "training_get-job", "stop-all"]
    assert names[-2:] == ["billing_list-jobs", "billing_get-job"]
    assert merged["cacheScope"] == "private"
    assert [tool["name"] for tool in alone["tools"]] == ["list-jobs", "get-job"]
    assert alone["_meta"][SERVER]["name"] == "billing"


async def test_trace_context_is_handed_on_and_the_message_wins_over_the_headers(serve, caller, exposure, request_body):
    seen = []
    mcp = caller(serve(exposure, on_call=lambda *call: seen.append(call)), modern=True)
    body = request_body("tools/call", {**CALL, "_meta": {"traceparent": "00-a-b-01", "tracestate": 7}}, modern=True)

    await mcp.send(body, {"traceparent": "00-c-d-01", "baggage": "k=v"})

    assert seen == [("tools/call", "list-jobs", {"traceparent": "00-a-b-01", "baggage": "k=v"})]
