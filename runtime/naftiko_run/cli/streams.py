"""Standard input and output as asyncio streams, whatever they are: pipes, files or a terminal."""

from __future__ import annotations

import asyncio
import os
import select
import stat
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
        if len(data) <= select.PIPE_BUF and _has_room(self._descriptor):
            _write_all(self._descriptor, data)
        else:
            await asyncio.to_thread(_write_all, self._descriptor, data)


def _has_room(descriptor: int) -> bool:
    """Whether a short message can be written at once: a client that does not read must not hold up the event loop."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(0))


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Input:
    """Reads what is there; empty at the end. A thread waits, because a regular file cannot be watched."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def read(self, count: int, /) -> bytes:
        try:
            return await asyncio.to_thread(os.read, self._descriptor, count)
        except OSError:  # closed before the process began
            return b""


async def standard_streams() -> tuple[asyncio.StreamReader | Input, Output]:
    """Nothing else may write to standard output from here on: what does goes to standard error."""
    descriptor = os.dup(1)
    os.dup2(2, 1)
    if not _can_be_watched():
        return Input(0), Output(descriptor)
    reader = asyncio.StreamReader(limit=1024 * 1024)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader, Output(descriptor)


def _can_be_watched() -> bool:
    """Pipes, sockets and terminals: an event loop gives up on anything else, ``/dev/null`` included, by ending the process."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0)
