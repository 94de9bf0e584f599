"""What is written by hand for one route: Starlette (or FastAPI) and a client. ``gateway.py FRAMEWORK CLIENT PORT UPSTREAM``."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

framework, client_name, port, upstream = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
client: Any = None


@contextlib.asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    global client
    library = importlib.import_module(client_name)
    if client_name == "aiohttp":
        client = library.ClientSession(connector=library.TCPConnector(limit=512))
    else:
        client = library.AsyncClient(limits=library.Limits(max_connections=512, max_keepalive_connections=512))
    async with client:
        yield


async def fetch(path: str) -> tuple[int, bytes, str]:
    if client_name == "aiohttp":
        async with client.get(upstream + path) as reply:
            return reply.status, await reply.read(), reply.headers["content-type"]
    reply = await client.get(upstream + path)
    return reply.status_code, reply.content, reply.headers["content-type"]


if framework == "fastapi":
    from fastapi import FastAPI  # type: ignore[import-not-found]
    from starlette.responses import Response

    app: Any = FastAPI(lifespan=lifespan)

    @app.get("/jobs/{name}")  # type: ignore[untyped-decorator]
    async def job(name: str) -> Response:
        status, body, media_type = await fetch(f"/{name}")
        return Response(body, status, media_type=media_type)

else:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    async def handle(request: Request) -> Response:
        status, body, media_type = await fetch(f"/{request.path_params['name']}")
        return Response(body, status, media_type=media_type)

    app = Starlette(routes=[Route("/jobs/{name}", handle)], lifespan=lifespan)


uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="warning", loop="uvloop", http="httptools")
