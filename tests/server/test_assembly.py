"""What a port answers whose adapters are of several kinds."""

from __future__ import annotations

import httpx2

from naftiko_run.engine import Engine
from naftiko_run.server.asgi import asgi_app
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import AssemblySettings, place
from plan import compile_text

GUARDED = """
    naftiko: 1.0.0-alpha2
    capability:
      consumes:
      - type: http
        namespace: up
        baseUri: https://up.test
        resources: [{name: r, path: /x, operations: [{name: get, method: GET}]}]
      exposes:
      - type: mcp
        namespace: tools
        port: 8080
        authentication: {type: oauth2, authorizationServerUri: 'https://a.test', resource: 'https://api.test/mcp'}
        tools: [{name: get, description: Gets., call: up.get}]
      - type: rest
        namespace: pages
        port: 8080
        authentication: {type: oauth2, authorizationServerUri: 'https://a.test', resource: 'https://api.test'}
        resources: [{path: /x, operations: [{name: get, method: GET, call: up.get}]}]
"""
METADATA = "/.well-known/oauth-protected-resource"


def port_of(text: str) -> httpx2.AsyncClient:
    """A client of everything that ``text`` serves, on one port."""
    capability = compile_text(text).capability
    engine, settings = Engine(capability), AssemblySettings(ports={"rest": 1, "mcp": 1})
    engine.resolve()
    assembly = place([capability], settings)
    connect(assembly, engine, settings)
    (listener,) = assembly.listeners
    transport = httpx2.ASGITransport(app=asgi_app(listener.handler))
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1")


async def test_each_protected_resource_of_a_port_describes_itself():
    async with port_of(GUARDED) as client:
        found = [(await client.get(path)).json()["resource"] for path in (METADATA, f"{METADATA}/mcp")]

    assert found == ["https://api.test", "https://api.test/mcp"]


async def test_a_refusal_names_the_description_that_the_same_port_serves():
    async with port_of(
        GUARDED[: GUARDED.index("      - type: mcp")] + GUARDED[GUARDED.index("      - type: rest") :]
    ) as client:
        refused = await client.get("/x")
        described = await client.get(METADATA)

    assert refused.status_code == 401
    assert f'resource_metadata="https://api.test{METADATA}"' in refused.headers["www-authenticate"]
    assert (described.status_code, described.json()["resource"]) == (200, "https://api.test")
