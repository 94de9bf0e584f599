"""REST in, the upstream's bytes out, beside nginx and beside what is written by hand."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.compare import Contender
from benchmarks.scenarios.calls import PASS_THROUGH, PROXIED

PEERS = (
    ("Starlette + httpx", "starlette", "httpx", ">= 40"),
    ("Starlette + httpx2", "starlette", "httpx2", ">= 12"),
    ("Starlette + aiohttp", "starlette", "aiohttp", ">= 2.5"),
    ("FastAPI + httpx", "fastapi", "httpx", ""),
)


def run(bench: Bench) -> None:
    with ExitStack() as stack:
        helpers = (bench.upstream,)
        contenders = [
            Contender(name="nginx", server=bench.proxy(stack), call=PROXIED, helpers=helpers),
            Contender(name="ours", server=bench.ours(stack), call=PASS_THROUGH, helpers=helpers),
        ]
        for name, framework, client, _ in PEERS:
            server = bench.peer(stack, name, "gateway.py", framework, client)
            contenders.append(Contender(name=name, server=server, call=PASS_THROUGH, helpers=helpers))
        found = bench.compare(contenders)
    bench.ratio("REST pass-through against nginx proxy_pass", found["ours"], found["nginx"], ">= 0.40")
    for name, _, _, wanted in PEERS:
        bench.ratio(f"REST pass-through against {name}", found["ours"], found[name], wanted)
