"""Several MCP exposures on one port, served by the command: what they share, what each keeps, and who may call."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

DOCUMENT = """\
naftiko: 1.0.0-beta1
info: {{label: {namespace}, description: About {namespace}, version: 1.0.0}}
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: UPSTREAM
    resources:
    - name: data
      path: /data/{{id}}
      operations:
      - {{name: get, method: GET, inputParameters: [{{name: id, in: path, type: string, required: true}}]}}
  exposes:
  - type: mcp
    namespace: {namespace}
    port: 4100
    transport: http
    description: Serves {namespace}.
    {authentication}
    tools:
    - {{name: get, description: Gets one., call: api.get, with: {{id: {namespace}}}}}
    - {{name: only-{namespace}, description: Only here., call: api.get, with: {{id: {namespace}}}}}
    resources:
    - {{name: shared, label: Shared, uri: "data://shared", description: S, call: api.get, with: {{id: {namespace}}}}}
    prompts:
    - {{name: ask, label: Ask, description: Asks., template: [{{role: user, content: About {namespace}}}]}}
"""


def document(namespace: str, authentication: str = "") -> str:
    protected = f"authentication: {authentication}" if authentication else ""
    return DOCUMENT.format(namespace=namespace, authentication=protected)


@pytest.fixture
async def serve_folder(fixtures, accepting, tmp_path):
    """``await serve_folder({NAME: TEXT})``: the URL of the port, and what was printed so far."""
    running = []

    async def serve(files, *options, **environment):
        home = tmp_path / "capabilities"
        home.mkdir()
        for name, text in files.items():
            (home / f"{name}.yaml").write_text(text.replace("UPSTREAM", fixtures))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        printed = tmp_path / "printed.txt"
        with printed.open("wb") as output:
            command = [sys.executable, "-m", "naftiko_run", str(home), "--port", f"mcp={port}", *options]
            environment = {"PATH": "/usr/bin:/bin", "FIXED": "s3cret", **environment}
            running.append(subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment))
        await accepting(port)
        async with asyncio.timeout(20):
            while "variables:" not in printed.read_text():  # said last, once everything listens
                await asyncio.sleep(0.01)
        return f"http://127.0.0.1:{port}", printed.read_text()

    yield serve
    for process in running:
        process.terminate()
        process.wait(10)


@contextlib.asynccontextmanager
async def connected(url, token="", mode="auto"):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, trust_env=False) as http,
        Client(streamable_http_client(url, http_client=http), mode=mode) as client,
    ):
        yield client


async def text_of(client, tool):
    return (await client.call_tool(tool, {})).structured_content["id"]


# ---- names


async def test_names_are_prefixed_only_where_they_collide(serve_folder):
    url, printed = await serve_folder({"a": document("a"), "b": document("b")})

    async with connected(f"{url}/mcp") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answers = [await text_of(client, tool) for tool in tools]
        prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]

    assert tools == ["a_get", "only-a", "b_get", "only-b"]
    assert answers == ["a", "a", "b", "b"]
    assert prompts == ["a_ask", "b_ask"]
    assert f"try: an MCP client at {url}/mcp, tool 'a_get'" in printed


async def test_a_namespace_is_served_alone_under_its_own_names(serve_folder):
    url, _ = await serve_folder({"a": document("a"), "b": document("b")})

    async with connected(f"{url}/mcp/b") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answer = await text_of(client, "get")
        shared = await client.read_resource("data://shared")

    assert tools == ["get", "only-b"]
    assert answer == "b"
    assert '"id": "b"' in shared.contents[0].text


async def test_a_uri_of_two_files_is_found_and_read_from_the_first(serve_folder):
    url, printed = await serve_folder({"a": document("a"), "b": document("b")})

    async with connected(f"{url}/mcp", mode="legacy") as client:
        listed = [str(one.uri) for one in (await client.list_resources()).resources]
        shared = await client.read_resource("data://shared")

    assert "W-RESOURCE-DUPLICATE: resource 'shared' has the URI 'data://shared' of namespace 'a' on the same port" in printed
    assert listed == ["data://shared"]
    assert '"id": "a"' in shared.contents[0].text


@pytest.mark.parametrize(("option", "length"), [("shorten", 64), ("keep", 75)])
async def test_an_operator_chooses_how_long_names_may_be(serve_folder, option, length):
    url, printed = await serve_folder({"a": document("a" * 70)}, "--long-tool-names", option)

    async with connected(f"{url}/mcp") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        answer = await text_of(client, tools[1])

    assert [len(name) for name in tools] == [3, length]
    assert answer == "a" * 70
    assert "W-TOOL-NAME-LONG" in printed


async def test_one_exposure_has_no_prefixes(serve_folder):
    url, printed = await serve_folder({"a": document("a")})

    async with connected(f"{url}/mcp/a") as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]

    assert tools == ["get", "only-a"]
    assert "W-" not in printed


# ---- callers


def post(url, token=""):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    return httpx2.post(url, json=body, headers=headers, trust_env=False)


async def test_a_bearer_token_protects_an_exposure(serve_folder):
    url, _ = await serve_folder({"a": document("a", "{type: bearer, token: '{{FIXED}}'}")}, FIXED="s3cret")

    answers = [await asyncio.to_thread(post, f"{url}/mcp", token) for token in ("", "wrong")]
    async with connected(f"{url}/mcp", "s3cret") as client:
        answer = await text_of(client, "get")

    assert [one.status_code for one in answers] == [401, 401]
    assert all(one.headers["www-authenticate"].startswith("Bearer ") for one in answers)
    assert answer == "a"


async def test_each_namespace_asks_for_its_own_credential_and_the_whole_port_for_all(serve_folder):
    files = {
        "a": document("a", "{type: bearer, token: '{{FIXED}}'}"),
        "b": document("b"),
        "mcp": document("mcp", "{type: bearer, token: '{{OTHER}}'}"),
    }
    url, _ = await serve_folder(files, FIXED="s3cret", OTHER="other")

    async def status(path, token=""):
        return (await asyncio.to_thread(post, f"{url}{path}", token)).status_code

    assert [await status("/mcp/a"), await status("/mcp/a", "other"), await status("/mcp/a", "s3cret")] == [401, 401, 200]
    assert [await status("/mcp/mcp"), await status("/mcp/mcp", "other"), await status("/mcp/mcp/", "other")] == [401, 200, 200]
    assert await status("/mcp/b") == 200
    assert [await status("/mcp", token) for token in ("", "s3cret", "other")] == [401, 401, 401]
    assert [await status(path, "other") for path in ("/", "/a", "/mcp/a/b", "/mcp//a")] == [401] * 4


async def test_two_files_of_one_namespace_want_both_credentials(serve_folder):
    files = {
        "first": document("a", "{type: bearer, token: '{{FIXED}}'}"),
        "second": document("a", "{type: bearer, token: '{{OTHER}}'}"),
    }
    url, _ = await serve_folder(files, FIXED="s3cret", OTHER="other")

    answers = [await asyncio.to_thread(post, f"{url}/mcp/a", token) for token in ("s3cret", "other")]

    assert [one.status_code for one in answers] == [401, 401]


# ---- OAuth 2

ISSUER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def issuer(upstream_server):
    """The URL of an authorization server that publishes its key."""
    jwk = {
        **jwt.algorithms.RSAAlgorithm.to_jwk(ISSUER_KEY.public_key(), as_dict=True),
        "kid": "k1",
        "use": "sig",
        "alg": "RS256",
    }
    return upstream_server(
        lambda url: {
            "/.well-known/oauth-authorization-server": {"issuer": url, "jwks_uri": f"{url}/jwks"},
            "/jwks": {"keys": [jwk]},
        }
    )


def token(issuer, audience, **claims):
    now = int(time.time())
    body = {"iss": issuer, "aud": audience, "sub": "ann", "exp": now + 60, "iat": now, "scope": "tools", **claims}
    return jwt.encode(body, ISSUER_KEY, algorithm="RS256", headers={"kid": "k1", "typ": "at+jwt"})


RESOURCE = "http://127.0.0.1:4100/mcp"


@pytest.fixture
async def protected(serve_folder, issuer):
    settings = f"{{type: oauth2, authorizationServerUri: '{issuer}', resource: '{RESOURCE}', scopes: [tools]}}"
    url, _ = await serve_folder({"a": document("a", settings)})
    return url


async def test_a_call_without_a_token_learns_where_to_get_one(protected, issuer):
    refused = await asyncio.to_thread(post, f"{protected}/mcp")
    metadata = "http://127.0.0.1:4100/.well-known/oauth-protected-resource/mcp"
    found = httpx2.get(metadata.replace("http://127.0.0.1:4100", protected), trust_env=False)
    root = httpx2.get(f"{protected}/.well-known/oauth-protected-resource", trust_env=False)

    assert refused.status_code == 401
    assert f'resource_metadata="{metadata}"' in refused.headers["www-authenticate"]
    assert found.json() == root.json()
    assert found.json()["resource"] == RESOURCE
    assert found.json()["authorization_servers"] == [issuer]
    assert found.json()["scopes_supported"] == ["tools"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_calls_with_a_token_of_the_issuer(protected, issuer, mode):
    async with connected(f"{protected}/mcp", token(issuer, RESOURCE), mode) as client:
        assert await text_of(client, "get") == "a"


@pytest.mark.parametrize(
    ("claims", "status", "said"),
    [
        ({"aud": "http://elsewhere.test/mcp"}, 401, 'error="invalid_token"'),
        ({"iss": "http://elsewhere.test"}, 401, 'error="invalid_token"'),
        ({"exp": 1}, 401, 'error="invalid_token"'),
        ({"scope": "other"}, 403, 'error="insufficient_scope"'),
    ],
    ids=["audience", "issuer", "expired", "scope"],
)
async def test_a_token_for_something_else_is_refused(protected, issuer, claims, status, said):
    refused = await asyncio.to_thread(post, f"{protected}/mcp", token(issuer, RESOURCE, **claims))

    assert refused.status_code == status
    assert said in refused.headers["www-authenticate"]
    assert "resource_metadata=" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_without_a_token_reads_why(protected, mode):
    with pytest.RaisesGroup(pytest.RaisesExc(MCPError, match="authentication is required"), flatten_subgroups=True):
        async with connected(f"{protected}/mcp", mode=mode):
            pytest.fail("connected without a token")
