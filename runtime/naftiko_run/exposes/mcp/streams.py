"""A process's own standard input and output as a reader and a writer for ``McpAdapter.serve_stdio``.

While they are in use, descriptor 1 is standard error: whatever else in the process prints would break the protocol. Both ends
are driven by threads, because input may be a file, a terminal or a pipe, and event loops take only some of these.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator

_CHUNK = 64 * 1024
_WAITING = 16  # chunks read ahead


class _Input:
    """``read`` gives what a thread has read; the thread waits while nobody reads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._chunks: asyncio.Queue[bytes] = asyncio.Queue()
        self._room = threading.Semaphore(_WAITING)
        self._loop = asyncio.get_running_loop()
        # A daemon, because a blocked read cannot be interrupted and must not keep the process alive.
        threading.Thread(target=self._pump, name="stdin", daemon=True).start()

    def _pump(self) -> None:
        chunk = b"x"
        while chunk:
            self._room.acquire()
            try:
                chunk = os.read(self._descriptor, _CHUNK)
            except OSError:
                chunk = b""
            try:
                self._loop.call_soon_threadsafe(self._chunks.put_nowait, chunk)
            except RuntimeError:  # the loop has ended
                return

    async def read(self, n: int, /) -> bytes:
        chunk = await self._chunks.get()
        self._room.release()
        return chunk


class _Output:
    """``write`` collects, ``drain`` writes it out, in a thread, so that a client that does not read holds up nobody else."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = bytearray()

    def write(self, data: bytes, /) -> None:
        self._pending += data

    async def drain(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        await asyncio.to_thread(_write_all, self._descriptor, data)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.asynccontextmanager
async def standard_streams() -> AsyncIterator[tuple[_Input, _Output]]:
    """``async with standard_streams() as (reader, writer)``; descriptor 1 is given back at the end."""
    wire = os.dup(1)
    os.dup2(2, 1)
    try:
        yield _Input(0), _Output(wire)
    finally:
        os.dup2(wire, 1)
        os.close(wire)
