"""The built-in upstream as a process: reachable, and gone with whoever started it."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from naftiko_run.mock.answer import Answer
from naftiko_run.mock.condition import Condition
from naftiko_run.mock.rows import RowQuery
from naftiko_run.mock.table import MockOperation, MockTable, dump_table, load_table
from naftiko_run.mock.upstream import MockUpstream

TABLE = MockTable(
    operations=(
        MockOperation(
            ref="shop.echo",
            method="POST",
            path="/shop/echo/([^/]+)",
            variables=("id",),
            types={"body.n": "integer"},
            answers=(
                Answer(status=204, when=(Condition(reference="path.id", test="equals", operand="none"),)),
                Answer(body={"id": "{{path.id}}", "n": "{{body.n}}"}),
            ),
        ),
        MockOperation(
            ref="shop.rows", method="GET", path="/shop/rows",
            answers=(Answer(rows=RowQuery(items=({"a": 1},), equal={"a": "query.a"})),),
        ),
    ),
    refusals={"unknown": Answer(status=410, text="gone")},
)  # fmt: skip


@pytest.fixture(scope="module")
def running() -> Iterator[MockUpstream]:
    with MockUpstream(TABLE) as upstream:
        yield upstream


def call(running: MockUpstream, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
    response = connection.getresponse()
    try:
        return response.status, response.read().decode()
    finally:
        connection.close()


def test_a_table_survives_the_journey_as_json():
    assert load_table(json.loads(json.dumps(dump_table(TABLE)))) == TABLE


def test_it_answers_over_http(running):
    assert call(running, "POST", "/shop/echo/x", b'{"n": 1}') == (200, '{"id":"x","n":1}')
    assert call(running, "GET", "/shop/rows?a=1") == (200, '[{"a":1}]')
    assert call(running, "POST", "/shop/echo/none") == (204, "")
    assert call(running, "GET", "/elsewhere") == (410, "gone")


def test_it_keeps_a_connection_open_for_the_next_request(running):
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
    for _ in range(2):
        connection.request("GET", "/shop/rows")
        assert connection.getresponse().read() == b'[{"a":1}]'
    connection.close()


def test_what_is_not_http_gets_400(running):
    with socket.create_connection(("127.0.0.1", running.port), timeout=5) as raw:
        raw.sendall(b"hello\r\n\r\n")
        assert raw.recv(64).startswith(b"HTTP/1.1 400 ")


def test_consumers_are_pointed_at_a_prefix_of_their_own(running):
    assert running.base_uris(["shop", "a b"]) == {
        "shop": f"http://127.0.0.1:{running.port}/shop",
        "a b": f"http://127.0.0.1:{running.port}/a%20b",
    }


def test_stopping_ends_the_process():
    upstream = MockUpstream(MockTable())

    upstream.stop()
    upstream.stop()

    assert not upstream.running


def test_it_ends_with_a_parent_that_is_killed():
    program = (
        "import sys, time\n"
        "from naftiko_run.mock.table import MockTable\n"
        "from naftiko_run.mock.upstream import MockUpstream\n"
        "print(MockUpstream(MockTable()).port, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    port = int(parent.stdout.readline())

    parent.kill()
    parent.wait()
    parent.stdout.close()

    assert closes_within(port, seconds=5)


def closes_within(port: int, *, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return True
        time.sleep(0.02)
    return False
