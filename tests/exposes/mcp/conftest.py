"""A small training service behind an MCP adapter: its flows answer from a table, and everything in front of them is real."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from naftiko_run.errors import RequestError, StepFailed, UpstreamStatus
from naftiko_run.exposes.exposure import McpExposure, McpPrompt, McpResource, McpTool, PromptArgument
from naftiko_run.exposes.mcp.adapter import McpAdapter
from naftiko_run.exposes.mcp.settings import McpSettings
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.flows.flow import Flow, Semantics
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.result import Result
from naftiko_run.flows.shape import OutputShape
from naftiko_run.limits import Limits

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
VERSION, CAPABILITIES = "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}

JOB_SHAPE = OutputShape(
    apply=lambda document, scope: document,
    schema={"type": "object", "properties": {"id": {"type": "integer"}, "tags": {"type": "array", "items": {}}}},
)


@dataclass
class Upstream:
    """What the flows come to, by name, and what they were given."""

    calls: list[tuple[str, dict[str, object], float]] = field(default_factory=list)
    answers: dict[str, Callable[[Mapping[str, object]], Result | Awaitable[Result]]] = field(default_factory=dict)

    def replies(self, flow: str, **result: Any) -> None:
        self.answers[flow] = lambda inputs: Result(**result)

    def fails(self, flow: str, error: Exception) -> None:
        def raising(inputs: Mapping[str, object]) -> Result:
            raise error

        self.answers[flow] = raising

    async def run(self, flow: Flow, inputs: Mapping[str, object], seconds: float) -> Result:
        self.calls.append((flow.name, dict(inputs), seconds))
        answer = self.answers[flow.name](inputs)
        return await answer if isinstance(answer, Awaitable) else answer


def refused(status: int = 404, excerpt: str = "no such job", retry_after: float | None = None) -> RequestError:
    text = f"training.get-job: the upstream answered {status}"
    return UpstreamStatus(text, upstream_status=status, excerpt=excerpt, retry_after=retry_after)


def flow(name: str, *inputs: InputParameter, **more: Any) -> Flow:
    return Flow(name=name, inputs=inputs, **more)


def training() -> McpExposure:
    """Tools, resources and prompts of every kind."""
    state = InputParameter(name="state", enum=("RUNNING", "DONE"), description="Only jobs in this state")
    job = InputParameter(name="job-id", type="integer", required=True)
    safe = Semantics(safe=True, idempotent=True)
    return McpExposure(
        namespace="training",
        description="Training jobs and what they cost.",
        label="Training",
        version="1.2.0",
        port=4100,
        tools=(
            McpTool(name="list-jobs", flow=flow("list-jobs", state, semantics=safe), title="Jobs", description="All jobs."),
            McpTool(name="get-job", flow=flow("get-job", job, shape=JOB_SHAPE, semantics=safe), description="One job."),
            McpTool(name="stop-all", flow=flow("stop-all", description="Stop everything."), hints={"destructiveHint": True}),
            McpTool(name="plot", flow=flow("plot"), description="The loss curve."),
            McpTool(name="export", flow=flow("export"), description="A PDF."),
            McpTool(name="refused", flow=flow("refused"), description="Always refused."),
            McpTool(name="half-done", flow=flow("half-done"), description="Fails in its second step."),
            McpTool(name="broken", flow=flow("broken"), description="Hits a bug of ours."),
        ),
        resources=(
            McpResource(name="rates", uri="training://rates", title="Rates", description="Prices.", flow=flow("rates")),
            McpResource(name="job", uri="training://jobs/{job_id}/{part}", description="A job.", flow=flow(
                "job", InputParameter(name="job_id", required=True), InputParameter(name="part", enum=("log", "config")),
            )),
        ),
        prompts=(
            McpPrompt(name="summary", title="Summary", description="Sum up a job.", messages=(
                ("user", "Sum up {{job}} in {{language}}."), ("assistant", "Which part of {{job}}?"),
            ), arguments=(PromptArgument(name="job"), PromptArgument(name="language", required=False))),
        ),
        ttl_ms=5000,
        cache_scope="public",
    )  # fmt: skip


def sibling(name: str) -> Any:
    """A module of this folder that is no test."""
    spec = importlib.util.spec_from_file_location(f"mcp_{name}", Path(__file__).parent / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``malformed`` and ``envelope``: one test for each message of the table."""
    for fixture, table in (("malformed", "MESSAGES"), ("envelope", "ENVELOPES")):
        if fixture in metafunc.fixturenames:
            messages = getattr(sibling("malformed"), table)
            metafunc.parametrize(fixture, messages, ids=[f"{number}-{shown(one)}" for number, one in enumerate(messages)])


def shown(body: object) -> str:
    return repr(body if isinstance(body, bytes) else json.dumps(body))[:60]


@pytest.fixture
def sdk() -> Any:
    """``async with sdk(endpoint) as send``: the official SDK serving the same catalog."""
    return sibling("reference").reference


@pytest.fixture
def upstream() -> Upstream:
    upstream = Upstream()
    upstream.replies("list-jobs", body=b'[{"id":1,"cost":12345678901234567890123}]')
    upstream.replies("get-job", data={"id": 1, "tags": None})
    upstream.replies("stop-all", status=204, body=b"", media_type="text/plain")
    upstream.replies("plot", body=PNG, media_type="image/png", binary=True)
    upstream.replies("export", body=b"%PDF-1.7", media_type="application/pdf")
    upstream.replies("rates", body=b'{"hour": 2.5}')
    upstream.answers["job"] = lambda inputs: Result(data=dict(inputs))
    upstream.fails("refused", refused())
    cause = refused(503, retry_after=2.2)
    upstream.fails("half-done", StepFailed("pay", cause, completed=["reserve"], side_effects=["reserve"]))
    upstream.fails("broken", RuntimeError("the secret is hunter2"))
    return upstream


@pytest.fixture
def exposure() -> McpExposure:
    return training()


def message(method: str, params: Mapping[str, object] | None, *, modern: bool, number: object = 1) -> dict[str, object]:
    sent: dict[str, object] = dict(params or {})
    if modern:
        meta = {VERSION: MODERN, CAPABILITIES: {}}
        given = sent.get("_meta")
        sent["_meta"] = {**meta, **(given if isinstance(given, dict) else {})}
    body: dict[str, object] = {"jsonrpc": "2.0", "id": number, "method": method}
    return {**body, "params": sent} if sent else body


def post(body: object, headers: Mapping[str, str] | None = None, *, modern: bool, path: str = "/mcp") -> HttpRequest:
    """A request as a well-behaved client sends it; ``headers`` replace its own (an empty one is left out)."""
    sent = {"content-type": "application/json", "accept": "application/json, text/event-stream", "host": "127.0.0.1:4100"}
    if isinstance(body, dict) and modern:
        method, params = body.get("method"), body.get("params")
        sent |= {"mcp-protocol-version": MODERN, "mcp-method": str(method).encode("latin-1", "replace").decode("latin-1")}
        key = NAMED_BY.get(str(method), "")
        if isinstance(params, dict) and isinstance(params.get(key), str):
            sent["mcp-name"] = params[key]
    elif modern:
        sent["mcp-protocol-version"] = MODERN
    sent |= headers or {}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = [(name, value) for name, value in sent.items() if value]
    return HttpRequest(method="POST", path=path, headers=pairs, body=raw, request_id="r-1")


@dataclass
class Caller:
    """Calls an adapter in one era, without a socket."""

    adapter: McpAdapter
    modern: bool

    async def send(self, body: object, headers: Mapping[str, str] | None = None, path: str = "/mcp") -> HttpAnswer:
        return await self.adapter.handle(post(body, headers, modern=self.modern, path=path))

    async def __call__(self, method: str, params: Mapping[str, object] | None = None, path: str = "/mcp") -> Any:
        """The parsed answer: a JSON-RPC response."""
        answer = await self.send(message(method, params, modern=self.modern), path=path)
        assert ("content-type", "application/json") in answer.headers
        return json.loads(answer.body)

    async def result(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        answer = await self(method, params)
        assert "result" in answer, answer
        return answer["result"]

    async def error(self, method: str, params: Mapping[str, object] | None = None) -> Any:
        return (await self(method, params))["error"]

    async def call(self, tool: str, /, **arguments: object) -> Any:
        return await self.result("tools/call", {"name": tool, "arguments": arguments})


@pytest.fixture
def serve(upstream: Upstream) -> Callable[..., McpAdapter]:
    def serving(*exposures: McpExposure, limits: Limits | None = None, **settings: Any) -> McpAdapter:
        return McpAdapter(exposures, upstream.run, limits=limits or Limits(), settings=McpSettings(**settings))

    return serving


@pytest.fixture
async def adapter(serve: Callable[..., McpAdapter], exposure: McpExposure) -> AsyncIterator[McpAdapter]:
    adapter = serve(exposure)
    yield adapter
    await adapter.close()


@pytest.fixture
def modern(adapter: McpAdapter) -> Caller:
    return Caller(adapter, modern=True)


@pytest.fixture
def legacy(adapter: McpAdapter) -> Caller:
    return Caller(adapter, modern=False)


@pytest.fixture(params=["modern", "legacy"])
def mcp(request: pytest.FixtureRequest, adapter: McpAdapter) -> Caller:
    """The same calls in both eras."""
    return Caller(adapter, modern=request.param == "modern")


@pytest.fixture
def caller() -> Callable[..., Caller]:
    return Caller


@pytest.fixture
def request_body() -> Callable[..., dict[str, object]]:
    return message


@pytest.fixture
def posted() -> Callable[..., HttpRequest]:
    return post


@pytest.fixture
def gate(upstream: Upstream) -> asyncio.Event:
    """``list-jobs`` waits for it."""
    opened = asyncio.Event()

    async def waiting() -> Result:
        await opened.wait()
        return Result(data=[])

    upstream.answers["list-jobs"] = lambda inputs: waiting()
    return opened


@pytest.fixture
def fixtures() -> Iterator[str]:
    """The URL of the upstream of the conformance fixtures."""
    upstream = sibling("conformance/upstream")
    server = upstream.ThreadingHTTPServer(("127.0.0.1", 0), upstream.Fixtures)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def serving_command(*arguments: str) -> list[str]:
    """The command, serving the conformance capability."""
    capability = Path(__file__).parent / "conformance" / "capability.yaml"
    return [sys.executable, "-m", "naftiko_run", "serve", str(capability), "--log-level", "error", *arguments]


@pytest.fixture
def run_command() -> Callable[..., list[str]]:
    return serving_command


@pytest.fixture
def command(fixtures: str) -> list[str]:
    """The command that serves the conformance capability over its standard streams."""
    return serving_command("--stdio", "--base-uri", f"fixtures={fixtures}")


@pytest.fixture
async def conformance_url(fixtures: str) -> AsyncIterator[str]:
    """The conformance capability, served by the command on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = serving_command("--port", f"conformance={port}", "--base-uri", f"fixtures={fixtures}")
    process = subprocess.Popen(serve, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await accepting(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


async def accepting(port: int) -> None:
    async with asyncio.timeout(60):  # a busy machine starts slowly
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


@pytest.fixture(name="accepting")
def accepting_fixture() -> Callable[[int], Awaitable[None]]:
    """``await accepting(port)``: something listens there."""
    return accepting


@pytest.fixture
def upstream_server() -> Iterator[Callable[[Callable[[str], Mapping[str, object]]], str]]:
    """``upstream_server(documents)`` serves ``documents(url)``, JSON by path, and returns the URL."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def serve(documents: Callable[[str], Mapping[str, object]]) -> str:
        class Documents(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = documents(url).get(self.path)
                body = json.dumps(found).encode()
                self.send_response(404 if found is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Silent."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Documents)
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return url

    yield serve
    for server, thread in running:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def clients() -> Any:
    """What every client should see."""
    return sibling("clients")


@pytest.fixture
def outcomes() -> Any:
    """How a run of the official scenarios is read."""
    return sibling("outcomes")


@pytest.fixture(scope="session")
def node() -> Path:
    """The folder with Node.js and the packages that ``./dev conformance`` brings."""
    folder = Path(__file__).parents[3] / "out" / "conformance"
    if not (folder / ".stamp").exists():
        missing = "needs Node.js and npm packages: ./dev conformance brings them"
        (pytest.fail if os.environ.get("NAFTIKO_CONFORMANCE") == "required" else pytest.skip)(missing)
    return folder
