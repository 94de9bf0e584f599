"""What is tried again, when, and how much of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.consumes.faults import Faults
from naftiko_run.consumes.messages import Origin, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.retry import RetryBudget, RetryPolicy, may_repeat, parse_retry_after
from naftiko_run.errors import EgressRefused, RequestError

ORIGIN = Origin(scheme="http", host="api.test", port=80)
FAULTS = Faults("training")
NOW = 1_700_000_000.0


def reply(status: int, retry_after: str | None = None) -> UpstreamReply:
    return UpstreamReply(status=status, headers=[("retry-after", retry_after)] if retry_after else [], body=b"")


def wait(outcome: UpstreamReply | RequestError, attempt: int = 1, chance: float = 0.5) -> float | None:
    return RetryPolicy().wait(outcome, attempt, chance=lambda: chance, wall_time=NOW)


@pytest.mark.parametrize(
    ("outcome", "again"),
    [
        (FAULTS.refused(), True),
        (FAULTS.reset(), True),
        (FAULTS.unresolved(), True),
        (FAULTS.connect_timeout(), True),
        (FAULTS.untrusted(), False),
        (FAULTS.timeout(), False),
        (FAULTS.cut(), False),
        (FAULTS.broken("is not HTTP"), False),
        (FAULTS.no_connection(), False),
        (EgressRefused("no"), False),
        *((reply(status), True) for status in (502, 503, 504)),
        *((reply(status), False) for status in (200, 301, 400, 404, 429, 500, 501, 505)),
        (reply(429, "2"), True),
    ],
    ids=str,
)
def test_only_passing_failures_are_tried_again(outcome, again):
    assert (wait(outcome) is not None) is again


def test_the_third_attempt_is_the_last():
    assert [wait(reply(503), attempt) is not None for attempt in (1, 2, 3)] == [True, True, False]


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_jitter_is_full_and_capped(attempt, chance):
    pause = RetryPolicy(retries=99).wait(reply(503), attempt, chance=lambda: chance, wall_time=NOW)

    assert pause is not None
    assert 0 <= pause <= min(2.0, 0.1 * 2 ** (attempt - 1))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3.0),
        (" 0 ", 0.0),
        ("Tue, 14 Nov 2023 22:13:25 GMT", 5.0),
        ("Tue, 14 Nov 2023 22:13:15 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("soon", None),
        ("\u0663", None),
        ("9" * 400, 86_400.0),
        ("Tue, 14 Nov 2033 22:13:25 GMT", 86_400.0),
        ("Tue, 99 Nov 2023 22:13:25 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text, seconds):
    assert parse_retry_after(text, NOW) == seconds


@given(st.text())
def test_no_retry_after_breaks_anything(text):
    seconds = parse_retry_after(text, NOW)

    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(("asked", "pause"), [("0", 0.05), ("10", 10.0), ("11", None)])
def test_retry_after_is_kept_to_ten_seconds(asked, pause):
    assert wait(reply(503, asked)) == pause


@pytest.mark.parametrize(
    ("method", "more", "may"),
    [
        *((method, {}, True) for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")),
        ("POST", {}, False),
        ("PATCH", {}, False),
        ("POST", {"idempotent": True}, True),
        ("PATCH", {"headers": [("Idempotency-Key", "k")]}, True),
    ],
)
def test_only_what_may_be_repeated_is(method, more, may):
    assert may_repeat(UpstreamRequest(method=method, origin=ORIGIN, target="/", **more)) is may


def test_a_few_retries_are_always_in_the_budget():
    budget = RetryBudget()
    budget.request(100.0)

    assert [budget.take(100.0) for _ in range(5)] == [True, True, True, False, False]


def test_the_budget_returns_with_time():
    budget = RetryBudget()
    while budget.take(100.0):
        pass

    assert not budget.take(109.9)
    assert budget.take(110.0)


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.5)), max_size=400))
def test_retries_stay_within_a_fifth_of_the_requests(events):
    budget, now = RetryBudget(), 50.0
    requests: list[int] = []
    retries: list[int] = []
    for is_request, step in events:
        now += step
        if is_request:
            budget.request(now)
            requests.append(int(now))
        elif budget.take(now):
            retries.append(int(now))
            window = range(int(now) - 9, int(now) + 1)
            made, allowed = sum(s in window for s in retries), sum(s in window for s in requests) // 5
            assert made <= max(3, allowed)
