"""How far a running flow is: whoever wants to know sets ``REPORT`` around a run, and every finished step tells it.

A context variable, because a flow is run through a callable that knows of no caller, and because nearly no caller asks.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

Report = Callable[[int, int, str], None]
"""``report(done, total, step)``: ``done`` of ``total`` steps are finished, ``step`` is the last of them."""

REPORT: ContextVar[Report | None] = ContextVar("report", default=None)


def report_step(done: int, total: int, step: str) -> None:
    report = REPORT.get()
    if report is not None:
        report(done, total, step)
