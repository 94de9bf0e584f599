"""Finished traces and all metrics leave for an OTLP collector, over HTTP with protobuf.

The official OpenTelemetry exporters frame, batch, retry and send; they come with the extra ``telemetry`` and are imported only
where a collector is named. Spans go to their batching thread; metrics are read on the event loop and sent from a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from time import time_ns
from typing import TYPE_CHECKING

from naftiko_run.errors import BindingError
from naftiko_run.telemetry.metrics import BUCKETS, Counter, Gauge, Histogram, Metrics
from naftiko_run.telemetry.spans import Span, Trace

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import Metric, MetricsData
    from opentelemetry.sdk.trace import ReadableSpan

LOGGER = logging.getLogger("naftiko_run.telemetry")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
SECRETS = ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS")
_INTERVAL = 60.0
_QUIET = ("opentelemetry", "urllib3", "requests")


def is_asked_for(environment: Mapping[str, str]) -> bool:
    """Whether the standard variables name a collector, and do not switch everything off."""
    return not is_disabled(environment) and any(environment.get(name) for name in ENDPOINTS)


def is_disabled(environment: Mapping[str, str]) -> bool:
    return environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"


class OtlpExporter:
    """``endpoint`` is the collector's base URL; ``""`` leaves it to the standard variables."""

    def __init__(
        self,
        endpoint: str,
        *,
        service_name: str,
        version: str,
        clean: Callable[[str], str] = str,
        interval: float = 0.0,
    ) -> None:
        try:
            import requests
            from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.util.instrumentation import InstrumentationScope
        except ImportError as error:
            hint = "install it: pip install 'naftiko-run[telemetry]'"
            raise BindingError(
                "exporting over OTLP needs the extra 'telemetry'", code="E-TELEMETRY-EXTRA", hint=hint
            ) from error
        session = requests.Session()
        session.trust_env = False  # no proxy and no netrc from the environment, as for every other request we make
        base = _base(endpoint)
        self._spans = BatchSpanProcessor(OTLPSpanExporter(endpoint=base and f"{base}/v1/traces", session=session))
        self._metrics = OTLPMetricExporter(endpoint=base and f"{base}/v1/metrics", session=session)
        named = os.environ.get("OTEL_SERVICE_NAME") or "service.name=" in os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
        told = {"service.version": version, "service.instance.id": f"{os.uname().nodename}-{os.getpid()}"}
        self._resource = Resource.create(told if named else {**told, "service.name": service_name})
        self._scope = InstrumentationScope("naftiko-run", version)
        self._clean = clean
        self._interval = interval or float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or _INTERVAL * 1000) / 1000
        self._task: asyncio.Task[None] | None = None
        self._source: Metrics | None = None
        for name in _QUIET:  # what they would say about a failed export names the collector's URL with its query
            logging.getLogger(name).setLevel(logging.CRITICAL)

    # ---- traces

    def export_trace(self, trace: Trace) -> None:
        for span in trace.spans:
            self._spans.on_end(self._readable(span))

    def _readable(self, span: Span) -> ReadableSpan:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

        trace = span.trace
        flags, state = TraceFlags(TraceFlags.SAMPLED), TraceState.from_header([trace.state] if trace.state else [])
        parent = None
        if span.parent_id:
            parent = SpanContext(trace.trace_id, span.parent_id, is_remote=span is trace.root, trace_flags=flags)
        return ReadableSpan(
            name=span.name, context=SpanContext(trace.trace_id, span.span_id, False, flags, state), parent=parent,
            resource=self._resource, attributes=dict(span.attributes), kind=SpanKind[span.kind],
            status=Status(StatusCode.ERROR, span.error) if span.error else Status(StatusCode.UNSET),
            start_time=span.start_ns, end_time=span.end_ns, instrumentation_scope=self._scope,
        )  # fmt: skip

    # ---- metrics

    def start(self, metrics: Metrics) -> None:
        self._source = metrics
        self._task = asyncio.get_running_loop().create_task(self._export_for_ever(metrics))

    async def _export_for_ever(self, metrics: Metrics) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._send(metrics)

    async def _send(self, metrics: Metrics) -> None:
        try:
            await asyncio.to_thread(self._metrics.export, self.snapshot(metrics))
        except Exception as error:  # a collector that is down is no reason to stop
            LOGGER.warning("metrics could not be exported (%s)", type(error).__name__)

    def snapshot(self, metrics: Metrics) -> MetricsData:
        from opentelemetry.sdk.metrics.export import MetricsData, ResourceMetrics, ScopeMetrics

        now = time_ns()
        found = [_metric(metric, metrics.started_ns, now, self._clean) for metric in metrics if metric.values]
        scope = ScopeMetrics(scope=self._scope, metrics=found, schema_url="")
        return MetricsData([ResourceMetrics(resource=self._resource, scope_metrics=[scope], schema_url="")])

    # ---- end

    async def close(self) -> None:
        """Send what is left; a collector that does not answer is not waited for long."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                if self._source is not None:
                    await self._send(self._source)
                await asyncio.to_thread(self._spans.shutdown)
        self._metrics.shutdown()


def _base(endpoint: str) -> str | None:
    """A collector's base URL; the path of one signal is what many write."""
    text = endpoint.strip().rstrip("/")
    for path in ("/v1/traces", "/v1/metrics"):
        text = text.removesuffix(path)
    return text or None


def _metric(metric: Counter | Histogram, start: int, now: int, clean: Callable[[str], str]) -> Metric:
    from opentelemetry.sdk.metrics import export as otel

    cumulative = otel.AggregationTemporality.CUMULATIVE

    def labels(key: tuple[str, ...]) -> dict[str, str]:
        return {name: clean(value) for name, value in zip(metric.labels, key, strict=True) if value}

    data: otel.Gauge | otel.Sum | otel.Histogram
    if isinstance(metric, Histogram):
        points = [
            otel.HistogramDataPoint(
                attributes=labels(key), start_time_unix_nano=start, time_unix_nano=now, count=found.count, sum=found.total,
                bucket_counts=list(found.counts), explicit_bounds=BUCKETS, min=found.least, max=found.most,
            )
            for key, found in metric.values.items()
        ]  # fmt: skip
        data, unit = otel.Histogram(data_points=points, aggregation_temporality=cumulative), "s"
    else:
        numbers = [
            otel.NumberDataPoint(attributes=labels(key), start_time_unix_nano=start, time_unix_nano=now, value=value)
            for key, value in metric.values.items()
        ]
        is_gauge = isinstance(metric, Gauge)
        data = otel.Gauge(numbers) if is_gauge else otel.Sum(numbers, cumulative, is_monotonic=True)
        unit = "1"
    return otel.Metric(name=metric.name, description=metric.text, unit=unit, data=data)
