"""training-billing.yaml as published: two operations, passed through."""

from __future__ import annotations

import json

NAME = "training-billing"


async def test_the_usage_of_a_run_is_found_by_its_id(serve):
    usage = await (await serve(NAME)).json("/v1/api/v1/billing/runs/run-42/usage")

    assert (usage["run_id"], usage["status"], usage["total_cost_usd"]) == ("run-42", "COMPLETED", 12.68)
    assert usage["total_tokens"] == usage["training"]["tokens"] + usage["inference"]["tokens"]


async def test_the_wallet_needs_nothing(serve):
    wallet = await (await serve(NAME)).json("/v1/api/v1/billing/wallet")

    assert (wallet["balance_usd"], len(wallet["recent_billings"])) == (87.32, 2)


async def test_a_tool_gives_the_same_as_rest(serve):
    served = await serve(NAME)

    result = await served.tool("prime-intellect-getrunusage", run_id="run-42")

    assert json.loads(result["content"][0]["text"]) == await served.json("/v1/api/v1/billing/runs/run-42/usage")


async def test_a_run_that_is_not_there_is_404(serve):
    answer = await (await serve(NAME)).rest("GET", "/v1/api/v1/billing/runs/run-404/usage")

    assert answer.status == 404


async def test_an_id_the_service_cannot_read_is_422(serve):
    answer = await (await serve(NAME)).rest("GET", "/v1/api/v1/billing/runs/a%20b/usage")

    assert answer.status == 422


async def test_a_refused_key_is_not_the_callers_fault(serve):
    answer = await (await serve(NAME, PRIME_API_KEY="expired-1")).rest("GET", "/v1/api/v1/billing/wallet")

    assert answer.status == 502


async def test_a_tool_without_its_run_says_so(serve):
    result = await (await serve(NAME)).tool("prime-intellect-getrunusage")

    assert result["isError"]
    assert "run_id" in result["content"][0]["text"]
