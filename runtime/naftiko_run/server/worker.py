"""A worker process: descriptors on the command line, its order on the first of them, then the entry function serves.

The channel to the supervisor stays open all its life: it carries "serving" one way and "retire" the other, and its end means
that the supervisor is gone, in which case the worker drains as if it had been told to.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from naftiko_run.errors import NaftikoError
from naftiko_run.server.serve import run
from naftiko_run.server.workers import READY, RETIRE

LOGGER = logging.getLogger("naftiko_run.server")


class Worker:
    """What an entry function needs from its supervisor."""

    def __init__(self, index: int, sockets: Sequence[socket.socket], channel: socket.socket) -> None:
        self.index = index
        self.sockets = sockets
        self.retired = asyncio.Event()
        self._channel = channel

    def watch(self) -> None:
        self._channel.setblocking(False)
        asyncio.get_running_loop().add_reader(self._channel, self._told)

    def ready(self, _server: object = None) -> None:
        """Say that connections are accepted."""
        self._channel.send(READY)

    def _told(self) -> None:
        try:
            said = self._channel.recv(1)
        except OSError:
            said = b""
        if said == RETIRE:
            self.retired.set()
        elif not said:
            asyncio.get_running_loop().remove_reader(self._channel)
            os.kill(os.getpid(), signal.SIGTERM)


Entry = Callable[[str, Worker], Awaitable[int]]


def load_entry(path: str) -> Entry:
    """The function behind ``package.module:function``."""
    module, _, name = path.partition(":")
    return cast("Entry", getattr(importlib.import_module(module), name))


def main(descriptors: Sequence[str]) -> int:
    """Take the order, serve, return the exit code."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the supervisor's business
    channel, *sockets = [socket.socket(fileno=int(descriptor)) for descriptor in descriptors]
    with channel.makefile("r", encoding="utf-8") as lines:
        order = json.loads(lines.readline())
    entry = load_entry(order["entry"])

    async def work() -> int:
        worker = Worker(order["index"], sockets, channel)
        worker.watch()
        return await entry(order["argument"], worker)

    try:
        return run(work())
    except NaftikoError as exc:
        LOGGER.error("%s", exc)  # the sentence is for the operator, a traceback is not
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
