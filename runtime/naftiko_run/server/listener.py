"""A listener as wanted: an address, a port, and what answers there; and the rule which address an exposure may have.

Adapters that name the same address and port share one listener; ``assembly.py`` builds the handler that stands for them.
"""

from __future__ import annotations

from collections.abc import Callable

from naftiko_run.errors import BindingError
from naftiko_run.exposes.messages import Handler, HttpRequest
from naftiko_run.flows.express import Caller, ExpressCall
from naftiko_run.records import record
from naftiko_run.server.hosts import is_loopback

LOOPBACK = "127.0.0.1"
Express = Callable[[HttpRequest, Caller], ExpressCall | None]
"""Begins a request without a task, or does nothing; see ``RestAdapter.express``."""


@record
class Listener:
    """One socket and what is served on it.

    ``hosts`` and ``origins`` are the operator's additions to the allow-lists; ``cors`` are the origins browsers may call from.
    ``is_exempt`` marks the listener of health probes: no admission, no cap on connections.
    """

    port: int
    handler: Handler
    address: str = LOOPBACK
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    is_exempt: bool = False
    express: Express | None = None  # tried before ``handler``, which can answer all that it can

    @property
    def key(self) -> tuple[str, int]:
        return (self.address, self.port)


def effective_address(
    declared: str, *, is_authenticated: bool, allow_public: bool = False, is_strict: bool = False, is_control: bool = False
) -> tuple[str, str]:
    """The address an exposure is bound to, and a warning or nothing (requirement S10).

    Beyond loopback only with authentication, or where the operator allows it; the control adapter only with authentication.
    """
    if not declared or is_loopback(declared):
        return (declared or LOOPBACK, "")
    if is_authenticated or (allow_public and not is_control):
        return (declared, "")
    what = "the control adapter" if is_control else "an adapter"
    reason = f"{what} without authentication is declared on '{declared}'"
    way = "declare its authentication" if is_control else "declare its authentication, or allow it with --allow-public"
    if is_strict:
        raise BindingError(reason, code="E-PUBLIC-ADDRESS", hint=way)
    return (LOOPBACK, f"{reason} and listens on {LOOPBACK} instead; {way}")
