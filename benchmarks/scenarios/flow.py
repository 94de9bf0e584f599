"""Three calls in a row behind one REST operation, against one call."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import PASS_THROUGH, STEPS


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        server = bench.ours(stack)
        found = bench.compare([
            Contender(name="one call", server=server, call=PASS_THROUGH, helpers=(bench.upstream,)),
            Contender(name="three steps", server=server, call=STEPS, helpers=(bench.upstream,)),
        ])  # fmt: skip
    bench.ratio("flow of 3 steps against pass-through", found["three steps"], found["one call"])
