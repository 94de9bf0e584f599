"""Four mapped values of a reply, against the same reply passed through."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import MAPPED, PASS_THROUGH


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        server = bench.ours(stack)
        found = bench.compare([
            Contender(name="passed through", server=server, call=PASS_THROUGH, helpers=(bench.upstream,)),
            Contender(name="mapped", server=server, call=MAPPED, helpers=(bench.upstream,)),
        ])  # fmt: skip
    bench.ratio("mapped REST (4 paths) against pass-through", found["mapped"], found["passed through"], ">= 0.75")
