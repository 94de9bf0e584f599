"""A site is the live half of one listener: its handler, its rules and its open connections.

``handler`` is one reference: assigning another swaps what is served, for the requests that come after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.server.cors import CorsRules
from naftiko_run.server.hosts import HostRules
from naftiko_run.server.refusals import STOPPING
from naftiko_run.server.state import ServerState

if TYPE_CHECKING:
    from naftiko_run.server.listener import Express
    from naftiko_run.server.protocol import HttpConnection


async def _nobody(request: HttpRequest) -> HttpAnswer:
    return STOPPING.answer(request.request_id)


class Site:
    """What the connections of one listener share."""

    __slots__ = ("connections", "cors", "express", "handler", "hosts", "is_exempt", "is_leaving", "state")

    def __init__(self, state: ServerState) -> None:
        self.state = state
        self.handler: Handler = _nobody
        self.express: Express | None = None  # only where requests go to the handler without further ado
        self.hosts = HostRules()
        self.cors: CorsRules | None = None
        self.is_exempt = False  # health probes are answered even when everything else is turned away
        self.is_leaving = False  # its listener is gone: every answer is the last of its connection
        self.connections: set[HttpConnection] = set()

    @property
    def is_plain(self) -> bool:
        """Whether requests go to the handler without further ado."""
        return self.cors is None and not self.is_exempt

    @property
    def closes(self) -> bool:
        """Whether connections end with their next answer."""
        return self.is_leaving or self.state.draining
