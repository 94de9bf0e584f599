"""A breaker's life, by table and as a machine that Hypothesis drives."""

from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from naftiko_run.consumes.breaker import DEFAULT_RULES, Breaker


def middle() -> float:
    return 0.5


def call(breaker: Breaker, now: float, failed: bool | None) -> bool:
    generation = breaker.enter(now)
    if generation is None:
        return False
    breaker.leave(generation, now, failed)
    return True


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(middle)
    for _ in range(5):
        call(breaker, now, True)
    return breaker


def test_five_failures_in_a_row_open_it():
    breaker = Breaker(middle)
    for _ in range(4):
        call(breaker, 0.0, True)
    assert breaker.state == "closed"

    call(breaker, 0.0, True)

    assert breaker.state == "open"
    assert breaker.seconds_left(0.0) == 10.0


def test_a_success_in_between_starts_the_row_again():
    breaker = Breaker(middle)
    for number in range(12):
        call(breaker, 0.0, number % 4 != 3)

    assert breaker.state == "closed"


def test_half_of_twenty_calls_open_it():
    breaker = Breaker(middle)
    for number in range(19):
        call(breaker, 0.0, number % 2 == 0)
    assert breaker.state == "closed"

    call(breaker, 0.0, True)

    assert breaker.state == "open"


def test_old_failures_are_forgotten():
    breaker = Breaker(middle)
    for number in range(18):
        call(breaker, 0.0, number % 2 == 0)

    for number in range(3):
        call(breaker, 10.0, number % 2 == 0)

    assert breaker.state == "closed"


def test_what_is_neither_failure_nor_success_does_not_count():
    breaker = Breaker(middle)
    for _ in range(50):
        call(breaker, 0.0, None)

    assert breaker.state == "closed"


def test_three_probes_pass_and_three_successes_close_it():
    breaker = opened()

    probes = [breaker.enter(10.0) for _ in range(4)]
    assert probes[3] is None
    assert breaker.state == "probing"

    for generation in probes[:3]:
        assert generation is not None
        breaker.leave(generation, 10.1, False)
    assert breaker.state == "closed"


def test_a_cancelled_probe_makes_room_for_another():
    breaker = opened()
    for _ in range(10):
        assert call(breaker, 10.0, None)

    assert breaker.state == "probing"


def test_a_failed_probe_opens_it_for_twice_as_long_up_to_a_minute():
    breaker, now, pauses = opened(), 0.0, []
    for _ in range(5):
        pauses.append(breaker.seconds_left(now))
        now += pauses[-1]
        call(breaker, now, True)

    assert pauses == [10.0, 20.0, 40.0, 60.0, 60.0]


def test_a_recovery_resets_the_pause():
    breaker = opened()
    call(breaker, 10.0, True)
    for _ in range(3):
        call(breaker, 30.0, False)
    for _ in range(5):
        call(breaker, 31.0, True)

    assert breaker.seconds_left(31.0) == 10.0


@pytest.mark.parametrize(("chance", "pause"), [(0.0, 8.0), (0.5, 10.0), (0.999999, 12.0)])
def test_the_pause_is_spread(chance, pause):
    breaker = Breaker(lambda: chance)
    for _ in range(5):
        call(breaker, 0.0, True)

    assert breaker.seconds_left(0.0) == pytest.approx(pause, abs=0.001)


@pytest.mark.parametrize("failed", [True, False])
def test_a_call_from_before_changes_nothing_now(failed):
    breaker = Breaker(middle)
    early = breaker.enter(0.0)
    assert early is not None
    for _ in range(5):
        call(breaker, 0.0, True)
    probe = breaker.enter(10.0)
    assert probe is not None

    breaker.leave(early, 10.0, failed)

    assert breaker.state == "probing"


class BreakerMachine(RuleBasedStateMachine):
    """Calls begin and end in any order while time passes."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.breaker = Breaker(random.Random(0).random)
        self.running: list[int] = []
        self.opened_at = 0.0

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def a_call_begins(self) -> None:
        state, left = self.breaker.state, self.breaker.seconds_left(self.now)
        generation = self.breaker.enter(self.now)
        if state == "closed":
            assert generation is not None
        if state == "open" and left > 1.0:
            assert generation is None
        if generation is not None:
            self.running.append(generation)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), failed=st.sampled_from([True, True, False, None]))
    def a_call_ends(self, data: st.DataObject, failed: bool | None) -> None:
        generation = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        before = self.breaker.state
        self.breaker.leave(generation, self.now, failed)
        if self.breaker.state == "open" and before != "open":
            assert failed
            assert 8.0 <= self.breaker.seconds_left(self.now) <= 72.0
        if self.breaker.state == "closed" and before != "closed":
            assert before == "probing"
            assert failed is False

    @invariant()
    def at_most_three_probes_run(self) -> None:
        if self.breaker.state == "probing":
            newest = max(self.running, default=0)
            assert self.running.count(newest) <= DEFAULT_RULES.probes or newest < self.breaker.generation

    @invariant()
    def a_pause_is_named_only_where_calls_are_refused(self) -> None:
        assert (self.breaker.seconds_left(self.now) == 0.0) is (self.breaker.state == "closed")


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
