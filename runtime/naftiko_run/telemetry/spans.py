"""Spans and the traces they make up: what happened in one request, with times. Plain values; nothing is sent from here."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from time import time_ns
from typing import Literal

from naftiko_run.records import field, record

SpanKind = Literal["SERVER", "INTERNAL", "CLIENT"]
Value = str | int | bool
MOST_SPANS = 500


@record(frozen=False)
class Span:
    """One piece of work. ``parent_id`` is 0 for a root; ``error`` is ``""`` where it went well."""

    name: str
    kind: SpanKind
    trace: Trace
    parent_id: int = 0
    span_id: int = field(default_factory=lambda: int.from_bytes(os.urandom(8)) or 1)
    attributes: dict[str, Value] = field(default_factory=dict)
    start_ns: int = field(default_factory=time_ns)
    end_ns: int = 0
    error: str = ""
    injected: bool = False  # an outbound request carries this span's id

    def child(self, name: str, kind: SpanKind = "INTERNAL", attributes: dict[str, Value] | None = None) -> Span:
        return Span(name=name, kind=kind, trace=self.trace, parent_id=self.span_id, attributes=attributes or {})

    def end(self, error: str = "") -> None:
        self.end_ns = time_ns()
        if error:
            self.error = error
        self.trace.add(self)

    @property
    def milliseconds(self) -> float:
        return round((self.end_ns - self.start_ns) / 1e6, 3)

    def to_json(self) -> dict[str, object]:
        shown: dict[str, object] = {"spanId": f"{self.span_id:016x}"}
        if self.parent_id:
            shown["parentSpanId"] = f"{self.parent_id:016x}"
        shown |= {"name": self.name, "kind": self.kind, "durationMs": self.milliseconds, "status": _status(self)}
        return shown | ({"attributes": self.attributes} if self.attributes else {})


@record(frozen=False)
class Trace:
    """The spans of one request of ours. ``trace_id`` may be a caller's; ``sampled`` says whether anything is kept."""

    trace_id: int
    sampled: bool = True
    state: str = ""  # tracestate, passed on as it came
    baggage: str = ""
    spans: list[Span] = field(default_factory=list)
    root: Span | None = None
    operation: str = ""

    def add(self, span: Span) -> None:
        if self.sampled and len(self.spans) < MOST_SPANS:
            self.spans.append(span)

    def header(self) -> dict[str, object]:
        root = self.root
        assert root is not None  # a trace is only looked at once its root has ended
        when = datetime.fromtimestamp(root.start_ns / 1e9, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return {
            "traceId": f"{self.trace_id:032x}", "operation": self.operation or root.name, "durationMs": root.milliseconds,
            "status": _status(root), "spanCount": len(self.spans), "timestamp": when,
        }  # fmt: skip

    def to_json(self) -> dict[str, object]:
        ordered = sorted(self.spans, key=lambda span: span.start_ns)
        return {**self.header(), "spans": [span.to_json() for span in ordered]}


def _status(span: Span) -> str:
    return "ERROR" if span.error else "OK"


class TraceBuffer:
    """The latest traces, newest first; the oldest makes room."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._traces: deque[Trace] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._traces)

    def add(self, trace: Trace) -> None:
        self._traces.append(trace)

    def find(self, trace_id: str) -> Trace | None:
        return next((t for t in reversed(self._traces) if f"{t.trace_id:032x}" == trace_id.lower()), None)

    def list(self, *, operation: str = "", status: str = "") -> list[dict[str, object]]:
        """The header of each trace whose operation contains ``operation`` and whose status is ``status``."""
        shown: Iterable[dict[str, object]] = (trace.header() for trace in reversed(self._traces))
        wanted = status.upper()
        return [t for t in shown if operation in str(t["operation"]) and (not wanted or t["status"] == wanted)]


def clean_attributes(spans: Iterable[Span], clean: Callable[[str], str]) -> None:
    """No registered secret stays in what spans say (requirement S60)."""
    for span in spans:
        span.name, span.error = clean(span.name), clean(span.error)
        for key, value in span.attributes.items():
            if isinstance(value, str):
                span.attributes[key] = clean(value)
