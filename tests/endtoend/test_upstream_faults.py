"""Everything an upstream can do wrong, through the whole stack: what REST and MCP callers get for it, and how soon.

The table of failures to answers, cell by cell (requirement T7): each fault by GET and by POST, over REST and over MCP, with
short limits. Afterwards no connection is left, on either side.
"""

from __future__ import annotations

import asyncio
import time
from typing import get_args

import pytest

from naftiko_run import errors
from naftiko_run.errors import RequestError
from naftiko_run.exposes.answers import HTTP_ANSWERS, problem
from naftiko_run.exposes.mcp.results import error_text
from naftiko_run.limits import Limits
from upstream import Fault

DEADLINE = 1.0
SLACK = 0.25
LIMITS = Limits(
    rest_deadline=DEADLINE, mcp_deadline=DEADLINE, connect_time=0.2, idle_time=0.2, attempt_time=0.25, pool_wait=0.2,
    response_body=1 << 20, response_header_bytes=64 << 10,
)  # fmt: skip
CAPABILITY = """
ikanos: "1.0.0-alpha4"
info: {label: Faults, description: One operation that reads and one that writes}
capability:
  consumes:
  - type: http
    namespace: berth
    baseUri: UPSTREAM
    resources:
    - name: ships
      path: /ships
      operations: [{name: get, method: GET}, {name: post, method: POST, inputParameters: [{name: body, in: body}]}]
  - type: http
    namespace: quay
    baseUri: UPSTREAM
    resources:
    - name: ships
      path: /ships
      operations: [{name: get, method: GET}, {name: post, method: POST, inputParameters: [{name: body, in: body}]}]
  exposes:
  - type: rest
    namespace: r
    port: 8080
    resources:
    - path: /ships
      operations:
      - {method: GET, call: berth.get}
      - {method: POST, call: berth.post, inputParameters: [{name: body, in: body, type: object}]}
  - type: mcp
    namespace: m
    port: 9090
    tools:
    - {name: get, description: Read, call: quay.get}
    - name: post
      description: Write
      call: quay.post
      inputParameters: [{name: body, type: object, required: true, description: what}]
"""

TIMEOUTS = {"hang", "slow", "slow-header"}
GOOD: set[str] = {"", "push", "wrong-length"}  # what is beyond a stated length is not read
FAULTS = sorted(set(get_args(Fault)) - GOOD)
CELLS = [(fault, method) for fault in FAULTS for method in ("GET", "POST")]


async def ask(serving, method, face):
    """Status and text of the answer over either face; MCP says the status in its text."""
    if face == "rest":
        answer = await serving.rest(method, "/ships", json=None if method == "GET" else {"name": "Gull"})
        return answer.status_code, answer.text, answer.headers
    result = await serving.tool(method.lower(), **({} if method == "GET" else {"body": {"name": "Gull"}}))
    text = result["content"][0]["text"]
    status = next((int(line.removeprefix("status: ")) for line in text.splitlines() if line.startswith("status: ")), 200)
    assert result["isError"] == (status >= 400)
    return status, text, {}


async def nobody_is_connected(upstream):
    for _ in range(100):
        if upstream.connected == 0:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{upstream.connected} connections are left")


@pytest.mark.parametrize(("fault", "method"), CELLS, ids="-".join)
async def test_a_fault_has_its_status_on_both_faces_in_time_and_leaves_nothing(serve_text, upstream, fault, method):
    serving = await serve_text(CAPABILITY, limits=LIMITS)
    upstream.replies(json={"secret": "of-the-upstream" * 10}, fault=fault)
    expected = 504 if fault in TIMEOUTS else 502
    started = time.monotonic()

    rest, mcp = await asyncio.gather(ask(serving, method, "rest"), ask(serving, method, "mcp"))

    assert time.monotonic() - started < DEADLINE + SLACK
    assert (rest[0], mcp[0]) == (expected, expected)
    assert "of-the-upstream" not in rest[1] + mcp[1]
    assert ("'berth'" in rest[1], "'quay'" in mcp[1]) == (True, True)
    await serving.engine.close()
    await nobody_is_connected(upstream)


@pytest.mark.parametrize("face", ["rest", "mcp"])
@pytest.mark.parametrize(
    ("upstream_status", "status"),
    [(400, 400), (401, 502), (403, 502), (404, 404), (429, 429), (500, 502), (503, 502), (302, 502)],
)
async def test_a_status_of_the_upstream_has_its_own(serve_text, upstream, upstream_status, status, face):
    serving = await serve_text(CAPABILITY, limits=LIMITS)
    upstream.replies(upstream_status, json={"message": "said-by-the-upstream"}, headers={"Retry-After": "7"})

    found, text, headers = await ask(serving, "POST", face)

    assert found == status
    assert ("said-by-the-upstream" in text) == (face == "mcp")
    if status == 429:
        assert "try again in 7 seconds" in text or headers["retry-after"] == "7"


async def test_an_upstream_that_is_left_alone_is_said_to_be_with_a_wait(serve_text, upstream):
    serving = await serve_text(CAPABILITY, limits=LIMITS)
    upstream.replies(fault="early-close")
    for face in ("rest", "mcp") * 5:
        await ask(serving, "POST", face)
    asked = len(upstream.requests)

    status, _, headers = await ask(serving, "POST", "rest")
    told, text, _ = await ask(serving, "POST", "mcp")

    assert (status, told, len(upstream.requests)) == (503, 503, asked)
    assert int(headers["retry-after"]) >= 1
    assert "try again in" in text


# ---- both tables


def classes(root: type[RequestError]) -> list[type[RequestError]]:
    return [root, *(one for below in root.__subclasses__() for one in classes(below))]


EXAMPLES: dict[type[RequestError], RequestError] = {
    errors.InvalidInputs: errors.InvalidInputs([{"name": "id", "place": "path", "message": "is missing"}]),
    errors.MethodNotAllowed: errors.MethodNotAllowed("PUT is not served here", allow=["GET"]),
    errors.UpstreamStatus: errors.UpstreamStatus("the upstream answered 404", upstream_status=404, excerpt="x" * 9000),
    errors.StepFailed: errors.StepFailed("second", errors.UpstreamTimeout("too slow"), completed=["first"], side_effects=[]),
}
OURS = [one for one in classes(RequestError) if one.__module__ == "naftiko_run.errors"]


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_failure_stands_in_the_table_of_http(kind):
    error = EXAMPLES.get(kind) or kind("a sentence of ours")

    answer = problem(error, "r-1")

    assert kind in HTTP_ANSWERS
    assert answer.status == error.status >= 400
    assert answer.body.startswith(b'{"type":"urn:naftiko-run:E-')


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_failure_is_worded_for_a_model_within_bounds(kind):
    error = EXAMPLES.get(kind) or kind("a sentence of ours" + "!" * 9000)

    text = error_text(error)

    assert f"status: {error.status}" in text
    assert len(text) < 5000
