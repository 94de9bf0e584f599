"""Worker processes: what they may not do, what ends them, and that none is left."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from naftiko_run.errors import Overloaded
from naftiko_run.isolation.jobs import Job
from naftiko_run.isolation.pool import WorkerFailed, WorkerPool, WorkerRefused, WorkerTimeout, WorkerUnfiltered
from naftiko_run.limits import Limits
from naftiko_run.registry import Registry

linux = pytest.mark.skipif(sys.platform != "linux", reason="system-call filters are Linux's")
on_x86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="the numbers in this test are those of x86-64")


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Registry[Job]:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    registry: Registry[Job] = Registry("worker job")
    registry.register("try")(Job(module="worker_jobs"))
    registry.register("try-too")(Job(module="worker_jobs"))
    registry.register("host")(Job(module="worker_jobs", profile="hosting"))
    registry.register("broken")(Job(module="no_such_module"))
    return registry


@pytest.fixture
async def pool(jobs: Registry[Job]) -> AsyncIterator[WorkerPool]:
    async with WorkerPool(size=2, queue=2, jobs=jobs) as opened:
        yield opened


async def attempt(pool: WorkerPool, what: str, seconds: float = 5.0) -> str:
    return (await pool.run("try", what.encode(), seconds=seconds)).decode()


def children() -> set[int]:
    """The processes this one has, dead ones that nobody collected included."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(int(entry.name))
    return found


async def test_a_job_answers_and_its_worker_is_used_again(pool: WorkerPool):
    first, second = await attempt(pool, "pid"), await attempt(pool, "pid")

    assert first == second != str(os.getpid())


async def test_a_worker_knows_no_environment_and_holds_nothing_open(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SECRET_TOKEN", "canary")

    assert json.loads(await attempt(pool, "environment")).keys() <= {"LC_CTYPE"}
    assert json.loads(await attempt(pool, "descriptors")) == [0, 1, 2, 3, 4]


@linux
async def test_a_worker_has_its_limits(pool: WorkerPool):
    assert json.loads(await attempt(pool, "limits")) == [512 << 20, 16, 0, 0]


@linux
async def test_a_worker_can_do_nothing_to_the_system(pool: WorkerPool):
    tries = ["open", "write", "list", "stat", "remove", "socket", "unix-socket", "pair", "pipe", "fork", "exec", "thread"]
    tries += ["kill", "chdir", "setsid", "executable-memory", "raise-limit"]

    done = [what for what in tries if not (await attempt(pool, what)).startswith("denied")]

    assert done == []
    assert not Path("/tmp/naftiko-run-escaped").exists()


@linux
async def test_a_hosting_worker_can_start_a_program_and_little_else(pool: WorkerPool):
    tries = ["write", "remove", "socket", "unix-socket", "kill", "chdir", "setsid"]

    done = [what for what in tries if not (await pool.run("host", what.encode(), seconds=5)).startswith(b"denied")]

    assert done == []
    assert await pool.run("host", b"pipe", seconds=5)


@linux
@on_x86
async def test_a_worker_cannot_go_round_the_c_library(pool: WorkerPool):
    tries = ("ptrace", "keys", "mount", "bpf", "io-uring", "other-abi")

    assert {await attempt(pool, what) for what in tries} == {"denied 1"}


@pytest.mark.parametrize("what", ["sleep", "spin"])
async def test_a_run_over_its_time_is_killed_at_once(pool: WorkerPool, what: str):
    await attempt(pool, "echo")
    started = time.monotonic()

    with pytest.raises(WorkerTimeout):
        await attempt(pool, what, seconds=0.3)

    assert time.monotonic() - started < 0.55
    assert await attempt(pool, "echo") == "done"


@pytest.mark.parametrize("what", ["raise", "exit", "crash", "flood", "refuse-limit"])
async def test_a_worker_that_fails_is_replaced(pool: WorkerPool, what: str):
    before = await attempt(pool, "pid")

    with pytest.raises(WorkerFailed):
        await attempt(pool, what)

    assert await attempt(pool, "pid") != before


@linux
async def test_a_worker_cannot_take_more_memory_than_it_is_given(jobs: Registry[Job]):
    async with WorkerPool(jobs=jobs, limits=Limits(worker_memory=96 << 20)) as pool:
        with pytest.raises(WorkerFailed):
            await attempt(pool, "hoard")


async def test_an_orderly_no_keeps_the_worker(pool: WorkerPool):
    before = await attempt(pool, "pid")

    with pytest.raises(WorkerRefused) as caught:
        await attempt(pool, "refuse")

    assert (caught.value.message, caught.value.kind) == ("no, thank you", "format")
    assert await attempt(pool, "pid") == before


async def test_a_worker_is_replaced_after_a_number_of_runs(pool: WorkerPool):
    first = {await attempt(pool, "pid") for _ in range(1_000)}
    after = await attempt(pool, "pid")

    assert len(first) == 1
    assert after not in first


async def test_a_job_that_cannot_start_is_a_failure(pool: WorkerPool):
    with pytest.raises(WorkerFailed):
        await pool.run("broken", b"", seconds=5)


async def test_work_beyond_the_places_waits_and_beyond_the_queue_is_refused(pool: WorkerPool):
    runs = [asyncio.create_task(attempt(pool, "sleep", seconds=1)) for _ in range(4)]
    await asyncio.sleep(0.05)

    with pytest.raises(Overloaded):
        await attempt(pool, "echo")

    results = await asyncio.gather(*runs, return_exceptions=True)
    assert all(isinstance(result, WorkerTimeout) for result in results)


async def test_an_idle_worker_makes_room_for_another_job(pool: WorkerPool):
    await asyncio.gather(attempt(pool, "echo"), attempt(pool, "echo"))

    assert await pool.run("try-too", b"echo", seconds=5) == b"done"


@linux
async def test_a_job_that_needs_the_filter_does_not_run_without(jobs: Registry[Job], monkeypatch: pytest.MonkeyPatch):
    jobs.register("unfiltered")(Job(module="unfiltered_job", needs_filter=True))

    async with WorkerPool(jobs=jobs) as strict:
        with pytest.raises(WorkerUnfiltered):
            await strict.run("unfiltered", b"x", seconds=5)
    async with WorkerPool(jobs=jobs, allow_unfiltered=True) as lax:
        assert await lax.run("unfiltered", b"x", seconds=5) == b"ran x"


async def test_a_cancelled_run_ends_its_worker(pool: WorkerPool):
    run = asyncio.create_task(attempt(pool, "sleep", seconds=30))
    await asyncio.sleep(0.3)
    run.cancel()

    with pytest.raises(asyncio.CancelledError):
        await run
    assert await attempt(pool, "echo") == "done"


@linux
async def test_an_unused_pool_starts_nothing_and_a_closed_one_leaves_nothing(jobs: Registry[Job]):
    before = children()
    async with WorkerPool(jobs=jobs) as pool:
        assert children() == before
        await attempt(pool, "echo")
        stuck = asyncio.create_task(attempt(pool, "spin"))
        await asyncio.sleep(0.2)
        assert len(children()) == len(before) + 1

    with pytest.raises(WorkerFailed):
        await stuck
    assert children() == before
    with pytest.raises(WorkerFailed):
        await pool.run("try", b"echo", seconds=1)


@linux
async def test_workers_end_with_the_process_that_started_them(jobs: Registry[Job]):
    program = (
        "import asyncio, os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from naftiko_run.isolation.jobs import Job\n"
        "from naftiko_run.isolation.pool import WorkerPool\n"
        "from naftiko_run.registry import Registry\n"
        "jobs = Registry('job'); jobs.register('try')(Job(module='worker_jobs'))\n"
        "async def main():\n"
        "    pool = WorkerPool(jobs=jobs)\n"
        "    print((await pool.run('try', b'pid', seconds=9)).decode(), flush=True)\n"
        "    os._exit(1)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(Path(__file__).parent), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await parent.communicate()
    worker = int(output)

    for _ in range(100):
        try:
            state = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return
        if state == "Z":  # dead, and somebody else's to collect
            return
        await asyncio.sleep(0.02)
    pytest.fail("the worker outlived its parent")
