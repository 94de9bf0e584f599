"""An upstream that takes 50 ms for each answer and next to no time of the processor. ``slow.py PORT BODY``."""

from __future__ import annotations

import asyncio
import sys

import uvloop

_DELAY = 0.05


class Slow(asyncio.Protocol):
    answer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.held = b""

    def data_received(self, data: bytes) -> None:
        self.held += data
        while b"\r\n\r\n" in self.held:  # requests without a body only
            self.held = self.held.partition(b"\r\n\r\n")[2]
            asyncio.get_running_loop().call_later(_DELAY, self.transport.write, self.answer)  # type: ignore[attr-defined]


async def main(port: int, body: bytes) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    Slow.answer = head.encode() + body
    server = await asyncio.get_running_loop().create_server(Slow, "127.0.0.1", port, backlog=4096)
    await server.serve_forever()


uvloop.run(main(int(sys.argv[1]), sys.argv[2].encode()))
