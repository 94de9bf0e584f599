"""Two worker processes against one: what a request costs, and what work that keeps the processor busy gains.

On two cores the load generator shares them with the workers, so the throughput of small calls says nothing here; processor time
does.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench, Row
from benchmarks.compare import Contender
from benchmarks.machine import ALL_CORES
from benchmarks.scenarios.calls import LARGE_MAPPED, PASS_THROUGH


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        one = bench.ours(stack, "one worker", cores=ALL_CORES)
        two = bench.ours(stack, "two workers", cores=ALL_CORES, options=("--workers", "2"))
        helpers = (bench.upstream,)
        small = bench.compare([
            Contender(name="1 worker", server=one, call=PASS_THROUGH, helpers=helpers),
            Contender(name="2 workers", server=two, call=PASS_THROUGH, helpers=helpers),
        ])  # fmt: skip
        heavy = bench.compare([
            Contender(name="1 worker, mapping 100 kB", server=one, call=LARGE_MAPPED, helpers=helpers),
            Contender(name="2 workers, mapping 100 kB", server=two, call=LARGE_MAPPED, helpers=helpers),
        ])  # fmt: skip
    first, second = small["1 worker"], small["2 workers"]
    bench.add(Row(
        title="2 workers: CPU time per request against 1", value=second.cpu_us / first.cpu_us, wanted="<= 1.15",
        ours=str(second), other=str(first),
    ))  # fmt: skip
    bench.ratio(
        "2 workers, mapping 100 kB, against 1", heavy["2 workers, mapping 100 kB"], heavy["1 worker, mapping 100 kB"], ">= 1.5"
    )
