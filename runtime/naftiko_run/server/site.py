"""A site is the live half of one listener: its handler, its rules and its open connections.

``handler`` is one reference: assigning another swaps what is served, for the requests that come after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from naftiko_run.exposes.messages import Handler
from naftiko_run.server.cors import CorsRules
from naftiko_run.server.hosts import HostRules
from naftiko_run.server.state import ServerState

if TYPE_CHECKING:
    from naftiko_run.server.protocol import HttpConnection


class Site:
    """What the connections of one listener share."""

    __slots__ = ("connections", "cors", "handler", "hosts", "is_exempt", "state")

    def __init__(
        self, state: ServerState, handler: Handler, hosts: HostRules, *, cors: CorsRules | None = None, is_exempt: bool = False
    ) -> None:
        self.state = state
        self.handler = handler
        self.hosts = hosts
        self.cors = cors
        self.is_exempt = is_exempt  # health probes are answered even when everything else is turned away
        self.connections: set[HttpConnection] = set()
