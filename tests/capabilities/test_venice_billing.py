"""venice-billing.yaml: filters, pages, and one endpoint read as JSON and as CSV."""

from __future__ import annotations

import json

import pytest

NAME = "venice-billing"


async def test_entries_are_flat(serve):
    page = await (await serve(NAME)).json("/v1/billing/usage?currency=DIEM")

    assert page == {
        "entries": [
            {
                "timestamp": "2026-11-17T08:40:30.000Z",
                "sku": "llama-3.3-70b-llm-output-mtoken",
                "units": 0.001904,
                "pricePerUnitUsd": 2.8,
                "amount": -0.005331,
                "currency": "DIEM",
                "notes": "API Inference",
                "requestId": "chatcmpl-0003",
                "executionTimeMs": 11870,
                "promptTokens": 1204,
                "completionTokens": 1904,
            }
        ],
        "pagination": {"page": 1, "limit": 200, "total": 1, "totalPages": 1},
    }


async def test_an_entry_without_a_model_call_has_no_tokens(serve):
    page = await (await serve(NAME)).json("/v1/billing/usage?currency=BUNDLED_CREDITS")

    assert [(entry["requestId"], entry["promptTokens"]) for entry in page["entries"]] == [(None, None)]


async def test_pages_and_order_are_the_upstreams(serve):
    page = await (await serve(NAME)).json("/v1/billing/usage?limit=2&page=2&sortOrder=asc")

    assert [entry["timestamp"][:10] for entry in page["entries"]] == ["2026-11-17", "2026-11-18"]
    assert page["pagination"] == {"page": 2, "limit": 2, "total": 6, "totalPages": 3}


async def test_dates_narrow_the_range(serve):
    page = await (await serve(NAME)).json("/v1/billing/usage?startDate=2026-11-15&endDate=2026-11-17T23:59:59Z")

    assert [entry["timestamp"][:10] for entry in page["entries"]] == ["2026-11-17", "2026-11-15"]


@pytest.mark.parametrize(
    "query", ["currency=EUR", "sortOrder=up", "startDate=yesterday", "limit=many", "limit=0", "limit=501", "page=0"]
)
async def test_what_the_service_would_refuse_is_refused_before(serve, query):
    answer = await (await serve(NAME)).rest("GET", f"/v1/billing/usage?{query}")

    assert answer.status == 400
    assert [error["name"] for error in json.loads(answer.body)["errors"]] == [query.partition("=")[0]]


async def test_csv_passes_untouched(serve):
    answer = await (await serve(NAME)).rest("GET", "/v1/billing/usage.csv?currency=VCU")

    assert {name.lower(): value for name, value in answer.headers}["content-type"] == "text/csv; charset=utf-8"
    header, row = answer.body.decode().splitlines()
    assert header.startswith("timestamp,sku,pricePerUnitUsd,units,amount,currency,notes,inferenceDetails.requestId")
    assert row.startswith("2026-11-18T21:02:11.000Z,venice-sd35-image-unit,0.01,1,-0.1,VCU,API Inference,")


async def test_a_tool_reads_the_csv_as_rows(serve):
    result = await (await serve(NAME)).tool("venice-export-usage", currency="VCU")

    (row,) = result["structuredContent"]["result"]
    assert (row["sku"], row["amount"]) == ("venice-sd35-image-unit", "-0.1")


async def test_a_tool_asks_for_short_pages(serve):
    result = await (await serve(NAME)).tool("venice-list-usage")

    assert result["structuredContent"]["pagination"]["limit"] == 50


async def test_a_tool_says_what_it_takes(serve):
    tools = await (await serve(NAME)).tools()

    properties = tools["venice-list-usage"]["inputSchema"]["properties"]
    assert properties["currency"]["enum"] == ["USD", "VCU", "DIEM", "BUNDLED_CREDITS"]
    assert (properties["limit"]["type"], properties["limit"]["minimum"], properties["limit"]["maximum"]) == ("integer", 1, 500)


async def test_a_key_that_is_no_admin_key_is_refused(serve):
    answer = await (await serve(NAME, VENICE_API_KEY="inference-1")).rest("GET", "/v1/billing/usage")

    assert answer.status == 502
