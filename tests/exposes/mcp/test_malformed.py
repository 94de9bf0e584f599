"""Malformed messages in both eras: each gets a client error or is accepted, none an internal one, and none reaches a flow."""

from __future__ import annotations

import json


async def test_a_malformed_message_is_refused_and_nothing_runs(mcp, upstream, malformed):
    answer = await mcp.send(malformed)

    assert_refused(answer, modern=mcp.modern)
    assert upstream.calls == []


async def test_a_modern_message_with_a_wrong_envelope_is_refused(modern, upstream, envelope):
    answer = await modern.send(envelope)

    assert_refused(answer, modern=True)
    assert answer.status == 400
    assert upstream.calls == []


def assert_refused(answer, *, modern):
    """A JSON-RPC error with a code of the protocol, or silence where the message was a notification or a response."""
    if answer.status == 202:
        assert answer.body == b""
        return
    error = json.loads(answer.body)["error"]
    assert error["code"] in {-32700, -32600, -32601, -32602, -32020, -32022} | (set() if modern else {-32002})
    assert "Traceback" not in error["message"]
    assert len(answer.body) < 1000
    assert answer.status in ({400, 404} if modern else {200, 400})
