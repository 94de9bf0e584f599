"""Places in flight: counted exactly, handed on in order, never lost."""

from __future__ import annotations

import asyncio
import random

from naftiko_run.consumes.bulkhead import Bulkhead


async def test_places_are_taken_and_given_back():
    bulkhead = Bulkhead(2, 1)

    assert [bulkhead.try_enter() for _ in range(3)] == [True, True, False]
    bulkhead.leave()

    assert bulkhead.try_enter()
    assert bulkhead.in_flight == 2


async def test_who_waits_longest_is_served_first():
    bulkhead, order = Bulkhead(1, 10), []
    assert bulkhead.try_enter()

    async def queue(number: int) -> None:
        assert await bulkhead.wait(1.0)
        order.append(number)
        bulkhead.leave()

    waiting = [asyncio.create_task(queue(number)) for number in range(5)]
    await asyncio.sleep(0)
    assert not bulkhead.try_enter()
    bulkhead.leave()
    assert not bulkhead.try_enter()  # nobody overtakes
    await asyncio.gather(*waiting)

    assert order == [0, 1, 2, 3, 4]
    assert bulkhead.in_flight == 0


async def test_a_full_queue_turns_away_at_once():
    bulkhead = Bulkhead(1, 1)
    assert bulkhead.try_enter()
    first = asyncio.create_task(bulkhead.wait(1.0))
    await asyncio.sleep(0)

    assert not await bulkhead.wait(60.0)

    bulkhead.leave()
    assert await first


async def test_waiting_ends_in_time_and_leaves_no_trace():
    bulkhead = Bulkhead(1, 1)
    assert bulkhead.try_enter()

    assert not await bulkhead.wait(0.01)

    assert (bulkhead.in_flight, bulkhead.waiting) == (1, 0)


async def test_a_place_handed_to_a_cancelled_waiter_goes_on():
    bulkhead = Bulkhead(1, 2)
    assert bulkhead.try_enter()
    first, second = (asyncio.create_task(bulkhead.wait(1.0)) for _ in range(2))
    await asyncio.sleep(0)

    bulkhead.leave()
    first.cancel()

    assert await second
    assert bulkhead.in_flight == 1


async def test_no_place_is_lost_whatever_happens():
    chance = random.Random(7)
    bulkhead = Bulkhead(3, 20)
    most = 0

    async def work() -> None:
        nonlocal most
        if not bulkhead.try_enter() and not await bulkhead.wait(chance.random() * 0.02):
            return
        most = max(most, bulkhead.in_flight)
        try:
            await asyncio.sleep(chance.random() * 0.01)
        finally:
            bulkhead.leave()

    tasks = [asyncio.create_task(work()) for _ in range(200)]
    for task in tasks:
        if chance.random() < 0.3:
            asyncio.get_running_loop().call_later(chance.random() * 0.05, task.cancel)
    await asyncio.gather(*tasks, return_exceptions=True)

    assert (bulkhead.in_flight, bulkhead.waiting, most) == (0, 0, 3)
