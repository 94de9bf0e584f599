"""What stands around an adapter: the check of its callers, the pages that describe it, and where a forwarded request goes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from naftiko_run.engine import LiveCapability
from naftiko_run.errors import RequestError
from naftiko_run.exposes.answers import problem
from naftiko_run.exposes.exposure import Exposure, ForwardRoute
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from naftiko_run.server.assembly import Served

Check = Callable[[HttpRequest], Awaitable[object]]


def build_guard(exposure: Exposure, live: LiveCapability) -> Check:
    """The check of an exposure's callers, with its secrets resolved; raises ``BindingError`` where one has no value."""
    from naftiko_run.exposes.authentication import guard_for

    return guard_for(exposure, live)


def guarded(handler: Handler, checks: Mapping[str, Check]) -> Handler:
    """``handler`` behind the checks of its exposures: a path that names a namespace asks for that one's, any other for all."""

    async def handle(request: HttpRequest) -> HttpAnswer:
        named = request.path.rstrip("/").rpartition("/")[2]
        chosen = [checks[named]] if named in checks else list(checks.values())
        try:
            for check in chosen:
                await check(request)
        except RequestError as error:
            return problem(error, request.request_id)
        return await handler(request)

    return handle


def rest_pages(group: Sequence[Served]) -> Mapping[str, Handler]:
    """``/openapi.json`` and ``/docs`` of what is served together on one port."""
    from naftiko_run.exposes.pages import openapi_pages

    return openapi_pages([served.exposure for served in group])


def forwarder(owners: Mapping[int, LiveCapability]) -> Callable[..., Awaitable[HttpAnswer]]:
    """Relays a request to the upstream that its forward route names."""

    async def forward(route: ForwardRoute, request: HttpRequest, values: Mapping[str, str]) -> HttpAnswer:
        return await owners[id(route)].forward(route, request, values)

    return forward
