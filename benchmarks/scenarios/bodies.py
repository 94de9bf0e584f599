"""A body of 100 kB, passed through and mapped, beside nginx."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import LARGE_MAPPED, LARGE_PASS_THROUGH


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        helpers = (bench.upstream,)
        server = bench.ours(stack)
        found = bench.compare([
            Contender(
                name="nginx", server=bench.proxy(stack), call=replace(LARGE_PASS_THROUGH, path="/large"), helpers=helpers
            ),
            Contender(name="ours", server=server, call=LARGE_PASS_THROUGH, helpers=helpers),
            Contender(name="mapped", server=server, call=LARGE_MAPPED, helpers=helpers),
        ])  # fmt: skip
    bench.ratio("100 kB pass-through against nginx proxy_pass", found["ours"], found["nginx"])
    bench.ratio("100 kB, every item mapped, against pass-through", found["mapped"], found["ours"])
