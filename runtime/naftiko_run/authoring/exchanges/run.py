"""A test file in, one outcome per test out: each call goes through the real adapter, engine and client to a loopback server."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import TYPE_CHECKING

from naftiko_run.authoring.exchanges.compare import compare_answer, compare_body, compare_request
from naftiko_run.authoring.exchanges.document import Case, Suite
from naftiko_run.authoring.exchanges.upstream import ScriptedUpstream
from naftiko_run.authoring.written import write_yaml
from naftiko_run.capability import Capability, LoadOptions, load, load_text
from naftiko_run.consumes.base_uri import split_base
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import NaftikoError
from naftiko_run.exposes.exposure import McpExposure, RestExposure
from naftiko_run.exposes.guards.guard import Guard, GuardContext
from naftiko_run.exposes.mcp.adapter import McpAdapter
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.exposes.rest import RestAdapter
from naftiko_run.records import field, record, replace

if TYPE_CHECKING:
    from naftiko_run.exposes.exposure import ForwardRoute

RETRIED = (429, 502, 503, 504)
_MCP = [
    ("content-type", "application/json"),
    ("accept", "application/json, text/event-stream"),
    ("mcp-protocol-version", "2025-11-25"),
]


@record
class Outcome:
    case: Case
    differences: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.differences


@record
class Target:
    """What tests run against. With ``base_uris`` it is another upstream than the test's own, and is not checked."""

    options: LoadOptions = field(default_factory=LoadOptions)
    base_uris: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


async def run_suite(suite: Suite, target: Target | None = None) -> list[Outcome]:
    """Every case, one after the other."""
    target = target or Target()
    return [await run_case(suite, case, target) for case in suite.cases]


async def run_case(suite: Suite, case: Case, target: Target) -> Outcome:
    started = time.monotonic()
    try:
        differences = tuple([one async for one in _differences(suite, case, target)])
    except NaftikoError as error:
        differences = (str(error),)
    return Outcome(case=case, differences=differences, seconds=time.monotonic() - started)


def load_suite(suite: Suite, options: LoadOptions) -> Capability:
    if suite.document is not None:
        return load_text(write_yaml(suite.document), suite.file, options)
    return load(suite.capability, options)


async def _differences(suite: Suite, case: Case, target: Target) -> AsyncIterator[str]:
    declared = load_suite(suite, target.options)
    async with ScriptedUpstream((c.namespace for c in declared.consumers), case.exchanges) as upstream:
        scripted = not target.base_uris
        overrides = (
            {name: url + _prefix(declared, name) for name, url in upstream.urls.items()} if scripted else target.base_uris
        )
        options = replace(target.options, base_uris={**overrides, **target.options.base_uris})
        answer = await _called(load_suite(suite, options), case, {**target.environment, **case.environment})
        for difference in _judged(case, answer):
            yield difference
        if scripted:
            for difference in _judged_upstream(case, upstream):
                yield difference


def _prefix(capability: Capability, namespace: str) -> str:
    """The path of the declared base URI, so that tests see whole paths."""
    consumer = next(one for one in capability.consumers if one.namespace == namespace)
    base = consumer.base_uri
    return split_base(base.source)[1] if not base.variables and base.problem is None else ""


async def _instantly(seconds: float) -> None:
    """Retries need no pause against an upstream that plays from a list."""


async def _called(capability: Capability, case: Case, environment: Mapping[str, str]) -> HttpAnswer:
    settings = EngineSettings(
        environment=environment, lenient=True, client=ClientSettings(sleep=_instantly), allow_unfiltered_scripts=True
    )  # fmt: skip
    async with Engine(capability, settings) as engine:
        word, _, rest = case.call.partition(" ")
        if word.lower() == "tool":
            return await _call_tool(capability, engine, rest.strip(), case)
        return await _call_rest(capability, engine, word.upper(), rest.strip(), case)


async def _call_rest(capability: Capability, engine: Engine, method: str, target: str, case: Case) -> HttpAnswer:
    rest = [one for one in capability.exposures if isinstance(one, RestExposure)]
    live = engine.live(capability)

    async def forward(route: ForwardRoute, request: HttpRequest, values: Mapping[str, str]) -> HttpAnswer:
        return await live.forward(route, request, values)

    guards: dict[int, Guard] = {
        id(one): one.authentication.bind(live.scope, context=GuardContext(send=live.send), redactor=live.redactor)
        for one in rest
        if one.authentication is not None
    }
    adapter = RestAdapter(rest, engine.run(capability), guards=guards, forward=forward)
    path, _, query = target.partition("?")
    headers = [(name.lower(), str(value)) for name, value in case.headers.items()]
    body = b""
    if case.body is not None:
        body = case.body.encode() if isinstance(case.body, str) else json.dumps(case.body).encode()
        if not any(name == "content-type" for name, _ in headers):
            headers.append(("content-type", "application/json"))
    return await adapter.handle(
        HttpRequest(method=method, path=path, query=query, headers=headers, body=body, peer="127.0.0.1")
    )


async def _call_tool(capability: Capability, engine: Engine, name: str, case: Case) -> HttpAnswer:
    adapter = McpAdapter([one for one in capability.exposures if isinstance(one, McpExposure)], engine.run(capability))
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name, "arguments": dict(case.inputs)}}
    request = HttpRequest(method="POST", path="/mcp", headers=list(_MCP), body=json.dumps(message).encode(), peer="127.0.0.1")
    try:
        return await adapter.handle(request)
    finally:
        await adapter.close()


# ---- judging


def _judged(case: Case, answer: HttpAnswer) -> Iterator[str]:
    if not case.call.lower().startswith("tool "):
        yield from compare_answer(case.answer, answer.status, answer.headers, answer.body)
        return
    message = json.loads(answer.body)
    if "error" in message:
        yield f"the tool call is refused: {message['error'].get('message')}"
        return
    result = message["result"]
    expected = {key: value for key, value in case.answer.items() if key != "isError"}
    wanted = case.answer.get("isError", False)
    content = result["content"][0].get("text", "") if result["content"] else ""
    if bool(result.get("isError")) != wanted:
        yield f"isError is {bool(result.get('isError'))}, expected {wanted}: {content[:300]}"
    yield from compare_body(expected, content.encode(), "the result")


def _judged_upstream(case: Case, upstream: ScriptedUpstream) -> Iterator[str]:
    wanted, seen = case.exchanges, upstream.seen
    for number, (exchange, request) in enumerate(zip(wanted, seen, strict=False), 1):
        if exchange.namespace and exchange.namespace != request.namespace:
            yield f"upstream request {number} went to {request.namespace!r}, expected {exchange.namespace!r}"
        yield from compare_request(exchange.expected, request, number)
    again = bool(wanted) and (wanted[-1].reply.get("fault") is not None or wanted[-1].reply.get("status") in RETRIED)
    if len(seen) < len(wanted) or (len(seen) > len(wanted) and not again):
        yield f"the upstream saw {len(seen)} requests, expected {len(wanted)}"
