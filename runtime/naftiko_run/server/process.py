"""What one process keeps while the plans it serves come and go: secrets to hide, failed callers, numbers, log listeners."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from naftiko_run.capability import LoadOptions
from naftiko_run.exposes.control.logs import LogHub
from naftiko_run.exposes.control.sources import Reloaded
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.records import field, record
from naftiko_run.redaction import Redactor
from naftiko_run.server.server import Server
from naftiko_run.telemetry.telemetry import Telemetry


@record(frozen=False)
class Process:
    """``telemetry`` is ``None`` where nobody wants it, ``server`` until there is one, ``reload`` where that is impossible."""

    redactor: Redactor = field(default_factory=Redactor)
    failures: FailureLimit = field(default_factory=FailureLimit)
    telemetry: Telemetry | None = None
    logs: LogHub = field(default_factory=LogHub)
    options: LoadOptions = field(default_factory=LoadOptions)
    started: float = field(default_factory=time.monotonic)
    server: Server | None = None
    reload: Callable[[], Awaitable[Reloaded]] | None = None
    last_reload: dict[str, object] = field(default_factory=dict)

    @property
    def is_draining(self) -> bool:
        return self.server is not None and self.server.state.draining

    @property
    def lag(self) -> float:
        return self.server.state.lag if self.server is not None else 0.0

    def port_of(self, address: str, port: int) -> int | None:
        """The port really bound for a listener, ``None`` while it is not."""
        server = self.server
        if server is None:
            return None
        bound = {listener.key: actual for listener, actual in zip(server.listeners, server.ports, strict=False)}
        return bound.get((address, port))
