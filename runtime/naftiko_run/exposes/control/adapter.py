"""The control adapter: management requests in, answers in the shapes of the language out.

It shows and does only what its document switches on; the rest answers 404. Errors are ``{"error": ...}``. Every body passes
through the redactor. Callers are checked before this (see ``exposes/guards``), and the address was chosen so that nobody beyond
this machine gets here without a credential.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from urllib.parse import unquote

from naftiko_run.errors import Finding, InvalidInputs
from naftiko_run.exposes.control.logs import LEVELS, LogHub, find_logger, list_loggers, logger_json
from naftiko_run.exposes.control.settings import ControlSettings
from naftiko_run.exposes.control.sources import ControlSources
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.flows.binding import parse_query
from naftiko_run.telemetry.metrics import render
from naftiko_run.values import depth_exceeds, dump_json, load_json

Method = Callable[[HttpRequest, str], Awaitable[HttpAnswer]]
WORST_LAG = 5.0
_DEPTH = 64
_OFF = "telemetry is switched off"


class ControlAdapter:
    """Live. Routes are a table: path to method to function."""

    def __init__(self, settings: ControlSettings, sources: ControlSources) -> None:
        self.settings, self.sources = settings, sources
        self._routes = self._exact()
        self._below = self._prefixed()

    def _exact(self) -> dict[str, dict[str, Method]]:
        settings, routes = self.settings, dict[str, dict[str, Method]]()
        if settings.health:
            routes |= {"/health/live": {"GET": self._live}, "/health/ready": {"GET": self._ready}}
        if settings.info:
            routes |= {"/status": {"GET": self._status}, "/config": {"GET": self._config}}
        if settings.validate:
            routes["/config/validate"] = {"POST": self._validate}
        if settings.reload:
            routes["/config/reload"] = {"POST": self._reload}
        if settings.scripting:
            routes["/scripting"] = {"GET": self._scripting, "PUT": self._change_scripting}
        if settings.observability.metrics:
            routes["/metrics"] = {"GET": self._metrics}
        if settings.observability.traces:
            routes["/traces"] = {"GET": self._traces}
        if settings.logs is not None:
            routes["/logs"] = {"GET": self._loggers}
            if settings.logs.stream:
                routes["/logs/stream"] = {"GET": self._log_stream}
        return routes

    def _prefixed(self) -> dict[str, dict[str, Method]]:
        routes: dict[str, dict[str, Method]] = {}
        if self.settings.observability.traces:
            routes["/traces/"] = {"GET": self._trace}
        if self.settings.logs is not None:
            routes["/logs/"] = {"GET": self._logger}
            if self.settings.logs.level_control:
                routes["/logs/"]["PUT"] = self._set_level
        return routes

    async def handle(self, request: HttpRequest) -> HttpAnswer:
        methods, rest = self._find(request.path)
        if methods is None:
            return self._json(404, {"error": "nothing is served at this path"})
        method = methods.get("GET" if request.method == "HEAD" else request.method)
        if method is None:
            allow = sorted({*methods, *(["HEAD"] if "GET" in methods else [])})
            answer = self._json(405, {"error": f"{request.method} is not served here"})
            answer.headers.append(("Allow", ", ".join(allow)))
            return answer
        return await method(request, rest)

    def _find(self, path: str) -> tuple[Mapping[str, Method] | None, str]:
        exact = self._routes.get(path.rstrip("/") or "/")
        if exact is not None:
            return exact, ""
        for prefix, methods in self._below.items():
            if path.startswith(prefix) and len(path) > len(prefix):
                return methods, unquote(path[len(prefix) :])
        return None, ""

    def _json(self, status: int, value: object) -> HttpAnswer:
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        return HttpAnswer(status=status, headers=headers, body=dump_json(_cleaned(value, self.sources.clean)))

    # ---- health

    async def _live(self, request: HttpRequest, rest: str) -> HttpAnswer:
        alive = self.sources.lag() < WORST_LAG
        return self._json(200 if alive else 503, {"status": "UP" if alive else "DOWN"})

    async def _ready(self, request: HttpRequest, rest: str) -> HttpAnswer:
        adapters = self.sources.adapters()
        ready = not self.sources.is_draining() and all(one["state"] == "started" for one in adapters)
        return self._json(200 if ready else 503, {"status": "UP" if ready else "DEGRADED", "adapters": adapters})

    async def _status(self, request: HttpRequest, rest: str) -> HttpAnswer:
        return self._json(200, self.sources.status())

    # ---- configuration

    async def _config(self, request: HttpRequest, rest: str) -> HttpAnswer:
        return self._json(200, self.sources.config())

    async def _validate(self, request: HttpRequest, rest: str) -> HttpAnswer:
        """200 whatever is found: the question was answered."""
        try:
            text = request.body.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self._json(400, {"error": "the body is not UTF-8 text"})
        if not text.strip():
            return self._json(400, {"error": "send the capability document as the body"})
        findings, served = await self.sources.validate(text)
        return self._json(200, {"valid": served, "findings": _findings(findings)})

    async def _reload(self, request: HttpRequest, rest: str) -> HttpAnswer:
        outcome = await self.sources.reload()
        shown = {"findings": _findings(outcome.findings)}
        if outcome.ok:
            return self._json(
                202 if outcome.accepted else 200, {"status": "rolling" if outcome.accepted else "reloaded", **shown}
            )
        return self._json(422, {"status": "kept", "error": outcome.error, **shown})

    # ---- scripting

    async def _scripting(self, request: HttpRequest, rest: str) -> HttpAnswer:
        return self._json(200, self.sources.scripting.to_json())

    async def _change_scripting(self, request: HttpRequest, rest: str) -> HttpAnswer:
        changes = _json_object(request.body)
        if changes is None:
            return self._json(400, {"error": "the body must be a JSON object"})
        try:
            self.sources.scripting.update(changes)
        except InvalidInputs as error:
            return self._json(400, {"error": error.message})
        return self._json(200, self.sources.scripting.to_json())

    # ---- metrics and traces

    async def _metrics(self, request: HttpRequest, rest: str) -> HttpAnswer:
        telemetry = self.sources.telemetry
        if telemetry is None:
            return self._json(503, {"error": _OFF})
        body = render(telemetry.metrics, self.sources.clean).encode()
        return HttpAnswer(status=200, headers=[("Content-Type", "text/plain; version=0.0.4; charset=utf-8")], body=body)

    async def _traces(self, request: HttpRequest, rest: str) -> HttpAnswer:
        telemetry = self.sources.telemetry
        if telemetry is None:
            return self._json(503, {"error": _OFF})
        asked = {name: values[0] for name, values in parse_query(request.query).items()}
        found = telemetry.traces.list(operation=asked.get("operation", ""), status=asked.get("status", ""))
        return self._json(200, {"traces": found, "bufferSize": telemetry.traces.size, "bufferUsed": len(telemetry.traces)})

    async def _trace(self, request: HttpRequest, rest: str) -> HttpAnswer:
        telemetry = self.sources.telemetry
        if telemetry is None:
            return self._json(503, {"error": _OFF})
        trace = telemetry.traces.find(rest)
        return self._json(404, {"error": "there is no such trace"}) if trace is None else self._json(200, trace.to_json())

    # ---- logs

    async def _loggers(self, request: HttpRequest, rest: str) -> HttpAnswer:
        return self._json(200, {"loggers": list_loggers()})

    async def _logger(self, request: HttpRequest, rest: str) -> HttpAnswer:
        logger = find_logger(rest)
        return self._json(404, {"error": "there is no such logger"}) if logger is None else self._json(200, logger_json(logger))

    async def _set_level(self, request: HttpRequest, rest: str) -> HttpAnswer:
        logger, asked = find_logger(rest), _json_object(request.body)
        if logger is None:
            return self._json(404, {"error": "there is no such logger"})
        if asked is None or "level" not in asked:
            return self._json(400, {"error": 'send {"level": ...}'})
        level = asked["level"]
        word = level.upper() if isinstance(level, str) else ""
        if level is not None and word not in LEVELS:
            return self._json(400, {"error": f"level must be one of {', '.join(LEVELS)}, or null to follow the parent"})
        logger.setLevel(word if level is not None else "NOTSET")
        return self._json(200, logger_json(logger))

    async def _log_stream(self, request: HttpRequest, rest: str) -> HttpAnswer:
        hub: LogHub = self.sources.logs
        most = self.settings.logs.max_subscribers if self.settings.logs is not None else 0
        if hub.subscribers >= most:
            return self._json(503, {"error": f"{most} listen already"})
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")]
        return HttpAnswer(status=200, headers=headers, stream=hub.stream(self.sources.is_draining))


def _cleaned(value: object, clean: Callable[[str], str]) -> object:
    """The value with every text cleaned; numbers stay numbers, whatever somebody chose for a secret."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(item, clean) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_cleaned(item, clean) for item in value]
    return value


def _json_object(body: bytes) -> dict[str, object] | None:
    if depth_exceeds(body, _DEPTH):
        return None
    try:
        value = load_json(body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _findings(findings: Sequence[Finding]) -> list[dict[str, object]]:
    return [_finding(one) for one in findings]


def _finding(finding: Finding) -> dict[str, object]:
    at = finding.at
    shown: dict[str, object] = {"code": finding.code, "severity": finding.severity, "message": finding.message}
    if finding.hint:
        shown["hint"] = finding.hint
    if at is not None:
        shown |= {"file": at.file, "line": at.line, "column": at.column, "path": at.path}
    return shown
