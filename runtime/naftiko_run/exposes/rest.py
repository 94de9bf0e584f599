"""The REST adapter: an HTTP request in, the answer of the flow behind its route out.

Several exposures, of several files, may share one adapter: their routes are merged, and of two that say the same the first
wins. Nothing here knows an upstream; a flow is run by the ``Run`` it is given.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import unquote

from naftiko_run.errors import MethodNotAllowed, NotFound, Problems, RequestError
from naftiko_run.exposes.answers import answer, problem
from naftiko_run.exposes.exposure import ForwardRoute, RestExposure, RestRoute, Run
from naftiko_run.exposes.guards.guard import Guard
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.exposes.observed import observed, take
from naftiko_run.exposes.router import Router, Unroutable
from naftiko_run.flows.binding import Binder, HttpInputs, bind_http, compile_binder
from naftiko_run.flows.express import Caller, ExpressCall, ExpressFlow, PlacedFlow
from naftiko_run.flows.flow import Flow
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import record
from naftiko_run.telemetry.telemetry import Telemetry

Forward = Callable[[ForwardRoute, HttpRequest, Mapping[str, str]], Awaitable[HttpAnswer]]
_EXPRESS = frozenset({"GET", "HEAD"})
FindExpress = Callable[[Flow], ExpressFlow | None]


@record(frozen=False, kw_only=False)
class _Target:
    """What a route leads to. The two ways without a task are found out on its first request: one for inputs that are all
    taken from the path as they come, and one for any others.
    """

    exposure: RestExposure
    route: RestRoute
    binder: Binder
    guard: Guard | None
    placed: PlacedFlow | None = None
    express: ExpressFlow | None = None
    is_settled: bool = False
    starts_open: bool = False  # with a variable, whose value may be another's first segment


@record(kw_only=False)
class _ForwardTarget:
    """What a forwarded path leads to."""

    exposure: RestExposure
    route: ForwardRoute
    guard: Guard | None


class RestAdapter:
    """``pages`` are fixed paths served beside the routes (the OpenAPI document, the human page), unless a route takes them.

    ``reserved`` are first segments of paths that others answer on the same listener.
    """

    def __init__(
        self,
        exposures: Sequence[RestExposure],
        run: Run,
        *,
        limits: Limits = DEFAULT_LIMITS,
        guards: Mapping[int, Guard] | None = None,
        pages: Mapping[str, Handler] | None = None,
        forward: Forward | None = None,
        telemetry: Telemetry | None = None,
        express: FindExpress | None = None,
        reserved: frozenset[str] = frozenset(),
    ) -> None:
        self._run, self._limits, self._pages, self._forward = run, limits, pages or {}, forward
        self._guards, self._telemetry = guards or {}, telemetry
        self._find_express, self._reserved = express, reserved
        self._router: Router[_Target] = Router()
        self._forwards: Router[_ForwardTarget] = Router()
        for exposure in exposures:
            self.add(exposure, Problems())

    def add(self, exposure: RestExposure, problems: Problems) -> None:
        """Merge an exposure's routes; a clash or a path that cannot be routed is a finding."""
        guard = self._guards.get(id(exposure))
        for route in exposure.routes:
            target = _Target(exposure, route, self._binder(route), guard)
            try:
                shadowed = self._router.add(route.method, route.path, target)
            except Unroutable as error:
                self._serve_without(route, target, str(error), problems)
                continue
            if shadowed is not None:
                _warn_shadowed(route, shadowed.route, problems)
        for forward in exposure.forwards:
            self._forwards.add("*", forward.path, _ForwardTarget(exposure, forward, guard))

    def _binder(self, route: RestRoute) -> Binder:
        return compile_binder(route.flow.inputs)

    def _serve_without(self, route: RestRoute, target: _Target, why: str, problems: Problems) -> None:
        """A path with a fragment or a query is served without it, where that is free."""
        bare = route.path.partition("#")[0].partition("?")[0] or "/"
        if self._router.add(route.method, bare, target) is None:
            hint = f"served as {route.method} {bare}"
        else:
            hint = "reachable through MCP only; give it a path of its own"
        problems.warn("W-REST-UNROUTABLE", why, route.at, hint)

    @property
    def is_express(self) -> bool:
        """Whether ``express`` may be asked: where nobody follows what each request does."""
        return self._find_express is not None and self._telemetry is None

    def express(self, request: HttpRequest, caller: Caller) -> ExpressCall | None:
        """Begin a request without a body where a plain call is all it takes, and tell ``caller`` its end; else do nothing."""
        method = request.method
        if request.body or method not in _EXPRESS:
            return None
        found = self._router.straight(request.path)
        if found is None:
            return None
        methods, names, captured = found
        if method not in methods:
            method = "GET"
        target = methods.get(method)
        if target is None:
            return None
        if not target.is_settled:
            self._settle(target, names.get(method, ()))
        if target.starts_open and captured[0] in self._reserved:
            return None
        placed = target.placed
        if placed is not None:
            return placed.start(captured, self._limits.rest_deadline, caller)
        flow = target.express
        if flow is None:
            return None
        sent = HttpInputs(dict(zip(names.get(method, ()), captured, strict=False)), request.query, request.headers, b"", method)
        try:
            return flow.start(bind_http(target.binder, sent, self._limits), self._limits.rest_deadline, caller)
        except RequestError:  # the general way comes to the same, and words it
            return None

    def _settle(self, target: _Target, names: Sequence[str]) -> None:
        target.is_settled = True
        first = target.route.path.lstrip("/").partition("/")[0]
        target.starts_open = "{" in first
        if self._find_express is None or target.guard is not None or unquote(first) in self._reserved:
            return
        target.express = flow = self._find_express(target.route.flow)
        inputs = target.binder.path_names
        places = {key: place for place, key in enumerate(names)}  # of two variables with one name the last counts
        if flow is None or inputs is None or not all(key in places for _, key in inputs):
            return
        target.placed = flow.placed({name: places[key] for name, key in inputs})

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        if self._telemetry is not None:
            return await observed(self._telemetry, "rest", request, self._handle)
        try:
            return await self._handle(request)
        except RequestError as error:
            return problem(error, request.request_id)

    async def _handle(self, request: HttpRequest) -> HttpAnswer:
        match = self._router.find(request.path)
        method = request.method
        target = None
        if match is not None:
            target = match.methods.get(method)
            if target is None and method == "HEAD":
                method = "GET"
                target = match.methods.get("GET")
        if target is None or match is None:
            return await self._otherwise(request, match.methods if match is not None else {})
        if self._telemetry is not None:
            take(f"{target.route.path} {target.route.method}", target.exposure.label)
        if target.guard is not None:
            await target.guard.check(request)
        sent = HttpInputs(match.values(method), request.query, request.headers, request.body, method)
        inputs = bind_http(target.binder, sent, self._limits)
        return answer(await self._run(target.route.flow, inputs, self._limits.rest_deadline))

    async def _otherwise(self, request: HttpRequest, methods: Mapping[str, _Target]) -> HttpAnswer:
        forward = self._forwards.find(request.path)
        if forward is not None and self._forward is not None:
            target = forward.methods["*"]
            if self._telemetry is not None:
                take(f"{target.route.path} *", target.exposure.label)
            if target.guard is not None:
                await target.guard.check(request)
            return await self._forward(target.route, request, forward.raw_values("*"))
        page = self._pages.get(request.path)
        if page is not None and not methods:
            if self._telemetry is not None:
                take(f"{request.path} {request.method}")
            return await page(request)
        if not methods:
            raise NotFound(f"nothing is served at {request.path!r}", hint="GET /openapi.json lists what is")
        allow = sorted({*methods, "OPTIONS", *(["HEAD"] if "GET" in methods else [])})
        if request.method == "OPTIONS":
            return HttpAnswer(status=204, headers=[("Allow", ", ".join(allow))])
        raise MethodNotAllowed(f"{request.method} is not served at {request.path!r}", allow=allow)


def _warn_shadowed(route: RestRoute, first: RestRoute, problems: Problems) -> None:
    where = f"{first.at}" if first.at else "an earlier file"
    message = f"{route.method} {route.path} is already served ({first.method} {first.path} at {where}); the first one is kept"
    problems.warn("W-REST-SHADOWED", message, route.at, "give one of them another path")


class _Clashes(RestAdapter):
    """Routes are told apart, and nothing is bound."""

    def _binder(self, route: RestRoute) -> Binder:
        return _UNBOUND


_UNBOUND = compile_binder(())


def check_routes(exposures: Sequence[RestExposure], problems: Problems) -> None:
    """Report clashes and unroutable paths of exposures that share a listener."""

    async def never(flow: object, inputs: object, seconds: float) -> object:
        raise NotImplementedError

    adapter = _Clashes((), never)  # type: ignore[arg-type]  # nothing is run
    for exposure in exposures:
        adapter.add(exposure, problems)
