"""A bounded pool of worker processes: a job's name and a payload go in, its result or a ``WorkerFailed`` comes out.

Nothing is started before the first run. A worker does one kind of job, knows no environment variable, is locked in before it
reads a payload (see ``child``), is killed when its time is up, and is replaced after any failure or a number of runs.

On the wire, a socket that is the child's stdin and stdout, the parent sends an 8-byte length and a payload; the child answers
with a letter (H greeting, R result, X refused, F failed), an 8-byte length and content. A worker's words are as untrusted as
what it was given: lengths are bounded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Self

from naftiko_run.errors import Overloaded
from naftiko_run.isolation.jobs import JOBS, Job
from naftiko_run.limits import DEFAULT_LIMITS, MIB, Limits
from naftiko_run.registry import Registry

RUNS = 1_000
CPU_SECONDS = 5
ANSWER_BYTES = 64 * MIB
START_SECONDS = 20.0  # for a loaded machine; a start takes a tenth of a second

_PR_SET_CHILD_SUBREAPER = 36

_BOOT = (
    "import json, sys; settings = json.loads(sys.argv[1]); sys.path[:] = settings['path']; "
    "from naftiko_run.isolation.child import main; main(settings)"
)


class WorkerFailed(Exception):
    """A run came to nothing: the process died, or broke the protocol."""


class WorkerTimeout(WorkerFailed):
    """The run did not end in its time and was killed."""


class WorkerUnfiltered(WorkerFailed):
    """The job needs a system-call filter, this system has none, and nobody allowed going without."""


class WorkerRefused(WorkerFailed):
    """The job itself said no, in a sentence; the process is well."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.message, self.kind = message, kind


class _Worker:
    """One live process. It is its group's leader, so that what it starts ends with it."""

    def __init__(
        self,
        name: str,
        process: subprocess.Popen[bytes],
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        hosting: bool,
    ) -> None:
        self.name = name
        self.process = process
        self.reader, self.writer = stream
        self.hosting = hosting
        self.filtered = False
        self.runs = 0

    async def ask(self, payload: bytes) -> tuple[str, bytes]:
        self.runs += 1
        self.writer.writelines([len(payload).to_bytes(8), payload])
        # A worker that dies while it is being written to is noticed by reading.
        with contextlib.suppress(ConnectionError):
            await self.writer.drain()
        return await self.answer()

    async def answer(self) -> tuple[str, bytes]:
        head = await self.reader.readexactly(9)
        length = int.from_bytes(head[1:])
        if length > ANSWER_BYTES:
            raise WorkerFailed(f"the answer of worker {self.name!r} is too large")
        return head[:1].decode("latin-1"), await self.reader.readexactly(length)

    async def end(self) -> None:
        """Kill the process and what it started, and collect them all."""
        group = self.process.pid
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)
        self.writer.transport.abort()
        await asyncio.to_thread(self.process.wait)
        if self.hosting:
            await _collect(group)


class WorkerPool:
    """``async with WorkerPool(...)``, or ``close()`` at the end. Belongs to one event loop."""

    def __init__(
        self,
        *,
        limits: Limits = DEFAULT_LIMITS,
        size: int = 0,
        queue: int = 100,
        allow_unfiltered: bool = False,
        jobs: Registry[Job] = JOBS,
    ) -> None:
        self.limits = limits
        self.size = size or max(2, min(8, os.cpu_count() or 2))
        self.queue = queue
        self.allow_unfiltered = allow_unfiltered
        self.jobs = jobs
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(self.size)
        self._waiting = 0
        self._closed = False

    async def run(self, job: str, payload: bytes, *, seconds: float) -> bytes:
        """``job`` over ``payload``, within ``seconds`` from now, the wait for a free place included."""
        if self._closed:
            raise WorkerFailed("the worker pool is closed")
        if self._places.locked() and self._waiting >= self.queue:
            raise Overloaded("too many decodings and scripts are waiting for a worker process", retry_after=1)
        ends = time.monotonic() + seconds
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                await self._places.acquire()
        except TimeoutError as exc:
            raise WorkerTimeout(f"no worker was free for {job!r} in time") from exc
        finally:
            self._waiting -= 1
        try:
            return await self._run(job, payload, ends)
        finally:
            self._places.release()

    async def _run(self, job: str, payload: bytes, ends: float) -> bytes:
        worker = self._take(job) or await self._start(job)
        self._busy.add(worker)
        keep = False
        try:
            # Checked here as well as at the start: what was allowed for one job is not for the next.
            if self.jobs.lookup(job).needs_filter and not worker.filtered and not self.allow_unfiltered:
                raise WorkerUnfiltered(f"{job!r} needs a system-call filter, which this system does not offer")
            async with asyncio.timeout(max(0.0, ends - time.monotonic())):
                kind, content = await worker.ask(payload)
            if kind == "R":
                keep = True
                return content
            if kind == "X":
                message, reason = _refusal(content)
                keep = reason != "limit"
                raise WorkerRefused(message, reason)
            raise WorkerFailed(f"worker {job!r} failed")
        except TimeoutError as exc:
            raise WorkerTimeout(f"{job!r} took longer than allowed") from exc
        except (asyncio.IncompleteReadError, ConnectionError) as exc:
            raise WorkerFailed(f"worker {job!r} died") from exc
        finally:
            self._busy.discard(worker)
            if keep and worker.runs < RUNS and not self._closed:
                self._idle.append(worker)
            else:
                self._retire(worker)

    def _take(self, job: str) -> _Worker | None:
        """An idle worker for this job, the last used first; an idle one for another job makes room."""
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index].name == job:
                worker = self._idle.pop(index)
                if worker.process.poll() is None:
                    return worker
                self._retire(worker)
        if len(self._idle) + len(self._busy) >= self.size and self._idle:
            self._retire(self._idle.pop(0))
        return None

    async def _start(self, name: str) -> _Worker:
        job = self.jobs.lookup(name)
        settings = {
            "job": name,
            "module": job.module,
            "profile": job.profile,
            "memory": self.limits.worker_memory,
            "cpu": CPU_SECONDS,
            "runs": RUNS,
            "path": _import_path(),
        }
        if hosting := job.profile == "hosting":
            _adopt_orphans()
        ours, theirs = socket.socketpair()
        with theirs:
            # Connected first: from the process's start on nothing may come between it and the one who ends it.
            stream = await asyncio.open_connection(sock=ours)
            worker = _Worker(name, _spawn(settings, theirs), stream, hosting=hosting)
        try:
            async with asyncio.timeout(START_SECONDS):
                kind, content = await worker.answer()
            if kind != "H":
                raise WorkerFailed(f"worker {name!r} did not start")
            worker.filtered = bool(json.loads(content)["filtered"])
        except BaseException as exc:
            self._retire(worker)
            if isinstance(exc, (TimeoutError, asyncio.IncompleteReadError, ConnectionError)):
                raise WorkerFailed(f"worker {name!r} did not start") from exc
            raise
        return worker

    def _retire(self, worker: _Worker) -> None:
        """Kill it now, collect it in the background: a request does not wait for a dead process."""
        task = asyncio.get_running_loop().create_task(worker.end())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def close(self) -> None:
        """End every worker and wait until it is gone."""
        self._closed = True
        for worker in (*self._idle, *self._busy):
            self._retire(worker)
        self._idle.clear()
        while self._endings:
            await asyncio.gather(*self._endings, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def _spawn(settings: dict[str, object], stream: socket.socket) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own interpreter and our own words
        [sys.executable, "-I", "-B", "-X", "utf8", "-c", _BOOT, json.dumps(settings)],
        stdin=stream.fileno(),
        stdout=stream.fileno(),
        stderr=subprocess.DEVNULL,
        env={},
        cwd="/",
        close_fds=True,
        start_new_session=True,
    )


def _adopt_orphans() -> None:
    """Have the programs of a killed worker handed to this process, as they are anyway where it is a container's first one."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


async def _collect(group: int) -> None:
    """Wait for the killed members of a dead worker's group that were handed to this process."""
    with contextlib.suppress(ChildProcessError):
        for _ in range(100):
            if os.waitpid(-group, os.WNOHANG) == (0, 0):  # noqa: ASYNC222 - does not wait
                await asyncio.sleep(0.01)


def _refusal(content: bytes) -> tuple[str, str]:
    try:
        message, reason = json.loads(content)
        return str(message)[:2000], str(reason)
    except (ValueError, TypeError) as exc:
        raise WorkerFailed("a worker answered unreadably") from exc


def _import_path() -> list[str]:
    """Where this process finds modules, without the current directory: a file lying about is not to be imported."""
    root, here = str(Path(__file__).resolve().parents[2]), os.getcwd()
    return [root, *(entry for entry in sys.path if os.path.isabs(entry) and entry not in (root, here))]
