"""Wrong requests, and upstreams that answer badly, put to one running command: what its callers are told."""

from __future__ import annotations

import json
import socket

import pytest
from running import SECRET, Command, free_port

TRACELESS = ("Traceback", 'File "', ".py", "naftiko_run.", "object at 0x")


@pytest.fixture(scope="module")
def command(harbour, folder, environment):
    """REST and MCP on one port."""
    port = free_port()
    arguments = ("harbour.yaml", "--port", f"rest={port}", "--port", f"mcp={port}", "--log-level", "info")
    with Command(folder, *arguments, environment=environment) as running:
        yield running.ready()


@pytest.fixture(autouse=True)
def nothing_internal_is_told(command):
    yield
    assert SECRET not in command.stderr
    assert "Traceback" not in command.stderr
    assert command.stdout == ""


def is_problem(answer, status):
    """A problem document with all its members, of a closed catalogue."""
    assert answer.status == status, answer
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert {"type", "title", "status", "detail", "requestId"} <= set(document)
    assert document["status"] == status
    assert document["requestId"] == answer.headers["x-request-id"]
    assert not [word for word in TRACELESS if word in answer.body.decode()]
    return document


# ---- callers


def test_a_slash_within_a_path_value_stays_within_it(command, harbour):
    harbour.answers(json={"id": "a/b"})

    answer = command.rest("GET", "/ships/a%2Fb%20c%3Fd")

    assert (answer.status, harbour.upstream.request.target) == (200, "/ships/a%2Fb%20c%3Fd")


def test_a_climbing_value_stays_one_segment(command, harbour):
    harbour.answers(json={})

    answer = command.rest("GET", "/ships/..%2Fx")

    assert (answer.status, harbour.upstream.request.target) == (200, "/ships/..%2Fx")


@pytest.mark.parametrize("value", ["%2E%2E", "..", "%2e", "%00", "%0d%0aHost:x", "%7f"])
def test_a_path_value_that_would_change_the_path_is_refused(command, harbour, value):
    harbour.answers(json={})

    document = is_problem(command.rest("GET", f"/ships/{value}"), 400)

    assert "'id'" in document["detail"] or "id:" in document["detail"]
    assert harbour.upstream.requests == []


@pytest.mark.parametrize(("target", "status"), [("/ships/../x", 404), ("/ships//x", 404), ("/nothing", 404)])
def test_a_path_that_nothing_serves_is_not_found(command, harbour, target, status):
    harbour.answers(json={})

    is_problem(command.rest("GET", target), status)
    assert harbour.upstream.requests == []


def test_an_empty_path_value_is_named(command, harbour):
    harbour.answers(json={})

    document = is_problem(command.rest("GET", "/ships//"), 400)

    assert document["detail"] == "path parameter 'id' is empty"
    assert harbour.upstream.requests == []


def test_an_empty_argument_for_a_path_is_named_to_the_model(command, harbour):
    harbour.answers(json={})

    result = command.tool("find-ship", id="")

    assert result["isError"]
    assert "id" in result["content"][0]["text"]
    assert harbour.upstream.requests == []


def test_a_value_of_the_wrong_type_is_named(command):
    document = is_problem(command.rest("GET", "/ships?limit=many"), 400)

    assert [error["name"] for error in document["errors"]] == ["limit"]


def test_a_method_that_is_not_served_names_those_that_are(command):
    answer = command.rest("DELETE", "/ships")

    is_problem(answer, 405)
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"a":' * 100 + b"1" + b"}" * 100])
def test_a_body_that_cannot_be_read_is_refused(command, harbour, body):
    harbour.answers(json={})

    answer = command.request("rest", "POST", "/ships", body, {"Content-Type": "application/json"})

    is_problem(answer, 400)
    assert harbour.upstream.requests == []


def test_a_body_of_ten_megabytes_is_refused_before_it_is_sent(command):
    answer = command.request("rest", "POST", "/ships", None, {"Content-Length": str(10 << 20)})

    is_problem(answer, 413)


def test_a_chunked_body_of_ten_megabytes_is_refused_on_the_way(command):
    host, port = command.urls["rest"].removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as caller:
        caller.sendall(b"POST /ships HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(160):
                caller.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert caller.recv(200).startswith(b"HTTP/1.1 413 ")


def test_a_header_value_cannot_end_its_header(command, harbour):
    harbour.answers(json={})

    command.rest("GET", "/ships/s-1", X_Trace="a\tb")

    names = [name.lower() for name, _ in harbour.upstream.request.headers]
    assert names.count("x-trace") == 1
    assert harbour.upstream.request.header("x-trace") == "a\tb"


# ---- MCP


def test_an_unknown_tool_is_an_error_of_the_protocol_with_a_suggestion(command):
    error = command.rpc("tools/call", name="find-shipp", arguments={})["error"]

    assert error["code"] == -32602
    assert error["message"] == "unknown tool 'find-shipp' (did you mean 'find-ship'?)"


@pytest.mark.parametrize("arguments", [{}, {"id": {"a": 1}}, {"id": ["x"]}])
def test_a_wrong_argument_is_named_to_the_model(command, harbour, arguments):
    harbour.answers(json={})

    result = command.tool("find-ship", **arguments)

    assert result["isError"]
    assert result["content"][0]["text"].startswith("id: ")
    assert harbour.upstream.requests == []


@pytest.mark.parametrize("message", [b"", b"{", b"[]", b'{"jsonrpc":"2.0"}', b"null"])
def test_what_is_no_message_is_answered_as_the_protocol_says(command, message):
    answer = command.request("mcp", "POST", "/mcp", message, {"Content-Type": "application/json"})

    assert answer.status == 400
    assert answer.json()["error"]["code"] in (-32700, -32600)


# ---- upstreams


@pytest.mark.parametrize(
    ("upstream", "status", "member"),
    [
        (400, 400, None),
        (401, 502, None),
        (403, 502, None),
        (404, 404, None),
        (409, 409, None),
        (500, 502, None),
        (302, 502, None),
    ],
)
def test_an_upstreams_status_becomes_ours_without_its_body(command, harbour, upstream, status, member):
    harbour.answers(upstream, json={"secret": "of-the-upstream"}, headers={"WWW-Authenticate": "Basic", "Location": "/x"})

    answer = command.rest("POST", "/ships", {"name": "Gull"})

    assert is_problem(answer, status)["upstreamStatus"] == upstream
    assert b"of-the-upstream" not in answer.body
    assert "www-authenticate" not in answer.headers
    assert "location" not in answer.headers


def test_an_upstreams_wait_is_passed_on(command, harbour):
    harbour.answers(429, json={}, headers={"Retry-After": "17"})

    answer = command.rest("POST", "/ships", {"name": "Gull"})
    result = command.tool("add-ship", body={"name": "Gull"})

    is_problem(answer, 429)
    assert answer.headers["retry-after"] == "17"
    assert "try again in 17 seconds" in result["content"][0]["text"]


def test_a_wait_that_is_no_time_becomes_a_short_one(command, harbour):
    harbour.answers(429, json={}, headers={"Retry-After": "\xb2"})

    answer = command.rest("POST", "/ships", {"name": "Gull"})

    is_problem(answer, 429)
    assert answer.headers["retry-after"] == "1"


def test_html_where_json_was_promised_is_the_upstreams_failure(command, harbour):
    harbour.answers(body="<html>Sign in</html>", headers={"Content-Type": "text/html"})

    answer = command.rest("GET", "/names")

    assert "JSON" in is_problem(answer, 502)["detail"]
    assert b"Sign in" not in answer.body


def test_a_failed_step_says_what_was_done_before_it(command, harbour):
    harbour.answers(json={"id": "s-9"}, path="/ships")
    harbour.upstream.replies(404, json={}, path="/berths")

    document = is_problem(command.rest("POST", "/voyages", {"name": "Gull"}), 404)

    assert (document["step"], document["completed"], document["sideEffects"]) == ("berths", ["added"], ["added"])


def test_a_model_reads_what_the_upstream_said_within_bounds(command, harbour):
    harbour.answers(400, json={"message": "no such berth", "rest": "x" * 100_000})

    text = command.tool("add-ship", body={})["content"][0]["text"]

    assert "no such berth" in text
    assert len(text) < 3000


# ---- the log


def test_a_failure_is_logged_under_the_id_its_caller_got(command, harbour):
    harbour.answers(404, json={})

    answer = command.rest("GET", "/ships/s-404")

    (line,) = [line for line in command.stderr.splitlines() if answer.headers["x-request-id"] in line]
    assert "404 E-UPSTREAM-STATUS: harbour.get-ship: the upstream answered 404" in line


def test_a_failed_tool_call_is_logged_as_well(command, harbour):
    harbour.answers(409, json={})

    command.tool("add-ship", body={})

    assert "409 E-UPSTREAM-STATUS: harbour.add-ship" in command.stderr


def test_what_is_behind_a_failure_is_logged_by_name_only(command, harbour):
    harbour.answers(json={"id": "s-9"}, path="/ships")
    harbour.upstream.replies(404, json={}, path="/berths")

    request_id = command.rest("POST", "/voyages", {}).headers["x-request-id"]

    (line,) = [line for line in command.stderr.splitlines() if request_id in line]
    assert line.endswith("(because of: _Stopped; harbour.list-berths: the upstream answered 404)") or "because of" in line


# ---- what is served beside


def test_the_served_description_holds_no_secret(command):
    answer = command.rest("GET", "/openapi.json")

    assert answer.status == 200
    assert SECRET not in json.dumps(answer.json())
