"""Telemetry, live: adapters, flows and clients say when something begins and ends; metrics and traces come of it.

One ``Telemetry`` lives as long as the process. Where there is none, nothing is measured and the hot path pays one ``is None``.
The span that work belongs to is a context variable, so tasks that a request starts find their parent by themselves.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from time import perf_counter
from typing import Protocol

from naftiko_run.records import field, record
from naftiko_run.telemetry.metrics import Metrics
from naftiko_run.telemetry.propagation import baggage_of, extract, outbound
from naftiko_run.telemetry.settings import TelemetrySettings
from naftiko_run.telemetry.spans import Span, SpanKind, Trace, TraceBuffer, Value, clean_attributes

CURRENT: ContextVar[Span | None] = ContextVar("naftiko_run_span", default=None)
_ATTEMPT: ContextVar[Span | None] = ContextVar("naftiko_run_attempt", default=None)
UNMATCHED = "(none)"
"""The operation of a request that no route, tool or resource took."""


class Exporter(Protocol):
    """Where finished traces and all metrics go besides the control port."""

    def export_trace(self, trace: Trace) -> None: ...

    def start(self, metrics: Metrics) -> None: ...

    async def close(self) -> None: ...


@record(frozen=False, kw_only=False)
class Activity:
    """One inbound request while it runs. Whoever handles it fills ``operation``, ``status`` and ``error``."""

    adapter: str
    span: Span
    token: Token[Span | None]
    started: float = field(default_factory=perf_counter)
    operation: str = UNMATCHED
    status: str = ""
    error: str = ""


class Telemetry:
    def __init__(
        self, settings: TelemetrySettings | None = None, *, clean: Callable[[str], str] = str, exporter: Exporter | None = None
    ) -> None:
        self.settings = settings = settings or TelemetrySettings()
        self.clean, self.exporter = clean, exporter
        self.metrics = Metrics()
        self.traces = TraceBuffer(settings.buffer_size)
        self._threshold = round(settings.sampling * (1 << 64))

    # ---- requests

    def begin_request(self, adapter: str, carrier: Mapping[str, str], **attributes: Value) -> Activity:
        """An inbound request begins; ``carrier`` holds the caller's trace headers, if any."""
        remote = extract(carrier, self.settings.propagation)
        if remote is not None:
            sampled = self._samples(remote.trace_id) if remote.sampled is None else remote.sampled and self._threshold > 0
            trace = Trace(trace_id=remote.trace_id, sampled=sampled, state=remote.state, baggage=remote.baggage)
            parent, kind = remote.span_id, "INTERNAL"
        else:
            trace_id = int.from_bytes(os.urandom(16)) or 1
            trace = Trace(trace_id=trace_id, sampled=self._samples(trace_id), baggage=baggage_of(carrier))
            parent, kind = 0, "SERVER"
        wanted: SpanKind = "SERVER" if kind == "SERVER" else "INTERNAL"
        span = Span(name=f"{adapter}.request", kind=wanted, trace=trace, parent_id=parent)
        span.attributes = {"naftiko.adapter.type": adapter, **attributes}
        trace.root = span
        return Activity(adapter, span, CURRENT.set(span))

    def _samples(self, trace_id: int) -> bool:
        return (trace_id & 0xFFFF_FFFF_FFFF_FFFF) < self._threshold

    def end_request(self, activity: Activity) -> None:
        seconds = perf_counter() - activity.started
        CURRENT.reset(activity.token)
        metrics, span = self.metrics, activity.span
        adapter, operation, status = activity.adapter, activity.operation, activity.status
        metrics.requests.add(adapter, operation, status)
        metrics.request_seconds.observe(seconds, adapter, operation, status)
        if activity.error:
            metrics.errors.add(adapter, operation, activity.error)
        span.attributes["naftiko.operation.id"] = span.trace.operation = operation
        span.attributes["status"] = status
        span.end(activity.error)
        self._commit(span.trace)

    def _commit(self, trace: Trace) -> None:
        if not trace.sampled:
            return
        clean_attributes(trace.spans, self.clean)
        trace.operation = self.clean(trace.operation)
        self.traces.add(trace)
        if self.exporter is not None:
            self.exporter.export_trace(trace)

    # ---- work inside of one

    def begin_span(self, name: str, **attributes: Value) -> Token[Span | None] | None:
        """A piece of work inside the current request; nothing outside of one."""
        parent = CURRENT.get()
        return None if parent is None else CURRENT.set(parent.child(name, attributes=attributes))

    def end_span(self, token: Token[Span | None] | None, error: str = "") -> None:
        span = CURRENT.get()
        if token is not None and span is not None:
            CURRENT.reset(token)
            span.end(error)

    def step_done(self, kind: str, namespace: str, seconds: float, error: str) -> None:
        """Ends the span that ``begin_span`` opened in the step's own task."""
        self.metrics.step_seconds.observe(seconds, kind, namespace)
        span = CURRENT.get()
        if span is not None and span.name == f"step.{kind}":
            span.end(error)

    # ---- upstream attempts

    def begin_attempt(self, method: str, url: str, namespace: str, headers: list[tuple[str, str]], attempt: int) -> None:
        """One attempt is about to be sent: its headers tell the upstream of it, unless the author's own already do."""
        parent = CURRENT.get()
        if parent is None:
            _ATTEMPT.set(None)
            return
        before = _ATTEMPT.get() if attempt > 1 else None
        attributes: dict[str, Value] = {"http.request.method": method, "url.full": url, "naftiko.namespace": namespace}
        span = parent.child(f"http.client.{method}", "CLIENT", attributes)
        added = outbound(span, self.settings.propagation)
        names = {name.lower() for name, _ in added}
        if before is not None and before.injected:
            headers[:] = [pair for pair in headers if pair[0].lower() not in names]
        if not any(name.lower() in names for name, _ in headers):
            headers += added
            span.injected = True
        _ATTEMPT.set(span)

    def end_attempt(self, method: str, host: str, seconds: float, *, status: int = 0, error: str = "") -> None:
        labels = (method, host, str(status) if status else "", "" if status else "transport")
        self.metrics.client_requests.add(*labels)
        self.metrics.client_seconds.observe(seconds, *labels)
        span = _ATTEMPT.get()
        if span is None:
            return
        if status:
            span.attributes["http.response.status_code"] = status
        span.end(error or (f"status {status}" if status >= 400 else ""))

    # ---- life

    def serves(self, capabilities: list[str]) -> None:
        """The capabilities that are served now, by label."""
        self.metrics.active.replace({(label,): 1.0 for label in capabilities})

    def start(self) -> None:
        if self.exporter is not None:
            self.exporter.start(self.metrics)

    async def close(self) -> None:
        if self.exporter is not None:
            await self.exporter.close()
