"""A capability file becomes a Starlette application: for whoever has an ASGI server, or mounts it in an application.

REST routes keep their paths, MCP is at ``/mcp``, skills at ``/skills``; declared addresses and ports do not count, they are
the outer server's. So are reading deadlines, header limits and TLS, which our own listener brings along. ``Host`` and
``Origin`` are checked here as there.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Mount

from naftiko_run.capability import LoadOptions, load
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import Forbidden, MisdirectedRequest, RequestError
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.server.asgi import asgi_app
from naftiko_run.server.assembly import connect
from naftiko_run.server.hosts import HostRules
from naftiko_run.server.placement import AssemblySettings, place


def create_app(
    files: str | Path | Sequence[str | Path],
    *,
    settings: EngineSettings | None = None,
    base_uris: Mapping[str, str] | None = None,
    hosts: Sequence[str] = (),
    origins: Sequence[str] = (),
) -> Starlette:
    """One application for one or several files. ``hosts`` and ``origins`` are accepted beside loopback names.

    Raises what serving would: ``DocumentErrors`` for a file, ``BindingError`` for a missing variable.
    """
    paths = [files] if isinstance(files, (str, Path)) else list(files)
    capabilities = [load(path, LoadOptions(base_uris=base_uris or {})) for path in paths]
    engine = Engine(capabilities, settings)
    engine.resolve()
    # Everything on one port: the outer server's.
    listening = AssemblySettings(ports={"rest": 1, "mcp": 1, "skill": 1, "control": 2})
    assembly = place(capabilities, listening)
    connect(assembly, engine, listening)
    handler = next((one.handler for one in assembly.listeners if one.port == 1), _nothing)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with engine:
            yield

    rules = HostRules(address="127.0.0.1", names=tuple(hosts), origins=tuple(origins))
    return Starlette(routes=[Mount("/", app=asgi_app(_checked(handler, rules)))], lifespan=lifespan)


def _checked(handler: Handler, rules: HostRules) -> Handler:
    """``handler`` behind the host rules (requirement S11), which an outer server does not know."""

    async def handle(request: HttpRequest) -> HttpAnswer:
        try:
            if not rules.accepts_host(request.header("host")):
                raise MisdirectedRequest("the host is not one this application answers for")
            origin = request.header("origin")
            if origin and not rules.accepts_origin(origin):
                raise Forbidden("the origin is not one this application answers to")
        except RequestError as error:
            return problem(error, request.request_id)
        return await handler(request)

    return handle


async def _nothing(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(status=404)
