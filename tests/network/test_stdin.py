"""A file that declares MCP on standard streams beside other adapters, started without standard input."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

FILE = """
naftiko: 1.0.0-alpha2
capability:
  consumes:
  - {type: http, namespace: api, baseUri: 'http://127.0.0.1:9', resources: [{path: /x, operations: [{name: get, method: GET}]}]}
  exposes:
  - {type: mcp, namespace: words, transport: stdio, tools: [{name: get, call: api.get}]}
  - {type: rest, namespace: rest, port: PORT, resources: [{path: /x, operations: [{method: GET, call: api.get}]}]}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def listens(port: int) -> bool:
    with socket.socket() as one:
        one.settimeout(0.5)
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("source", ["/dev/null", "closed pipe"])
def test_listeners_go_on_serving_when_standard_input_is_at_its_end(source, tmp_path: Path):
    port = free_port()
    (tmp_path / "cap.yaml").write_text(FILE.replace("PORT", str(port)), encoding="utf-8")
    if source == "/dev/null":
        stdin = os.open("/dev/null", os.O_RDONLY)
    else:
        stdin, writing = os.pipe()
        os.close(writing)
    process = subprocess.Popen(
        [sys.executable, "-m", "naftiko_run", str(tmp_path / "cap.yaml")],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(stdin)
    try:
        deadline = time.monotonic() + 30
        while not listens(port):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.3)
        assert listens(port)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
