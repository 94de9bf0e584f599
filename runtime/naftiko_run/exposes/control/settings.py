"""Which management endpoints exist: the ``management`` and ``observability`` blocks as one frozen value."""

from __future__ import annotations

from naftiko_run.document.nodes import Node
from naftiko_run.exposes.exposure import ControlExposure
from naftiko_run.records import field, record
from naftiko_run.telemetry.settings import TelemetrySettings, compile_observability

MOST_SUBSCRIBERS = 20


@record
class LogSettings:
    level_control: bool = True
    stream: bool = False
    max_subscribers: int = 5


@record
class ControlSettings:
    """What is off answers 404."""

    health: bool = True
    info: bool = False
    reload: bool = False
    validate: bool = False
    logs: LogSettings | None = None
    scripting: bool = False
    observability: TelemetrySettings = field(default_factory=TelemetrySettings)


def compile_control(exposure: ControlExposure) -> ControlSettings:
    block = exposure.management
    observability = compile_observability(exposure.observability)
    if block is None:
        return ControlSettings(observability=observability)
    return ControlSettings(
        health=block.get_bool("health") is not False,
        info=block.get_bool("info") is True,
        reload=block.get_bool("reload") is True,
        validate=block.get_bool("validate") is True,
        logs=_logs(block.get("logs")),
        scripting=block.get("scripting") is not None,
        observability=observability,
    )


def _logs(node: Node | None) -> LogSettings | None:
    if node is None or node.value is False:
        return None
    if not node.is_map:
        return LogSettings() if node.value is True else None
    most = node.get("max-subscribers", "maxSubscribers")
    number = most.value if most is not None and isinstance(most.value, int) and not isinstance(most.value, bool) else 5
    control, stream = node.get("level-control", "levelControl"), node.get("stream")
    return LogSettings(
        level_control=control is None or control.value is not False,
        stream=stream is not None and stream.value is True,
        max_subscribers=min(max(number, 1), MOST_SUBSCRIBERS),
    )
