"""The clock that all connections of a process share."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.server.state import ServerState, http_date


@pytest.mark.parametrize("seconds", [0, 784111777, 951782400, 1709164800.9, 4102444799])
def test_dates_are_written_as_http_writes_them(seconds: float):
    assert http_date(seconds) == formatdate(seconds, usegmt=True)


def test_a_tick_renews_the_date():
    state = ServerState(DEFAULT_LIMITS)
    state.date_field = ""
    state.tick()
    assert state.date_field.startswith("\r\ndate: ")
    assert state.date_field.endswith(" GMT\r\n\r\n")


def test_request_ids_are_unique_here_and_elsewhere():
    one, other = ServerState(DEFAULT_LIMITS), ServerState(DEFAULT_LIMITS)
    assert len({one.request_id(), one.request_id(), other.request_id()}) == 3
