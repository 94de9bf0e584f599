"""Workers: one supervisor binds the sockets, several processes accept on them (requirement R12).

``supervise(addresses, workers=N, entry="package.module:function", argument=TEXT)`` starts N processes running
``naftiko_run.server.worker``, which call ``await function(argument, worker)``; that function compiles and calls ``serve`` with
``inherited=worker.sockets, on_ready=worker.ready, retired=worker.retired``. A worker that dies is replaced, after a pause that
grows only while replacements die young. SIGHUP replaces all, one at a time, each by one that is already serving. Workers are in
sessions of their own: a Ctrl-C reaches the supervisor only, which passes it on once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence

from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.sockets import open_socket

LOGGER = logging.getLogger("naftiko_run.server")
_YOUNG = 10.0  # a worker that dies younger than this makes the next pause longer
_PAUSES = (0.0, 0.1, 0.25, 0.5, 1.0, 1.5)
_START_TIME = 60.0
_LEAVING_TIME = 2.0
READY, RETIRE = b"+", b"-"


class _Process:
    """One worker process, as the supervisor sees it."""

    def __init__(self, process: asyncio.subprocess.Process, channel: socket.socket) -> None:
        self.process = process
        self.channel = channel
        self.born = asyncio.get_running_loop().time()
        self.ended = asyncio.create_task(process.wait())

    async def is_serving(self) -> bool:
        """Wait until it accepts connections; ``False`` when it ended instead."""
        loop = asyncio.get_running_loop()
        said = asyncio.create_task(loop.sock_recv(self.channel, 1))
        await asyncio.wait({said, self.ended}, timeout=_START_TIME, return_when=asyncio.FIRST_COMPLETED)
        if said.done() and said.exception() is None and said.result() == READY:
            return True
        said.cancel()
        await asyncio.wait({self.ended}, timeout=_LEAVING_TIME)  # it may be about to end with a code that says why
        self.signal(signal.SIGKILL)
        await self.ended
        return False

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def retire(self) -> None:
        with contextlib.suppress(OSError):
            self.channel.send(RETIRE)


class Supervisor:
    """N places for workers, each filled as long as the supervisor runs."""

    def __init__(self, sockets: Sequence[socket.socket], *, entry: str, argument: str, workers: int, limits: Limits) -> None:
        self.sockets = sockets
        self.entry = entry
        self.argument = argument
        self.limits = limits
        self.places: list[_Process | None] = [None] * workers
        self.is_stopping = False
        self._rolling = asyncio.Lock()

    async def start(self) -> int:
        """Fill all places. When one worker cannot start none stays, and its exit code is returned."""
        self.places = list(await asyncio.gather(*(self._spawn(index) for index in range(len(self.places)))))
        serving = await asyncio.gather(*(worker.is_serving() for worker in self._workers()))
        if all(serving):
            return 0
        failed = self._workers()[serving.index(False)]
        await self.stop(signal.SIGTERM)
        code = failed.process.returncode or 1
        return code if code > 0 else 128 - code  # ended by a signal: as a shell would report it

    async def _spawn(self, index: int) -> _Process:
        ours, theirs = socket.socketpair()
        with theirs:
            descriptors = [theirs.fileno(), *(listening.fileno() for listening in self.sockets)]
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "naftiko_run.server.worker",
                *map(str, descriptors),
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=descriptors,
                start_new_session=True,
            )
        ours.setblocking(False)
        # Not on the command line, where every user of the machine could read it.
        order = {"entry": self.entry, "argument": self.argument, "index": index}
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().sock_sendall(ours, json.dumps(order).encode() + b"\n")
        return _Process(process, ours)

    async def keep(self, index: int) -> None:
        """Replace the worker of one place whenever it ends, until stopping."""
        deaths = 0
        while (worker := self.places[index]) is not None:
            code = await worker.ended
            worker.channel.close()
            if self.is_stopping:
                return
            if self.places[index] is not worker:
                continue
            loop = asyncio.get_running_loop()
            deaths = deaths + 1 if loop.time() - worker.born < _YOUNG else 0
            LOGGER.warning("worker %d ended with code %s and is replaced", index, code)
            await asyncio.sleep(_PAUSES[min(deaths, len(_PAUSES) - 1)])
            replacement = await self._spawn(index)
            if self.is_stopping or self.places[index] is not worker:  # stopped, or rolled past this place, meanwhile
                replacement.signal(signal.SIGKILL)
                continue
            self.places[index] = replacement
            await replacement.is_serving()

    async def roll(self) -> None:
        """Replace all workers, one at a time; a new one that cannot start ends it, with the old ones still serving."""
        async with self._rolling:
            for index in range(len(self.places)):
                new = await self._spawn(index)
                if self.is_stopping or not await new.is_serving():
                    LOGGER.error("a new worker ended with code %s; the others keep serving", new.process.returncode)
                    return
                old, self.places[index] = self.places[index], new
                if old is not None:
                    old.retire()
                    await self._ended_in_time([old])

    async def stop(self, number: int) -> None:
        """Pass the signal on, and wait until all have drained."""
        self.is_stopping = True
        for worker in self._workers():
            worker.signal(number)
        await self._ended_in_time(self._workers())

    async def _ended_in_time(self, workers: Sequence[_Process]) -> None:
        seconds = self.limits.shutdown_grace + self.limits.drain_time + 3.0
        _, late = await asyncio.wait([worker.ended for worker in workers], timeout=seconds)
        for worker in workers:
            if worker.ended in late:
                worker.signal(signal.SIGKILL)
        if late:
            await asyncio.wait(late)

    def kill(self) -> None:
        for worker in self._workers():
            worker.signal(signal.SIGKILL)

    def _workers(self) -> list[_Process]:
        return [worker for worker in self.places if worker is not None]


async def supervise(
    addresses: Sequence[tuple[str, int]],
    *,
    workers: int,
    entry: str,
    argument: str,
    limits: Limits = DEFAULT_LIMITS,
    on_ready: Callable[[Supervisor], object] = bool,
) -> int:
    """Bind, start the workers, keep them until SIGTERM or SIGINT; the exit code."""
    sockets: list[socket.socket] = []
    try:
        for address, port in addresses:
            sockets.append(open_socket(address, port))  # those opened before a failure are closed below
        supervisor = Supervisor(sockets, entry=entry, argument=argument, workers=workers, limits=limits)
        ended, rolls = _watch_signals(supervisor)
        if code := await supervisor.start():
            return code
        keepers = [asyncio.create_task(supervisor.keep(index)) for index in range(workers)]
        on_ready(supervisor)
        number = await ended
        for task in rolls:
            task.cancel()
        await supervisor.stop(number)
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, *rolls, return_exceptions=True)
        return 0
    finally:
        for listening in sockets:
            listening.close()


def _watch_signals(supervisor: Supervisor) -> tuple[asyncio.Future[int], set[asyncio.Task[None]]]:
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[int] = loop.create_future()
    rolls: set[asyncio.Task[None]] = set()

    def received(number: int) -> None:
        if ended.done():
            supervisor.kill()
            os._exit(128 + number)
        ended.set_result(number)

    def roll() -> None:
        task = loop.create_task(supervisor.roll())
        rolls.add(task)
        task.add_done_callback(rolls.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, received, number)
    loop.add_signal_handler(signal.SIGHUP, roll)
    return ended, rolls
