"""One command with every kind of credential, logging at debug: what reaches upstreams, callers and the log, and who may call.

The credentials are canaries: none of them may stand in anything that the command writes, in any spelling (requirement T16).
"""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from running import Command

CANARIES = {
    "BEARER": "canary-bearer-8c1f+/=&x",
    "IN_QUERY": "canary-query-77e0 ?&=+",
    "PASSWORD": "canary-password-40ab:\"'",
    "CLIENT_SECRET": "canary-client-5dd1%2F",
    "IN_HEADER": "canary-header-e09b",
    "CONTROL": "canary-control-31fc",
}
TOKEN = "canary-token-5a5a5a"
DOCUMENT = """
ikanos: "1.0.0-alpha4"
info: {label: Canaries, description: One consumer of each kind}
binds:
- namespace: env
  keys: [BEARER, IN_QUERY, PASSWORD, CLIENT_SECRET, IN_HEADER, CONTROL]
capability:
  consumes:
CONSUMERS
  - type: http
    namespace: elsewhere
    baseUri: http://{{ELSEWHERE_HOST}}/
    resources: [{name: r, path: /r, operations: [{name: get, method: GET}]}]
  - type: http
    namespace: private
    baseUri: http://{{PRIVATE_HOST}}/
    resources: [{name: r, path: /r, operations: [{name: get, method: GET}]}]
  - type: http
    namespace: ourselves
    baseUri: http://{{LOOPBACK_HOST}}:1/
    resources: [{name: r, path: /r, operations: [{name: get, method: GET}]}]
  exposes:
  - type: rest
    namespace: r
    port: 18080
    resources:
ROUTES
  - type: mcp
    namespace: m
    port: 18081
    tools:
TOOLS
  - type: control
    port: 18082
    authentication: {type: bearer, token: '{{CONTROL}}'}
    management: {info: true, validate: true, reload: true, logs: {level-control: true}}
"""
MANAGEMENT = ("/health/live", "/health/ready", "/status", "/config", "/metrics", "/traces", "/logs")
OPERATOR = {"Authorization": f"Bearer {CANARIES['CONTROL']}"}
AUTHENTICATION = {
    "bearer": "{type: bearer, token: '{{BEARER}}'}",
    "query": "{type: apikey, key: api_key, value: '{{IN_QUERY}}', placement: query}",
    "basic": "{type: basic, username: harbour, password: '{{PASSWORD}}'}",
    "oauth2": "{type: oauth2, tokenUrl: UPSTREAM/token, clientId: harbour, clientSecret: '{{CLIENT_SECRET}}'}",
    "header": "{type: apikey, key: X-Key, value: '{{IN_HEADER}}', placement: header}",
}
HOSTS = ("elsewhere", "private", "ourselves")


def document(url):
    consumers = "".join(
        f"  - type: http\n    namespace: {name}\n    baseUri: UPSTREAM\n    authentication: {block}\n"
        f"    resources: [{{name: r, path: /{name}, operations: [{{name: get, method: GET,"
        f" inputParameters: [{{name: X-Trace, in: header}}, {{name: q, in: query}}]}}]}}]\n"
        for name, block in AUTHENTICATION.items()
    )
    given = "inputParameters: [{name: X-Trace, in: header, required: false}, {name: q, in: query, required: false}], "
    given_tool = (
        "inputParameters: [{name: X-Trace, type: string, required: false, description: t},"
        " {name: q, type: string, required: false, description: q}], "
    )
    routes = "".join(
        f"    - {{path: /{name}, operations: [{{method: GET, {given}call: {name}.get,"
        f" with: {{X-Trace: r.X-Trace, q: r.q}}}}]}}\n"
        for name in AUTHENTICATION
    ) + "".join(f"    - {{path: /{name}, operations: [{{method: GET, call: {name}.get}}]}}\n" for name in HOSTS)
    tools = "".join(
        f"    - {{name: {name}, description: Read, {given_tool}call: {name}.get, with: {{X-Trace: m.X-Trace, q: m.q}}}}\n"
        for name in AUTHENTICATION
    )
    text = DOCUMENT.replace("CONSUMERS\n", consumers).replace("ROUTES\n", routes).replace("TOOLS\n", tools)
    return text.replace("UPSTREAM", url)


@pytest.fixture(scope="module")
def home(harbour, tmp_path_factory):
    folder = tmp_path_factory.mktemp("canaries")
    (folder / "canaries.yaml").write_text(document(harbour.upstream.url))
    return folder


@pytest.fixture(scope="module")
def command(home):
    # All of loopback: should the rule ever fail, what it lets out stays on this machine.
    hosts = {"ELSEWHERE_HOST": "127.9.9.9", "PRIVATE_HOST": "127.8.8.8", "LOOPBACK_HOST": "localhost"}
    arguments = ("canaries.yaml", "--port", "rest=0", "--port", "mcp=0", "--port", "control=0", "--log-level", "debug")
    with Command(home, *arguments, environment={**CANARIES, **hosts}) as running:
        yield running.ready()


def scripted(harbour, status=200, **answer):
    """All paths answer so; the token endpoint gives a token."""
    harbour.answers(status, **answer)
    harbour.upstream.replies(json={"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}, path="/token")


# ---- credentials


ANSWERS = {
    "success": {"json": {"id": 1}},
    "refused": {"status": 401, "json": {"error": "no"}},
    "failed": {"status": 500, "body": "<html>oops</html>", "headers": {"Content-Type": "text/html"}},
    "cut": {"fault": "cut"},
}


@pytest.fixture(scope="module")
def written(command, harbour):
    """Everything the command has written after all flows were run against all answers."""
    texts = []
    for answer in ANSWERS.values():
        for name in AUTHENTICATION:
            scripted(harbour, **answer)
            texts.append(repr(command.rest("GET", f"/{name}?q=1")))
            texts.append(json.dumps(command.tool(name, q="1")))
    for name in AUTHENTICATION:  # an upstream that repeats what it was sent
        scripted(harbour, 400, json={"you sent": [*CANARIES.values(), TOKEN, basic()]})
        texts.append(repr(command.rest("GET", f"/{name}")))
        texts.append(json.dumps(command.tool(name)))
    texts += [repr(command.rest("GET", path)) for path in ("/openapi.json", "/docs", "/nothing")]
    texts.append(json.dumps(command.rpc("tools/list")))
    texts += [repr(operate(command, "GET", path)) for path in MANAGEMENT]
    texts.append(repr(operate(command, "POST", "/config/validate", document(harbour.upstream.url))))
    texts.append(repr(operate(command, "POST", "/config/reload")))
    traces = operate(command, "GET", "/traces").json()
    texts += [repr(operate(command, "GET", f"/traces/{one}")) for one in trace_ids(traces)[:20]]
    return {"answers": "\n".join(texts), "stderr": command.stderr, "stdout": command.stdout}


def operate(command, method, path, text=""):
    answer = command.request("control", method, path, text.encode() or None, OPERATOR)
    assert answer.status == 200, answer
    return answer


def trace_ids(listed):
    entries = listed if isinstance(listed, list) else next(value for value in listed.values() if isinstance(value, list))
    return [entry["traceId"] for entry in entries]


def basic():
    return base64.b64encode(f"harbour:{CANARIES['PASSWORD']}".encode()).decode()


def spellings(secret):
    raw = secret.encode()
    return {
        secret, quote(secret, safe=""), quote(secret), quote_plus(secret), json.dumps(secret)[1:-1],
        base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode(),
    }  # fmt: skip


@pytest.mark.parametrize("sink", ["answers", "stderr", "stdout"])
@pytest.mark.parametrize("name", [*CANARIES, "the access token", "the basic credential"])
def test_no_credential_stands_in_anything_written(written, name, sink):
    secret = {"the access token": TOKEN, "the basic credential": basic(), **CANARIES}[name]

    assert [one for one in spellings(secret) if one in written[sink]] == []


def test_the_log_was_written_at_all(written):
    assert written["stderr"].count("E-UPSTREAM-STATUS") >= 10


def test_each_credential_reached_its_upstream_where_it_belongs(command, harbour):
    scripted(harbour, json={})
    for name in AUTHENTICATION:
        assert command.rest("GET", f"/{name}").status in (200, 503)  # left alone after the failures above

    sent = {request.path: request for request in harbour.upstream.requests}
    assert {path: one.header("authorization") for path, one in sent.items() if path in ("/bearer", "/basic")} == {
        path: value
        for path, value in (("/bearer", f"Bearer {CANARIES['BEARER']}"), ("/basic", f"Basic {basic()}"))
        if path in sent
    }


# ---- who may call


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200), ("127.0.0.1:1234", 200), ("[::1]:80", 200), ("LOCALHOST", 200),
        ("evil.example", 421), ("127.0.0.1.evil.example", 421), ("localhost.evil.example", 421), ("10.0.0.1", 421),
        ("169.254.169.254", 421), ("localhost@evil.example", 421),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["rest", "mcp"])
def test_only_known_hosts_are_answered(command, kind, host, status):
    answer = ask(command, kind, {"Host": host})

    assert answer.status == status
    assert status == 200 or answer.json()["title"] == "Misdirected request"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:5173", 200), ("http://127.0.0.1", 200),
        ("https://evil.example", 403), ("http://localhost.evil.example", 403), ("null", 403), ("file://", 403),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["rest", "mcp"])
def test_only_known_origins_are_answered(command, kind, origin, status):
    answer = ask(command, kind, {"Origin": origin})

    assert answer.status == status
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def ask(command, kind, headers):
    if kind == "rest":
        return command.request("rest", "GET", "/openapi.json", None, headers)
    message = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
    return command.request("mcp", "POST", "/mcp", message, {"Content-Type": "application/json", **headers})


def test_management_asks_for_its_credential(command):
    for path in MANAGEMENT[2:]:
        assert command.request("control", "GET", path).status == 401
    assert command.request("control", "GET", "/status", None, {"Authorization": "Bearer wrong"}).status == 401


# ---- what callers cannot do


SENT = {"Authorization": "Bearer of-the-caller", "Cookie": "session=of-the-caller", "X-Key": "of-the-caller"}


@pytest.fixture(scope="module")
def fresh(home):
    """A second process, whose upstreams have not failed."""
    arguments = ("canaries.yaml", "--port", "rest=0", "--port", "mcp=0", "--port", "control=0")
    with Command(home, *arguments, environment=CANARIES) as running:
        yield running.ready()


@pytest.mark.parametrize("name", ["bearer", "basic", "header", "query"])
def test_a_callers_credentials_stay_here(fresh, harbour, name):
    scripted(harbour, json={})

    answer = fresh.request("rest", "GET", f"/{name}", None, SENT)
    fresh.rpc("tools/call", headers=SENT, name=name, arguments={})

    assert answer.status == 200
    assert len(harbour.upstream.requests) == 2
    assert "of-the-caller" not in repr(harbour.upstream.requests)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_a_header_value_from_a_model_is_one_line(fresh, harbour, value):
    scripted(harbour, json={})

    result = fresh.tool("bearer", **{"X-Trace": value})

    assert result["isError"]
    assert "X-Trace" in result["content"][0]["text"]
    assert harbour.upstream.requests == []


def test_a_header_value_from_a_model_arrives_in_ascii(fresh, harbour):
    scripted(harbour, json={})

    fresh.tool("bearer", **{"X-Trace": "caf\xe9"})

    assert harbour.upstream.request.header("x-trace") == "caf%C3%A9"


def test_a_query_value_cannot_add_parameters(fresh, harbour):
    scripted(harbour, json={})

    fresh.tool("query", q="1&api_key=mine#x")

    assert harbour.upstream.request.query.startswith("q=1%26api_key%3Dmine%23x&api_key=canary-query")


@pytest.mark.parametrize("name", HOSTS)
def test_no_call_leaves_for_an_address_that_is_not_public(command, name):
    answer = command.rest("GET", f"/{name}")

    assert (answer.status, answer.json()["type"]) == (502, "urn:naftiko-run:E-EGRESS")
    assert not [host for host in ("127.9.9.9", "127.8.8.8", "localhost") if host in answer.json()["detail"]]
