"""Real servers on loopback, and a ``send`` that reaches them."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import httpx2
import pytest

from naftiko_run.consumes.messages import Deadline, UpstreamReply, UpstreamRequest

Send = Callable[[UpstreamRequest, Deadline], Awaitable[UpstreamReply]]


@pytest.fixture
async def send() -> AsyncIterator[Send]:
    async with httpx2.AsyncClient(trust_env=False) as client:

        async def one(request: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
            answer = await client.request(
                request.method, f"{request.origin}{request.target}", headers=request.headers, content=request.body
            )
            headers = [(name.lower(), value) for name, value in answer.headers.multi_items()]
            return UpstreamReply(status=answer.status_code, headers=headers, body=answer.content)

        yield one


@contextmanager
def serving(app: object) -> Iterator[int]:
    """A WSGI application on a free loopback port."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, type: str, message: str, *args: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)  # type: ignore[arg-type]  # Flask is a WSGI app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="session")
def httpbin_port() -> Iterator[int]:
    httpbin = pytest.importorskip("httpbin", reason="the test server httpbin is not installed")
    with serving(httpbin.app) as port:
        yield port
