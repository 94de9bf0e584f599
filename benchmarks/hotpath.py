"""One request through the whole runtime without a socket: ``python -m benchmarks.hotpath [SCENARIO] [--profile]``.

The listener's protocol is fed bytes, and the upstream's connection answers from memory, so nothing but our own code is timed: a
steady number on a busy machine, and a profile without the kernel in it. The least of several rounds is the one that was
disturbed least.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import gc
import pstats
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.documents import write_document
from benchmarks.load import Call
from benchmarks.scenarios.calls import LEGACY_CALL, MAPPED, MODERN_CALL, PASS_THROUGH, STEPS
from benchmarks.upstream import small_body
from naftiko_run.capability import load
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.pool import Pool
from naftiko_run.consumes.wire import Connection
from naftiko_run.engine import Engine
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import AssemblySettings, place
from naftiko_run.server.protocol import HttpConnection
from naftiko_run.server.site import Site
from naftiko_run.server.state import ServerState

SCENARIOS = {"rest": PASS_THROUGH, "mapped": MAPPED, "modern": MODERN_CALL, "legacy": LEGACY_CALL, "steps": STEPS}


class _Upstream(asyncio.Transport):
    """The upstream's end of a kept connection: whatever is written is answered in the next turn of the loop."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        head = "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Mon, 05 Jan 2026 08:00:00 GMT\r\nContent-Type: application/json\r\n"
        self._answer = f"{head}Content-Length: {len(body)}\r\nConnection: keep-alive\r\n\r\n".encode() + body
        self._loop = asyncio.get_running_loop()
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self._loop.call_soon(self.protocol.data_received, self._answer)

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self._loop.call_soon(self.protocol.connection_lost, None)


class _Caller(asyncio.Transport):
    """The caller's end: the next request goes out when an answer came in, until enough have."""

    def __init__(self, request: bytes, count: int) -> None:
        super().__init__({"peername": ("127.0.0.1", 5)})
        self._request, self.left = request, count
        self._loop = asyncio.get_running_loop()
        self.done = self._loop.create_future()
        self.last = b""
        self.protocol: Any = None

    def write(self, data: Any) -> None:
        self.last = bytes(data)
        self.left -= 1
        if self.left:
            self._loop.call_soon(self.protocol.data_received, self._request)
        elif not self.done.done():
            self.done.set_result(None)

    def get_write_buffer_size(self) -> int:
        return 0


def _bytes(call: Call) -> bytes:
    fields = {"Host": "127.0.0.1:8080", **call.headers}
    if call.body:
        fields["Content-Length"] = str(len(call.body))
    lines = [f"{call.method} {call.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return ("\r\n".join(lines) + "\r\n\r\n" + call.body).encode()


async def _drive(site: Site, call: Call, count: int) -> float:
    """Seconds of processor time for one of ``count`` requests."""
    caller = _Caller(_bytes(call), count)
    caller.protocol = connection = HttpConnection(site)
    connection.connection_made(caller)
    start = time.process_time()
    connection.data_received(_bytes(call))
    await caller.done
    spent = (time.process_time() - start) / count
    if b" 200 OK\r\n" not in caller.last or call.holds not in caller.last:
        raise RuntimeError(caller.last.decode())
    connection.connection_lost(None)
    return spent


def _fill(client: HttpClient, origin: Any, body: bytes, connections: int) -> None:
    """Kept connections to an upstream that is not there."""
    pool = client._transport
    assert isinstance(pool, Pool)
    for _ in range(connections):
        transport = _Upstream(body)
        transport.protocol = connection = Connection(
            origin, pool._faults, client.settings.limits, pool._connections.add, pool._lost
        )
        connection.connection_made(transport)
        connection.seen = time.monotonic()
        pool.keep(connection, pool.kept(origin))


async def _measure(names: list[str], count: int, rounds: int, profiled: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        capability = load(write_document(Path(folder), 9, 8080, mcp=True))
    engine = Engine(capability)
    engine.resolve()
    settings = AssemblySettings()
    assembly = place([capability], settings)
    connect(assembly, engine, settings)
    site = Site(ServerState(DEFAULT_LIMITS))
    site.handler, site.express = assembly.listeners[0].handler, assembly.listeners[0].express
    live = next(iter(engine.live(capability).consumers.values()))
    assert live.target is not None
    gc.collect()
    gc.freeze()
    for name in names:
        call = SCENARIOS[name]
        _fill(live.client, live.target.origin, small_body().encode(), 3)  # the ones before may have grown too old
        await _drive(site, call, 500)
        profile = cProfile.Profile()
        if profiled:
            profile.enable()
        seconds = min([await _drive(site, call, count) for _ in range(rounds)])
        profile.disable()
        print(f"{name:8} {seconds * 1e6:7.1f} us")
        if profiled:
            pstats.Stats(profile).sort_stats("tottime").print_stats(45)
    await engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hotpath", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all of them without")
    parser.add_argument("--count", type=int, default=500, help="requests in a round")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--profile", action="store_true", help="run under cProfile and print where the time went")
    given = parser.parse_args()
    uvloop.run(_measure(given.scenarios or list(SCENARIOS), given.count, given.rounds, given.profile))


if __name__ == "__main__":
    main()
