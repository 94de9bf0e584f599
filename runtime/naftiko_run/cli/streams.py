"""Standard input and output as asyncio streams, whatever they are: pipes, files or a terminal."""

from __future__ import annotations

import asyncio
import os
import sys


class Output:
    """Writes whole messages to standard output; a closed pipe ends the conversation."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = bytearray()

    def write(self, data: bytes, /) -> None:
        self._pending += data

    async def drain(self) -> None:
        data, self._pending = bytes(self._pending), bytearray()
        if len(data) <= 512:
            _write_all(self._descriptor, data)
        else:
            await asyncio.to_thread(_write_all, self._descriptor, data)


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Input:
    """Reads what is there; empty at the end. A thread waits, because a regular file cannot be watched."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def read(self, count: int, /) -> bytes:
        return await asyncio.to_thread(os.read, self._descriptor, count)


async def standard_streams() -> tuple[asyncio.StreamReader | Input, Output]:
    """Nothing else may write to standard output from here on: what does goes to standard error."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    try:
        reader = asyncio.StreamReader(limit=1024 * 1024)
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    except (OSError, ValueError):
        return Input(0), Output(descriptor)
    return reader, Output(descriptor)
