"""The last of 200 and of 1,000 operations, against the last of 5."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import PASS_THROUGH


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        contenders = [
            Contender(
                name=f"{count:,} operations",
                server=bench.ours(stack, f"ours {count}", operations=count),
                call=PASS_THROUGH,
                helpers=(bench.upstream,),
            )
            for count in (5, 200, 1000)
        ]
        found = bench.compare(contenders)
    few = found["5 operations"]
    bench.ratio("200 operations against 5", found["200 operations"], few)
    bench.ratio("1,000 operations against 5", found["1,000 operations"], few, ">= 0.95")
