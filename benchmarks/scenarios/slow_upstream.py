"""An upstream that takes 50 ms, 256 connections: what counts is how many calls are under way at once.

A namespace may have 50 of them unless told otherwise, so it is told: an operator of such an upstream would, too.
"""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import PASS_THROUGH, PROXIED

_ROOM = ("namespace-connections", "namespace-in-flight", "namespace-idle", "in-flight")
OPTIONS = tuple(word for name in _ROOM for word in ("--limit", f"{name}=300"))


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        slow = bench.slow_upstream(stack)
        ours = bench.ours(stack, upstream=slow, options=OPTIONS)
        found = bench.compare([
            Contender(name="nginx", server=bench.proxy(stack, slow), call=PROXIED, helpers=(slow,)),
            Contender(name="ours", server=ours, call=PASS_THROUGH, helpers=(slow,)),
        ], connections=256)  # fmt: skip
    bench.ratio("50 ms upstream, 256 connections, against nginx", found["ours"], found["nginx"], ">= 0.9")
