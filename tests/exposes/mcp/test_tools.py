"""Tool calls: arguments in, and answers or failures worded for a model."""

from __future__ import annotations

import base64
import json
import logging

import pytest

from naftiko_run.errors import InvalidInputs, MethodNotAllowed, RequestError, StepFailed, UpstreamStatus, UpstreamUnreachable
from naftiko_run.exposes.answers import HTTP_ANSWERS


async def test_a_json_body_is_passed_on_as_it_came(mcp):
    result = await mcp.call("list-jobs", state="DONE")

    jobs = [{"id": 1, "cost": 12345678901234567890123}]
    assert json.loads(result["content"][0]["text"]) == jobs
    assert result["structuredContent"] == (jobs if mcp.modern else {"result": jobs})
    assert result["isError"] is False


async def test_arguments_arrive_by_the_names_of_the_document_and_under_the_deadline(mcp, upstream):
    await mcp.call("get-job", **{"job-id": "7"})

    assert upstream.calls == [("get-job", {"job-id": 7}, 60.0)]


async def test_wrong_arguments_are_all_named_and_nothing_is_called(mcp, upstream):
    result = await mcp.call("get-job", jobid=3)

    assert result["isError"] is True
    assert result["content"][0]["text"].splitlines()[0] == (
        "job-id: is required; jobid: is not an input of this tool (did you mean 'job-id'?)"
    )
    assert upstream.calls == []


async def test_a_promised_object_is_sent_as_data(mcp):
    result = await mcp.call("get-job", **{"job-id": 1})

    assert result["structuredContent"] == {"id": 1, "tags": None}


@pytest.mark.parametrize("nothing", [{"data": None}, {"body": b"", "status": 204}, {"body": b"[1]"}], ids=repr)
async def test_a_promised_object_is_kept_even_when_there_was_nothing_to_map(mcp, upstream, nothing):
    upstream.replies("get-job", **nothing)

    assert (await mcp.call("get-job", **{"job-id": 1}))["structuredContent"] == {}


async def test_an_empty_answer_has_no_content(mcp):
    result = await mcp.call("stop-all")

    assert (result["content"], result["isError"]) == ([], False)
    assert "structuredContent" not in result


@pytest.mark.parametrize(
    ("body", "kind", "text"),
    [
        (b"plain", "text/plain; charset=utf-8", "plain"),
        (b"<a/>", "application/xml", "<a/>"),
        (b"{broken", "application/json", "{broken"),
        (b'{"a": NaN}', "application/json", '{"a": NaN}'),
        (b"\xff\xfe", "text/plain", "\ufffd\ufffd"),
        (b"null", "application/json", "null"),
    ],
)
async def test_what_is_no_json_is_sent_as_text_alone(mcp, upstream, body, kind, text):
    upstream.replies("plot", body=body, media_type=kind)

    result = await mcp.call("plot")

    assert result["content"] == [{"type": "text", "text": text}]
    assert "structuredContent" not in result


async def test_a_large_unpromised_body_is_sent_as_text_alone(mcp, upstream):
    upstream.replies("plot", body=b'["%b"]' % (b"x" * 1_100_000))

    result = await mcp.call("plot")

    assert "structuredContent" not in result
    assert len(result["content"][0]["text"]) == 1_100_004


async def test_an_image_is_image_content(mcp):
    block = (await mcp.call("plot"))["content"][0]

    assert (block["type"], block["mimeType"]) == ("image", "image/png")
    assert base64.b64decode(block["data"]).startswith(b"\x89PNG")


async def test_sound_is_audio_content(mcp, upstream):
    upstream.replies("plot", body=b"RIFF", media_type="audio/wav")

    assert (await mcp.call("plot"))["content"] == [{"type": "audio", "data": "UklGRg==", "mimeType": "audio/wav"}]


async def test_other_bytes_are_an_embedded_resource(mcp):
    block = (await mcp.call("export"))["content"][0]

    assert block["type"] == "resource"
    assert block["resource"]["uri"].startswith("naftiko://transient/training/export/")
    assert block["resource"]["mimeType"] == "application/pdf"
    assert base64.b64decode(block["resource"]["blob"]) == b"%PDF-1.7"


# ---- failures


async def test_an_upstream_error_tells_what_the_upstream_said(mcp):
    result = await mcp.call("refused")

    assert result["isError"] is True
    assert result["content"][0]["text"].splitlines() == [
        "training.get-job: the upstream answered 404",
        "status: 404",
        "upstream status: 404",
        "the upstream said: no such job",
    ]


async def test_a_failed_step_tells_what_was_done_before_it_and_how_long_to_wait(mcp):
    result = await mcp.call("half-done")

    assert result["structuredContent"] == {"step": "pay", "completed": ["reserve"], "sideEffects": ["reserve"]}
    assert "try again in 3 seconds" in result["content"][0]["text"]


async def test_a_relayed_error_status_is_an_error_with_a_bounded_excerpt(mcp, upstream):
    upstream.replies("plot", status=500, body=b"x" * 5000, media_type="text/plain")

    result = await mcp.call("plot")

    assert result["isError"] is True
    assert "status 500" in result["content"][0]["text"]
    assert len(result["content"][0]["text"]) < 2100


async def test_a_bug_of_ours_is_told_by_its_request_id_alone(mcp, caplog):
    with caplog.at_level(logging.CRITICAL):
        error = await mcp.error("tools/call", {"name": "broken"})

    assert error == {"code": -32603, "message": "internal error", "data": {"requestId": "r-1"}}


async def test_an_unknown_tool_is_a_protocol_error_with_the_nearest_name(mcp):
    error = await mcp.error("tools/call", {"name": "list-job"})

    assert error["code"] == -32602
    assert "did you mean 'list-jobs'?" in error["message"]


# ---- lists


async def test_tools_are_listed_in_the_order_of_the_document(mcp):
    tools = (await mcp.result("tools/list"))["tools"]

    assert [tool["name"] for tool in tools][:3] == ["list-jobs", "get-job", "stop-all"]
    assert tools[0] == {
        "name": "list-jobs",
        "title": "Jobs",
        "description": "All jobs.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "state": {"type": "string", "description": "Only jobs in this state", "enum": ["RUNNING", "DONE"]},
            },
        },
        "annotations": {"title": "Jobs", "readOnlyHint": True, "destructiveHint": False, "idempotentHint": True},
    }
    assert tools[2]["description"] == "Stop everything."
    assert tools[2]["annotations"] == {"destructiveHint": True}


async def test_a_list_is_cut_into_pages_that_can_be_asked_for_in_any_order(serve, caller, exposure):
    mcp = caller(serve(exposure, page_size=3), modern=True)

    pages, cursor = [], None
    while not pages or cursor:
        page = await mcp.result("tools/list", {"cursor": cursor} if cursor else {})
        pages.append([tool["name"] for tool in page["tools"]])
        cursor = page.get("nextCursor")

    assert [len(page) for page in pages] == [3, 3, 2]
    assert len({name for page in pages for name in page}) == 8


@pytest.mark.parametrize(
    "cursor", ["", "x", "ZnJvbSA0", "ZnJvbSA=", "ZnJvbSAwMw", "ZnJvbSA5OTk", "ZnJvbSAz=", 3, [], True], ids=repr
)
async def test_a_cursor_that_was_never_handed_out_is_refused(serve, caller, exposure, cursor):
    mcp = caller(serve(exposure, page_size=3), modern=False)

    assert (await mcp.error("tools/list", {"cursor": cursor}))["code"] == -32602


# ---- every failure


def each_error() -> list[RequestError]:
    """One of every class that a flow can raise."""
    special = {
        InvalidInputs: InvalidInputs([{"name": "x", "message": "is required"}]),
        MethodNotAllowed: MethodNotAllowed("not this way", allow=["GET"]),
        UpstreamStatus: UpstreamStatus("it answered 418", upstream_status=418, excerpt="short and stout", retry_after=1.2),
        StepFailed: StepFailed("pay", UpstreamUnreachable("nobody answers"), completed=[], side_effects=[]),
    }
    return [special.get(kind) or kind("it failed") for kind in HTTP_ANSWERS]


@pytest.mark.parametrize("error", each_error(), ids=lambda error: type(error).__name__)
async def test_every_failure_of_a_flow_is_a_result_that_says_what_happened(mcp, upstream, error):
    upstream.fails("stop-all", error)

    result = await mcp.call("stop-all")

    lines = result["content"][0]["text"].splitlines()
    assert result["isError"] is True
    assert lines[:2] == [error.message, f"status: {error.status}"]
    assert ("structuredContent" in result) == isinstance(error, StepFailed)
