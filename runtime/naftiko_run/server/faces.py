"""What stands around an adapter: the check of its callers, what describes it, and where a forwarded request goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from naftiko_run.engine import LiveCapability
from naftiko_run.errors import RequestError
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.exposure import Exposure, ForwardRoute
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.exposes.guards.guard import Guard, GuardContext
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.exposes.rest import Forward

if TYPE_CHECKING:
    from naftiko_run.server.placement import Served


def build_guard(exposure: Exposure, live: LiveCapability, failures: FailureLimit) -> Guard | None:
    """The check of an exposure's callers, with its secrets resolved; raises ``BindingError`` where one has no value."""
    declared = exposure.authentication
    if declared is None:
        return None
    context = GuardContext(send=live.send, failures=failures)
    return declared.bind(live.scope, context=context, redactor=live.redactor)


Refuse = Callable[[RequestError, str], HttpAnswer]


def guarded(
    handler: Handler, guards: Sequence[Guard], by_path: Mapping[str, Sequence[Guard]], refuse: Refuse = problem
) -> Handler:
    """``handler`` behind the guards of its exposures: those of ``by_path`` where a path serves some of them only, else all.

    ``refuse`` words a refusal.
    """

    async def handle(request: HttpRequest) -> HttpAnswer:
        path = request.path if request.path in by_path else request.path.rstrip("/")
        try:
            for guard in by_path.get(path, guards):
                await guard.check(request)
        except RequestError as error:
            return refuse(error, request.request_id)
        return await handler(request)

    return handle


def described(handler: Handler, guards: Sequence[Guard]) -> Handler:
    """``handler``, with what the guards of its port publish about themselves to anybody (RFC 9728).

    Several may answer at the bare path; it belongs to the one whose resource has no path of its own.
    """
    telling = [guard for guard in guards if guard.metadata_path]
    if not telling:
        return handler

    async def handle(request: HttpRequest) -> HttpAnswer:
        if request.path.startswith("/.well-known/"):
            for guard in sorted(telling, key=lambda one: one.metadata_path != request.path):
                published = guard.well_known(request)
                if published is not None:
                    return published
        return await handler(request)

    return handle


def rest_pages(group: Sequence[Served], guards: Mapping[int, Guard]) -> Mapping[str, Handler]:
    """``/openapi.json`` and ``/docs`` of what is served together on one port."""
    from naftiko_run.exposes.pages import openapi_pages

    return openapi_pages([served.exposure for served in group], guards)


def forwarder(owners: Mapping[int, LiveCapability]) -> Forward:
    """Relays a request to the upstream that its forward route names."""

    async def forward(route: ForwardRoute, request: HttpRequest, values: Mapping[str, str]) -> HttpAnswer:
        return await owners[id(route)].forward(route, request, values)

    return forward
