"""runtools-billing.yaml: bodies, a header key, and rules for admins."""

from __future__ import annotations

import json

import pytest

NAME = "runtools-billing"


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("plan", "plan", {"id": "team", "name": "Team", "seats": 5, "renewsAt": "2026-12-01T00:00:00Z"}),
        ("credits", "balanceCents", 4210),
        ("auto-topup", "thresholdCents", 1000),
        ("my-usage", "period", "current"),
        ("my-usage?period=7d", "period", "7d"),
        ("success?session_id=cs_9", "creditedCents", 2500),
    ],
)
async def test_reading(serve, path, key, value):
    answer = await (await serve(NAME)).json(f"/v1/billing/{path}")

    assert answer[key] == value


async def test_the_ledger_explains_the_balance(serve):
    entries = (await (await serve(NAME)).json("/v1/billing/credits/history"))["entries"]

    assert sum(entry["amountCents"] for entry in entries) == entries[0]["balanceCents"]


async def test_an_admin_sees_all_members(serve):
    usage = await (await serve(NAME)).json("/v1/billing/my-usage?all=true&period=30d")

    assert (usage["period"], len(usage["members"])) == ("30d", 2)


async def test_a_top_up_sends_its_amount_as_a_number(serve):
    answer = await (await serve(NAME)).rest("POST", "/v1/billing/topup", {"amountCents": 2500})

    assert answer.status == 200
    assert json.loads(answer.body)["amountCents"] == 2500


async def test_a_top_up_that_is_too_small_is_refused_by_the_service(serve):
    answer = await (await serve(NAME)).rest("POST", "/v1/billing/topup", {"amountCents": 100})

    assert answer.status == 422


@pytest.mark.parametrize("body", [{}, {"amountCents": "a lot"}, {"amountCents": 0}])
async def test_a_top_up_without_a_usable_amount_never_leaves(serve, body):
    answer = await (await serve(NAME)).rest("POST", "/v1/billing/topup", body)

    assert answer.status == 400
    assert [error["name"] for error in json.loads(answer.body)["errors"]] == ["amountCents"]


async def test_settings_that_are_left_out_are_not_sent(serve):
    answer = await (await serve(NAME)).rest("PUT", "/v1/billing/auto-topup", {"enabled": True, "topupAmountCents": 5000})

    assert json.loads(answer.body) == {"enabled": True, "thresholdCents": 1000, "topupAmountCents": 5000}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("runtools-create-topup", {"amountCents": 2500}),
        ("runtools-set-auto-topup", {"enabled": False}),
        ("runtools-get-my-usage", {"all": True}),
    ],
)
async def test_a_member_may_not_do_what_admins_may(serve, tool, arguments):
    result = await (await serve(NAME, RUNTOOLS_API_KEY="member-1")).tool(tool, **arguments)

    assert result["isError"]
    assert "403" in result["content"][0]["text"]


async def test_a_member_may_read(serve):
    served = await serve(NAME, RUNTOOLS_API_KEY="member-1")

    assert (await served.json("/v1/billing/my-usage"))["toolExecutions"] == 301


async def test_the_tools_that_can_cost_money_say_so(serve):
    tools = await (await serve(NAME)).tools()

    writing = sorted(name for name, tool in tools.items() if not tool["annotations"]["readOnlyHint"])
    assert writing == ["runtools-create-topup", "runtools-set-auto-topup"]
    assert tools["runtools-set-auto-topup"]["annotations"]["destructiveHint"]
