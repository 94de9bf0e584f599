"""runtype-model-usage.yaml: one answer, shaped four ways."""

from __future__ import annotations

import pytest

NAME = "runtype-model-usage"


async def test_the_statistics_pass_as_they_are(serve):
    usage = await (await serve(NAME)).json("/v1/model-usage?period=last_7_days&granularity=week")

    assert (usage["meta"]["granularity"], sorted(usage["usageByModel"])) == ("week", ["gpt-3.5-turbo", "gpt-4-runtype"])


async def test_the_map_of_models_becomes_a_list(serve):
    models = await (await serve(NAME)).json("/v1/model-usage/models")

    assert models[0] == {
        "modelId": "gpt-4-runtype",
        "modelName": "GPT-4 Runtype Edition",
        "provider": "OpenAI",
        "requests": 900,
        "tokens": 75000,
        "costUsd": 30,
        "averageCostPerRequestUsd": 0.0333,
    }
    assert [model["modelId"] for model in models] == ["gpt-4-runtype", "gpt-3.5-turbo"]


async def test_no_model_is_an_empty_list(serve):
    assert await (await serve(NAME)).json("/v1/model-usage/models?modelConfigId=mc-404") == []


async def test_the_time_series_stands_alone(serve):
    points = await (await serve(NAME)).json("/v1/model-usage/time-series?granularity=day")

    assert points[0] == {"date": "2024-05-01", "requests": 210, "tokens": 17000, "costUsd": 6.75}
    assert len(points) == 7


async def test_details_are_narrowed_by_model_configuration_and_dates(serve):
    details = await (await serve(NAME)).json("/v1/model-usage/details?modelConfigId=mc-1&endDate=2024-05-03")

    assert [use["id"] for use in details["data"]] == ["use_0002"]


async def test_the_summary_tool_is_one_flat_object(serve):
    result = await (await serve(NAME)).tool("runtype-usage-summary", startDate="2024-05-01", endDate="2024-05-07")

    summary = result["structuredContent"]
    assert (summary["startDate"], summary["totalCostUsd"], summary["platformTokens"]) == ("2024-05-01", 48.75, 30000)
    assert [(model["modelName"], model["costUsd"]) for model in summary["models"]] == [
        ("GPT-4 Runtype Edition", 30),
        ("GPT-3.5 Turbo", 18.75),
    ]


async def test_the_trend_tool_gives_a_list(serve):
    result = await (await serve(NAME)).tool("runtype-usage-over-time", period="last_7_days", granularity="day")

    assert [point["requests"] for point in result["structuredContent"]["result"]] == [210, 230, 220, 210, 190, 230, 230]


@pytest.mark.parametrize(
    "arguments",
    [{"period": "last_year"}, {"startDate": "05/01/2024"}, {"granularity": "minute"}],
    ids=lambda one: next(iter(one)),
)
async def test_values_the_service_does_not_know_are_refused_before(serve, arguments):
    result = await (await serve(NAME)).tool("runtype-usage-over-time", **arguments)

    assert result["isError"]
    assert next(iter(arguments)) in result["content"][0]["text"]


async def test_a_key_that_may_not_see_usage_is_told_apart(serve):
    answer = await (await serve(NAME, RUNTYPE_API_KEY="readonly-1")).rest("GET", "/v1/model-usage")

    assert answer.status == 502
