"""Tasks that start at once: to whatever runs in them they are like any other."""

from __future__ import annotations

import asyncio

import pytest

from naftiko_run.server.direct_task import DirectTask


@pytest.fixture
async def start():
    """Starts a coroutine as the event loop would, outside any task."""

    async def started(coroutine):
        loop = asyncio.get_running_loop()
        task = DirectTask(coroutine, loop)
        loop.call_soon(task.start)
        await asyncio.sleep(0)
        return task

    return started


async def test_it_runs_at_once_and_ends_in_the_same_turn(start):
    seen = []

    async def work():
        seen.append(asyncio.current_task())

    task = await start(work())

    assert task.done()
    assert seen == [task]


async def test_timeouts_strike_inside(start):
    seen = []

    async def work():
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(5)
        except TimeoutError:
            seen.append("late")

    task = await start(work())
    await asyncio.wait({task}, timeout=1)

    assert seen == ["late"]
    assert task.cancelling() == 0


async def test_cancelling_reaches_what_it_waits_for(start):
    seen = []

    async def work():
        try:
            await asyncio.sleep(5)
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    task = await start(work())
    assert task.cancel()
    done, _ = await asyncio.wait({task}, timeout=1)

    assert seen == ["cancelled"]
    assert done == {task}
    assert task.cancelled()
    assert not task.cancel()


async def test_one_that_cancels_itself_ends_at_its_next_wait(start):
    seen = []

    async def work():
        asyncio.current_task().cancel()
        seen.append("still here")
        await asyncio.sleep(0.01)
        seen.append("never")

    task = await start(work())
    await asyncio.wait({task}, timeout=1)

    assert seen == ["still here"]
    assert task.cancelled()


async def test_a_group_of_tasks_inside_fails_as_a_whole(start):
    seen = []

    async def fails():
        raise ValueError("one of two")

    async def work():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fails())
                group.create_task(asyncio.sleep(5))
        except ExceptionGroup as errors:
            seen.append(errors.exceptions[0])

    task = await start(work())
    await asyncio.wait({task}, timeout=1)

    assert [str(error) for error in seen] == ["one of two"]


async def test_giving_others_a_turn_comes_back(start):
    seen = []

    async def work():
        for number in range(3):
            await asyncio.sleep(0)
            seen.append(number)

    task = await start(work())
    await asyncio.wait({task}, timeout=1)

    assert seen == [0, 1, 2]


async def test_an_exception_that_gets_out_is_told_to_the_loop(start):
    told = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: told.append(str(context["exception"])))

    async def work():
        raise ValueError("got out")

    task = await start(work())

    assert task.done()
    assert told == ["got out"]
