"""Log records learn the trace they belong to."""

from __future__ import annotations

import logging

from naftiko_run.telemetry.telemetry import CURRENT


class TraceFilter(logging.Filter):
    """Sets ``trace_id`` and ``span_id`` on every record; both ``""`` outside of a request."""

    def filter(self, record: logging.LogRecord) -> bool:
        span = CURRENT.get()
        record.trace_id = f"{span.trace.trace_id:032x}" if span is not None else ""
        record.span_id = f"{span.span_id:016x}" if span is not None else ""
        return True
