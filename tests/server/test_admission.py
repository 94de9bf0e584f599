"""Admission: places, waiting, and what happens to a place when somebody gives up."""

from __future__ import annotations

import asyncio

from naftiko_run.server.admission import Admission


async def test_places_are_given_out_up_to_the_limit():
    admission = Admission(2, 0.05)

    assert [admission.enter(), admission.enter(), admission.enter()] == [True, True, False]


async def test_a_place_that_comes_free_goes_to_the_one_who_waited_longest():
    admission = Admission(1, 1)
    admission.enter()
    order = []

    async def wait(name: str) -> None:
        assert await admission.wait()
        order.append(name)
        admission.leave()

    waiting = [asyncio.create_task(wait(name)) for name in "abc"]
    await asyncio.sleep(0)
    admission.leave()
    await asyncio.gather(*waiting)

    assert order == ["a", "b", "c"]
    assert admission.in_flight == 0


async def test_patience_ends():
    admission = Admission(1, 0.02)
    admission.enter()

    assert await admission.wait() is False
    admission.leave()
    assert admission.in_flight == 0


async def test_one_who_is_cancelled_while_waiting_takes_no_place():
    admission = Admission(1, 1)
    admission.enter()
    waiting = asyncio.create_task(admission.wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    admission.leave()

    assert admission.in_flight == 0


async def test_a_place_handed_to_one_who_is_cancelled_in_that_moment_is_not_lost():
    admission = Admission(1, 1)
    admission.enter()
    waiting = asyncio.create_task(admission.wait())
    await asyncio.sleep(0)
    admission.leave()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert admission.in_flight == 0
