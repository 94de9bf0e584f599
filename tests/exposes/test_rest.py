"""The REST adapter without a listener: requests in, problem documents and answers out."""

from __future__ import annotations

import json

import pytest

from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import RestExposure
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.exposes.rest import RestAdapter
from naftiko_run.flows.result import Result
from plan import compile_text, service

FIND = [{"name": "find", "method": "GET", "inputParameters": [{"name": "limit", "in": "query", "type": "integer"}]}]


def exposure(*resources: tuple[str, str]) -> RestExposure:
    routes = [{"path": path, "operations": [{"method": method, "call": "shop.find"}]} for method, path in resources]
    plan = compile_text(service(FIND, path="/things/{id}", tools=[], routes=routes))
    return next(e for e in plan.capability.exposures if isinstance(e, RestExposure))


async def echo(flow, inputs, seconds) -> Result:
    return Result(data={"inputs": dict(inputs)})


async def ask(adapter: RestAdapter, method: str, path: str, query: str = "") -> HttpAnswer:
    return await adapter.handle(HttpRequest(method=method, path=path, query=query, request_id="r1"))


async def test_a_request_runs_the_flow_of_its_route_with_typed_inputs():
    answer = await ask(RestAdapter([exposure(("GET", "/v1/things/{id}"))], echo), "GET", "/v1/things/7", "limit=3")

    assert (answer.status, json.loads(answer.body)) == (200, {"inputs": {"id": "7", "limit": 3}})


async def test_head_is_answered_where_get_is():
    assert (await ask(RestAdapter([exposure(("GET", "/v1/{id}"))], echo), "HEAD", "/v1/7")).status == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing", 404), ("PUT", "/v1/7", 405), ("OPTIONS", "/v1/7", 204)]
)
async def test_what_is_not_served_says_so(method, path, status):
    answer = await ask(RestAdapter([exposure(("GET", "/v1/{id}"))], echo), method, path)

    assert answer.status == status
    if status == 405:
        assert dict(answer.headers)["Allow"] == "GET, HEAD, OPTIONS"


async def test_a_wrong_input_is_a_problem_document_naming_it():
    answer = await ask(RestAdapter([exposure(("GET", "/v1/{id}"))], echo), "GET", "/v1/7", "limit=x")

    document = json.loads(answer.body)
    assert (answer.status, document["errors"]) == (400, [{"name": "limit", "in": "query", "message": "must be an integer"}])


async def test_routes_of_several_exposures_are_merged_and_the_first_wins():
    problems = Problems()
    adapter = RestAdapter((), echo)
    for one in (exposure(("GET", "/v1/{id}")), exposure(("GET", "/v1/{other}"), ("GET", "/v2/{id}"))):
        adapter.add(one, problems)

    assert [(await ask(adapter, "GET", path)).status for path in ("/v1/7", "/v2/7")] == [200, 200]
    (finding,) = problems.findings
    assert finding.code == "W-REST-SHADOWED"
    assert "GET /v1/{other} is already served (GET /v1/{id} at cap.yaml:" in finding.message
    assert finding.at is not None


async def test_a_path_with_a_fragment_is_served_without_it_where_that_is_free():
    problems = Problems()
    adapter = RestAdapter((), echo)
    adapter.add(exposure(("GET", "/v1/{id}#One"), ("GET", "/v1/{id}#Two")), problems)

    assert (await ask(adapter, "GET", "/v1/7")).status == 200
    assert [f.hint for f in problems.findings] == [
        "served as GET /v1/{id}",
        "reachable through MCP only; give it a path of its own",
    ]
