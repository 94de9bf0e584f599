"""Serving over a pair of streams: lines in, lines out, one era for the life of the connection."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from naftiko_run.limits import Limits

HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}


class Line:
    """A client that writes bytes and reads lines."""

    def __init__(self, adapter):
        self.input, self.output = asyncio.StreamReader(), asyncio.StreamReader()
        self.task = asyncio.create_task(adapter.serve_stdio(self.input, self))

    def write(self, data):
        self.output.feed_data(data)

    async def drain(self):
        return None

    def say(self, *messages):
        for message in messages:
            self.input.feed_data((message if isinstance(message, bytes) else json.dumps(message).encode()) + b"\n")

    async def hear(self):
        async with asyncio.timeout(5):
            return json.loads(await self.output.readline())

    async def ask(self, message):
        self.say(message)
        return await self.hear()

    async def end(self):
        """Close our side; what the server still had to say."""
        self.input.feed_eof()
        async with asyncio.timeout(5):
            await self.task
        self.output.feed_eof()
        return [json.loads(line) for line in (await self.output.read()).splitlines()]


@pytest.fixture
async def line(adapter):
    line = Line(adapter)
    yield line
    line.task.cancel()


async def test_a_handshake_opens_a_legacy_connection(line, request_body):
    hello = await line.ask(request_body("initialize", HELLO, modern=False))
    line.say({"jsonrpc": "2.0", "method": "notifications/initialized"})
    tools = await line.ask(request_body("tools/list", None, modern=False, number=2))

    assert hello["result"]["protocolVersion"] == "2025-11-25"
    assert "resultType" not in tools["result"]


async def test_an_enveloped_request_opens_a_modern_connection(line, request_body):
    found = await line.ask(request_body("server/discover", None, modern=True))
    greeted = await line.ask(request_body("initialize", HELLO, modern=False, number=2))
    bare = await line.ask(request_body("tools/list", None, modern=False, number=3))

    assert found["result"]["supportedVersions"] == ["2026-07-28"]
    assert greeted["error"]["code"] == -32022
    assert greeted["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2025-11-25"}
    assert bare["error"]["code"] == -32602


async def test_a_legacy_connection_takes_no_modern_requests(line, request_body):
    await line.ask(request_body("initialize", HELLO, modern=False))

    late = await line.ask(request_body("tools/list", None, modern=True, number=2))

    assert late["error"]["code"] == -32600


async def test_an_unknown_version_is_refused_with_those_we_speak(line, request_body):
    meta = {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}

    answer = await line.ask(request_body("tools/list", {"_meta": meta}, modern=True))

    assert (answer["error"]["code"], answer["error"]["data"]["requested"]) == (-32022, "2099-01-01")


async def test_broken_lines_are_answered_and_blank_ones_skipped(line, request_body):
    line.say(b"", b"  \r", b"{broken")
    broken = await line.hear()
    after = await line.ask(request_body("ping", None, modern=False, number=7))

    assert (broken["id"], broken["error"]["code"]) == (None, -32700)
    assert after == {"jsonrpc": "2.0", "id": 7, "result": {}}


async def test_a_line_beyond_the_limit_is_refused_and_the_next_one_served(serve, exposure, request_body):
    line = Line(serve(exposure, limits=Limits(request_body=200_000)))
    line.say(b'{"a":"' + b"x" * 500_000 + b'"}')

    refused = await line.hear()
    after = await line.ask(request_body("ping", None, modern=False))

    assert refused["error"]["code"] == -32600
    assert after["result"] == {}
    await line.end()


async def test_a_slow_call_does_not_hold_up_the_next(line, request_body, gate):
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number="slow"))

    quick = await line.ask(request_body("ping", None, modern=False, number="quick"))
    gate.set()

    assert quick["id"] == "quick"
    assert (await line.hear())["id"] == "slow"


async def test_a_cancelled_call_is_never_answered(line, request_body, upstream, gate):
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number=1))
    while not upstream.calls:
        await asyncio.sleep(0)

    line.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}})
    after = await line.ask(request_body("ping", None, modern=False, number=2))
    gate.set()

    assert after["id"] == 2
    assert await line.end() == []


@pytest.mark.parametrize("number", [9, "1", None, [], True], ids=repr)
async def test_cancelling_what_is_not_in_flight_changes_nothing(line, request_body, upstream, gate, number):
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number=1))
    while not upstream.calls:
        await asyncio.sleep(0)

    line.say({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": number}})
    await line.ask(request_body("ping", None, modern=False, number=2))
    gate.set()

    assert (await line.hear())["id"] == 1


async def test_an_id_that_is_in_flight_cannot_be_used_again(line, request_body, upstream, gate):
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number=1))

    again = await line.ask(request_body("ping", None, modern=False, number=1))
    gate.set()

    assert again["error"]["code"] == -32600
    assert "result" in await line.hear()


async def test_what_is_in_flight_when_input_ends_is_still_answered(line, request_body, upstream, gate):
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number=1))
    asyncio.get_running_loop().call_later(0.05, gate.set)

    assert [answer["id"] for answer in await line.end()] == [1]


async def test_what_does_not_end_is_cancelled_after_a_while(serve, exposure, request_body, upstream, gate):
    line = Line(serve(exposure, limits=Limits(shutdown_grace=0.05)))
    line.say(request_body("tools/call", {"name": "list-jobs"}, modern=False, number=1))

    assert await line.end() == []


async def test_malformed_lines_leave_the_connection_in_order(line, request_body, malformed):
    text = malformed if isinstance(malformed, bytes) else json.dumps(malformed).encode()
    line.say(text.replace(b"\n", b" "))

    after = await line.ask(request_body("initialize", HELLO, modern=False, number="after"))
    while after["id"] != "after":
        assert after["error"]["code"] < 0
        after = await line.hear()


def test_requests_can_be_piped_into_a_process(command):
    sent = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"lookup","arguments":{"id":"7"}}}'

    done = subprocess.run(command, input=sent, capture_output=True, timeout=20, check=True)

    assert json.loads(done.stdout)["result"]["structuredContent"]["data"] == "Data for ID: 7"


@pytest.fixture
def halting():
    """The URL of an upstream that answers for ``one`` at once, and for anything else when the event is set."""
    may = threading.Event()

    class Halting(BaseHTTPRequestHandler):
        def do_GET(self):
            if not self.path.endswith("/one"):
                may.wait(10)
            body = b'{"id":"two"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            """Silent."""

    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Halting)
    thread = threading.Thread(target=upstream.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{upstream.server_port}", may
    may.set()
    upstream.shutdown()
    upstream.server_close()
    thread.join()


def test_progress_is_written_while_the_call_runs(run_command, halting):
    url, may = halting
    command = run_command("--stdio", "--base-uri", f"fixtures={url}")
    params = {"name": "test_tool_with_progress", "_meta": {"progressToken": "p"}}

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode() + b"\n")
        process.stdin.flush()
        first = json.loads(process.stdout.readline())  # would not end if it were kept until the answer
        may.set()
        rest = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()

    assert first["params"]["message"] == "first"
    assert [one.get("params", {}).get("message") for one in rest] == ["second", "third", None]
    assert rest[-1]["id"] == 1
