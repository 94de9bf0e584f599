"""What one worker holds: idle with and without MCP, and more of it after very many calls."""

from __future__ import annotations

import time
from contextlib import ExitStack

from benchmarks.bench import Bench, Row
from benchmarks.load import load, verify
from benchmarks.scenarios.calls import MODERN_CALL, PASS_THROUGH

_WARM = 20_000


def run(bench: Bench) -> None:
    calls = 1_000_000 if bench.full else 20_000 if bench.quick else 200_000
    with ExitStack() as stack:
        rest, mcp = bench.ours(stack, "ours rest"), bench.ours(stack, "ours mcp", mcp=True)
        time.sleep(0.5)
        bench.add(Row(title="memory of an idle worker, REST only", wanted="<= 60", value=rest.memory, unit="MiB"))
        verify(mcp.port, MODERN_CALL)
        bench.add(Row(title="memory of an idle worker with MCP", wanted="<= 110", value=mcp.memory, unit="MiB"))
        verify(rest.port, PASS_THROUGH)
        _send(rest.port, _WARM)
        before = rest.memory
        sent = _send(rest.port, calls)
        title = f"growth over {sent:,} calls"
        bench.add(Row(title=title, wanted="<= 5", value=rest.memory - before, unit="MiB"))


def _send(port: int, calls: int) -> int:
    """At least so many calls, in rounds of bounded time."""
    sent, rate = 0, 1.0
    until = time.monotonic() + 600
    while sent < calls and time.monotonic() < until:
        seconds = 1 if sent == 0 else min(20, 1 + (calls - sent) / rate)
        done = load(port, PASS_THROUGH, seconds, 32)
        sent, rate = sent + done.requests, done.rate
    return sent
