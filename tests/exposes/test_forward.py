"""Forwarding: what of a caller's request reaches the upstream, and what of its answer comes back, over real sockets."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pytest

FORWARD = """
naftiko: 1.0.0-alpha2
binds:
- namespace: keys
  keys: {HARBOUR_TOKEN: HARBOUR_TOKEN}
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM/v1
    AUTHENTICATION
    inputParameters:
    - {name: X-Client, in: header, value: naftiko}
    - {name: tenant, in: query, value: t-1}
    resources:
    - name: ships
      path: /ships
      operations:
      - {name: list-ships, method: GET}
  - type: http
    namespace: other
    baseUri: UPSTREAM
    resources: [{name: x, path: /x, operations: [{name: x, method: GET}]}]
  exposes:
  - type: rest
    namespace: port-api
    port: 8080
    resources:
    - path: /harbour/{path}
      forward: {targetNamespace: harbour, trustedHeaders: [X-Trace, Authorization-Hint, Connection]}
      operations:
      - {name: ours, method: PATCH, call: harbour.list-ships}
    - path: /plain
      forward: {targetNamespace: other}
    - path: /tenants/{tenant}
      forward: {targetNamespace: other}
"""
BEARER = "authentication: {type: bearer, token: '{{HARBOUR_TOKEN}}'}"


@pytest.fixture
async def serving(serve_text, upstream):
    upstream.replies(json={"ok": True})
    return await serve_text(FORWARD.replace("AUTHENTICATION", ""))


async def test_path_query_and_body_travel_as_they_came(serving, upstream):
    await serving.rest(
        "POST", "/harbour/ships/s%201/log?a=1&a=%2F&b", content=b'{"n" : 1}', headers={"Content-Type": "application/json"}
    )

    assert upstream.request.target == "/v1/ships/s%201/log?a=1&a=%2F&b&tenant=t-1"
    assert (upstream.request.method, upstream.request.body) == ("POST", b'{"n" : 1}')
    assert upstream.request.header("Content-Type") == "application/json"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_every_method_without_an_operation_is_forwarded(serving, upstream, method):
    await serving.rest(method, "/harbour/x")

    assert (upstream.request.method, upstream.request.path) == (method, "/v1/x")


async def test_an_operation_comes_before_the_forward(serving, upstream):
    await serving.rest("PATCH", "/harbour/x")

    assert (upstream.request.method, upstream.request.path) == ("GET", "/v1/ships")


async def test_a_slash_inside_a_segment_stays_inside(serving, upstream):
    await serving.rest("GET", "/harbour/a%2Fb/c/")

    assert upstream.request.path == "/v1/a%2Fb/c/"


@pytest.mark.parametrize(
    "target", ["/harbour/a/%2e%2e/b", "/harbour/%2e%2e", "/harbour/a//b", "/harbour/a%00b", "/harbour/a%0d%0ab"]
)
async def test_a_path_that_leads_elsewhere_is_refused(serving, upstream, target):
    """Sent as raw bytes: HTTP clients tidy such paths up."""
    assert await raw(serving.urls["rest"], f"GET {target} HTTP/1.1") == 400
    assert upstream.requests == []


async def raw(url: str, line: str, *headers: str) -> int:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write("\r\n".join((line, f"Host: {parts.netloc}", "Connection: close", *headers, "", "")).encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    return status


async def test_dot_segments_never_reach_the_upstream(serving, upstream):
    assert await raw(serving.urls["rest"], "GET /harbour/../x HTTP/1.1") in (400, 404)
    assert upstream.requests == []


async def test_only_trusted_headers_travel(serving, upstream):
    sent = {
        "X-Trace": "t-1",
        "X-Other": "no",
        "Cookie": "session=1",
        "Authorization": "Bearer caller",
        "Proxy-Authorization": "Basic x",
        "Accept": "text/plain",
        "If-None-Match": '"1"',
        "X-Client": "forged",
    }
    await serving.rest("GET", "/harbour/x", headers=sent)

    seen = {name.lower(): value for name, value in upstream.request.headers}
    assert (seen["x-trace"], seen["accept"], seen["if-none-match"], seen["x-client"]) == ("t-1", "text/plain", '"1"', "naftiko")
    assert not {"x-other", "cookie", "authorization", "proxy-authorization"} & set(seen)


async def test_the_callers_authorization_goes_nowhere_even_where_the_consumer_has_none(serving, upstream):
    await serving.rest("GET", "/plain", headers={"Authorization": "Bearer caller"})

    assert upstream.request.header("Authorization") == ""
    assert upstream.request.target == "/"


async def test_the_consumers_credential_is_added(serve_text, upstream):
    upstream.replies(json={})
    text = FORWARD.replace("AUTHENTICATION", BEARER).replace("X-Trace", "Authorization")
    serving = await serve_text(text, environment={"HARBOUR_TOKEN": "ours"})

    await serving.rest("GET", "/harbour/x", headers={"Authorization": "Bearer caller"})

    assert [v for n, v in upstream.request.headers if n.lower() == "authorization"] == ["Bearer ours"]


async def test_a_trusted_authorization_is_the_callers(serve_text, upstream):
    upstream.replies(json={})
    serving = await serve_text(FORWARD.replace("AUTHENTICATION", "").replace("X-Trace", "Authorization"))

    await serving.rest("GET", "/harbour/x", headers={"Authorization": "Bearer caller"})

    assert upstream.request.header("Authorization") == "Bearer caller"


async def test_the_last_variable_is_forwarded_where_none_is_called_path(serving, upstream):
    await serving.rest("GET", "/tenants/t%20one")

    assert upstream.request.path == "/t%20one"


async def test_the_answer_comes_back_as_received(serving, upstream):
    upstream.replies(
        status=418,
        body=b"\x00\x01",
        path="/v1/x",
        headers={
            "Content-Type": "application/x-tea",
            "X-Pot": "1",
            "WWW-Authenticate": "Basic",
            "Location": "/elsewhere",
            "Keep-Alive": "9",
        },
    )

    answer = await serving.rest("GET", "/harbour/x")

    assert (answer.status_code, answer.content) == (418, b"\x00\x01")
    assert (answer.headers["x-pot"], answer.headers["www-authenticate"], answer.headers["location"]) == (
        "1",
        "Basic",
        "/elsewhere",
    )
    assert "keep-alive" not in answer.headers


async def test_a_redirect_is_not_followed(serving, upstream):
    upstream.replies(status=302, headers={"Location": "https://elsewhere.test/"}, path="/v1/x")

    assert (await serving.rest("GET", "/harbour/x")).status_code == 302


async def test_an_unreachable_upstream_is_a_problem_document(serving, upstream):
    upstream.refuse()

    answer = await serving.rest("GET", "/harbour/x")

    assert (answer.status_code, answer.headers["content-type"]) == (502, "application/problem+json")


def test_an_unknown_namespace_is_said_at_load(tmp_path):
    from naftiko_run.capability import load

    file = tmp_path / "c.yaml"
    file.write_text(
        FORWARD.replace("AUTHENTICATION", "")
        .replace("UPSTREAM", "https://up.test")
        .replace("{targetNamespace: harbour,", "{targetNamespace: harbor,")
    )
    (found,) = load(file).errors

    assert (found.code, found.hint) == ("E-FORWARD-UNRESOLVED", "did you mean 'harbour'?")
