"""Checked addresses in, one connected socket out: tried in order, each with its share of the time left."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Sequence


async def dial(addresses: Sequence[str], port: int, seconds: float) -> socket.socket:
    """A non-blocking connected socket with ``TCP_NODELAY``. ``OSError`` or ``TimeoutError`` of the last address otherwise."""
    until = time.monotonic() + seconds
    for place, address in enumerate(addresses):
        left = len(addresses) - place
        try:
            async with asyncio.timeout((until - time.monotonic()) / left):
                return await _connect(address, port)
        except OSError:  # TimeoutError is one
            if left == 1:
                raise
    raise OSError("no address")


async def _connect(address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except BaseException:
        connection.close()
        raise
    return connection
