"""The ``observability`` block of a control adapter as settings."""

from __future__ import annotations

from naftiko_run.document.nodes import Node
from naftiko_run.records import record
from naftiko_run.telemetry.propagation import Form

SMALLEST_BUFFER, LARGEST_BUFFER = 10, 10_000


@record
class TelemetrySettings:
    """``metrics`` and ``traces`` are whether the control port shows them; both are collected where ``enabled``."""

    enabled: bool = True
    metrics: bool = True
    traces: bool = True
    buffer_size: int = 100
    sampling: float = 1.0
    propagation: Form = "w3c"


def compile_observability(block: Node | None) -> TelemetrySettings:
    """What is written, within its bounds; an absent block is the defaults."""
    if block is None:
        return TelemetrySettings()
    metrics, traces = block.get("metrics"), block.get("traces")
    local = traces.get("local") if traces is not None else None
    size = local.get("buffer-size", "bufferSize") if local is not None else None
    number = size.value if size is not None and isinstance(size.value, int) and not isinstance(size.value, bool) else 100
    share = traces.get("sampling") if traces is not None else None
    ratio = share.value if share is not None and isinstance(share.value, (int, float)) else 1.0
    form = traces.get_text("propagation").lower() if traces is not None else ""
    return TelemetrySettings(
        enabled=block.get_bool("enabled") is not False,
        metrics=_is_on(metrics.get("local") if metrics is not None else None),
        traces=_is_on(local),
        buffer_size=min(max(number, SMALLEST_BUFFER), LARGEST_BUFFER),
        sampling=min(max(float(ratio), 0.0), 1.0),
        propagation="b3" if form == "b3" else "w3c",
    )


def _is_on(node: Node | None) -> bool:
    return node is None or node.get_bool("enabled") is not False
