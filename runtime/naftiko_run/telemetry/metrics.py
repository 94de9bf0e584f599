"""Numbers about requests, steps and upstream calls: observations in, Prometheus text or a snapshot for export out.

Own counters rather than a library's: they are always there, cost an addition each, and one set of numbers feeds ``/metrics``
and OTLP. Everything happens on the event loop, so there are no locks. Names and labels are those of the language; buckets are
in seconds.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from time import time_ns
from typing import Literal

from naftiko_run.records import field, record

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
MOST_SERIES = 2_000
OVERFLOW = "other"
"""Stands for every label of what comes after ``MOST_SERIES`` different series: callers must not be able to fill our memory."""

Labels = tuple[str, ...]
Kind = Literal["counter", "gauge", "histogram"]


@record(frozen=False, kw_only=False)
class Distribution:
    """How often a value fell into each bucket (the last one has no upper end)."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    total: float = 0.0
    least: float = float("inf")
    most: float = 0.0

    @property
    def count(self) -> int:
        return sum(self.counts)


class Metric:
    """One metric: its series by label values, in the order of ``labels``."""

    kind: Kind = "counter"

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self.name, self.text, self.labels = name, text, tuple(labels)

    def key(self, labels: Labels, known: dict[Labels, object]) -> Labels:
        """``labels``, or the one series of everything beyond the limit."""
        return labels if labels in known or len(known) < MOST_SERIES else (OVERFLOW,) * len(self.labels)


class Counter(Metric):
    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        super().__init__(name, text, labels)
        self.values: dict[Labels, float] = {}

    def add(self, *labels: str, amount: float = 1.0) -> None:
        values = self.values
        key = self.key(labels, values)  # type: ignore[arg-type]  # only its keys are looked at
        values[key] = values.get(key, 0.0) + amount


class Gauge(Counter):
    kind: Kind = "gauge"

    def replace(self, values: dict[Labels, float]) -> None:
        """All series at once; those not named are gone."""
        self.values = values


class Histogram(Metric):
    kind: Kind = "histogram"

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        super().__init__(name, text, labels)
        self.values: dict[Labels, Distribution] = {}

    def observe(self, seconds: float, *labels: str) -> None:
        key = self.key(labels, self.values)  # type: ignore[arg-type]  # only its keys are looked at
        found = self.values.get(key)
        if found is None:
            found = self.values[key] = Distribution()
        found.counts[bisect_left(BUCKETS, seconds)] += 1
        found.total += seconds
        found.least, found.most = min(found.least, seconds), max(found.most, seconds)


_REQUEST = ("naftiko_adapter_type", "naftiko_operation_id", "status")
_CLIENT = ("http_request_method", "server_address", "http_response_status_code", "error_type")


class Metrics:
    """The metrics of this process."""

    def __init__(self) -> None:
        self.started_ns = time_ns()
        self.requests = Counter("naftiko_request_total", "Requests answered.", _REQUEST)
        self.request_seconds = Histogram("naftiko_request_duration_seconds", "Time to answer a request.", _REQUEST)
        self.errors = Counter("naftiko_request_errors", "Requests that failed.", (*_REQUEST[:2], "error_type"))
        self.step_seconds = Histogram(
            "naftiko_step_duration_seconds", "Time of one step of a flow.", ("step_type", "naftiko_namespace")
        )
        self.client_requests = Counter("naftiko_http_client_total", "Attempts to call an upstream.", _CLIENT)
        self.client_seconds = Histogram("naftiko_http_client_duration_seconds", "Time of one attempt.", _CLIENT)
        self.active = Gauge("naftiko_capability_active", "1 for each capability that is served.", ("naftiko_capability",))

    def __iter__(self) -> Iterator[Counter | Histogram]:
        yield self.requests
        yield self.request_seconds
        yield self.errors
        yield self.step_seconds
        yield self.client_requests
        yield self.client_seconds
        yield self.active


def render(metrics: Metrics, clean: Callable[[str], str] = str) -> str:
    """All metrics in the Prometheus text format 0.0.4; an empty label is left out, as an absent one."""
    lines: list[str] = []
    for metric in metrics:
        lines += (f"# HELP {metric.name} {metric.text}", f"# TYPE {metric.name} {metric.kind}")
        if isinstance(metric, Counter):
            lines += (f"{metric.name}{_braced(_pairs(metric, key, clean))} {_number(n)}" for key, n in metric.values.items())
        else:
            for key, found in metric.values.items():
                lines += _buckets(metric.name, _pairs(metric, key, clean), found)
    return "\n".join(lines) + "\n"


def _buckets(name: str, pairs: list[str], found: Distribution) -> Iterator[str]:
    below = 0
    for edge, count in zip((*map(_number, BUCKETS), "+Inf"), found.counts, strict=True):
        below += count
        bound = f'le="{edge}"'
        yield f"{name}_bucket{_braced([*pairs, bound])} {below}"
    yield f"{name}_sum{_braced(pairs)} {found.total!r}"
    yield f"{name}_count{_braced(pairs)} {below}"


def _pairs(metric: Metric, key: Labels, clean: Callable[[str], str]) -> list[str]:
    return [f'{name}="{_escaped(clean(value))}"' for name, value in zip(metric.labels, key, strict=True) if value]


def _braced(pairs: list[str]) -> str:
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
