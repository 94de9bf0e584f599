"""From the command to the first REST answer, and to the first ``tools/list`` over stdio, beside what others only import."""

from __future__ import annotations

import compileall
import contextlib
import json
import os
import socket
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import naftiko_run
from benchmarks.bench import COMMAND, PEERS, Bench, Row
from benchmarks.documents import write_document
from benchmarks.machine import SERVER_CORE, free_port
from benchmarks.scenarios.calls import MODERN_META

_PIN = ("taskset", "-c", str(SERVER_CORE))
_LIST = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": MODERN_META}}).encode() + b"\n"
Start = Callable[[], float]


def run(bench: Bench) -> None:
    compileall.compile_dir(Path(naftiko_run.__file__).parent, quiet=1)  # as everything is that pip installed
    port = free_port()
    rest = str(write_document(bench.folder, bench.upstream.port, port, name="start"))
    tools = str(
        write_document(bench.folder, bench.upstream.port, free_port(), rest=False, mcp=True, operations=50, name="stdio")
    )
    times = 3 if bench.quick else 15
    ours, other = _alternate(lambda: _first_answer([COMMAND, rest], port), lambda: _import("starlette, uvicorn"), times)
    _report(bench, "cold start to the first REST answer", ours, other, "import starlette, uvicorn", "<= 1.6")
    ours, other = _alternate(lambda: _first_list([COMMAND, tools, "--stdio"]), lambda: _import("mcp"), times)
    _report(bench, "stdio start to the first tools/list, 50 operations", ours, other, "import mcp", "<= 1.2")
    ours, other = _alternate(lambda: _done([COMMAND, "--version"]), lambda: _done([str(PEERS), "-c", "pass"]), times)
    _report(bench, "--version", ours, other, "python -c pass", "")


def _alternate(first: Start, second: Start, times: int) -> tuple[list[float], list[float]]:
    first(), second()  # files in memory
    pairs = [(first(), second()) for _ in range(times)]
    return [one for one, _ in pairs], [two for _, two in pairs]


def _report(bench: Bench, title: str, ours: list[float], other: list[float], beside: str, wanted: str) -> None:
    value = statistics.median(ours) / statistics.median(other)
    bench.add(Row(title=title, wanted=wanted, value=value, ours=_shown(ours), other=f"{beside}: {_shown(other)}"))


def _shown(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.0f} ms ({min(seconds) * 1e3:.0f}-{max(seconds) * 1e3:.0f})"


def _import(modules: str) -> float:
    return _done([str(PEERS), "-c", f"import {modules}"])


def _done(command: Sequence[str]) -> float:
    start = time.perf_counter()
    subprocess.run([*_PIN, *command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def _first_answer(command: Sequence[str], port: int) -> float:
    start = time.perf_counter()
    process = subprocess.Popen([*_PIN, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() < start + 20:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as connection:
                connection.sendall(f"GET /jobs/small HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
                if connection.recv(64).startswith(b"HTTP/1.1 200"):
                    return time.perf_counter() - start
            time.sleep(0.001)
        raise RuntimeError("no answer within 20 seconds")
    finally:
        process.terminate()
        process.wait(10)


def _first_list(command: Sequence[str]) -> float:
    start = time.perf_counter()
    process = subprocess.Popen(
        [*_PIN, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(_LIST)
        process.stdin.flush()
        line = process.stdout.readline()
        elapsed = time.perf_counter() - start
        if len(json.loads(line)["result"]["tools"]) != 50:
            raise RuntimeError("not all tools were listed")
        return elapsed
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()
