"""Where telemetry is fastened to what runs: hooks of the engine, a wrapper around flows, and the way to a collector."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from naftiko_run.capability import Capability
from naftiko_run.consumes.messages import UpstreamRequest
from naftiko_run.consumes.retry import Outcome
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.errors import BindingError, RequestError
from naftiko_run.exposes.exposure import Run
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.flows.steps import CallStep, LookupStep, Step
from naftiko_run.records import replace
from naftiko_run.redaction import Redactor
from naftiko_run.telemetry.otlp import ENDPOINTS, SECRETS, OtlpExporter, is_asked_for, is_disabled
from naftiko_run.telemetry.settings import TelemetrySettings, compile_observability
from naftiko_run.telemetry.spans import Value
from naftiko_run.telemetry.telemetry import Telemetry

LOGGER = logging.getLogger("naftiko_run.telemetry")


def build_telemetry(
    capabilities: Sequence[Capability], environment: Mapping[str, str], clean: Callable[[str], str]
) -> Telemetry | None:
    """Telemetry as the first control adapter says; without one, where the standard variables name a collector."""
    control = next((c.control for c in capabilities if c.control is not None), None)
    settings = compile_observability(control.observability) if control is not None else TelemetrySettings()
    if not settings.enabled or (control is None and not is_asked_for(environment)):
        return None
    return Telemetry(settings, clean=clean)


def instrumented(settings: EngineSettings, telemetry: Telemetry | None, redactor: Redactor) -> EngineSettings:
    """The engine's settings with hooks, where there is something to tell; and with the process's own redactor."""
    if telemetry is None:
        return replace(settings, redactor=redactor)

    def on_send(request: UpstreamRequest, attempt: int) -> None:
        namespace = request.operation.partition(".")[0]
        telemetry.begin_attempt(request.method, _url(request), namespace, request.headers, attempt)

    def on_exchange(request: UpstreamRequest, outcome: Outcome, seconds: float, attempt: int) -> None:
        method, host = request.method, request.origin.host
        if isinstance(outcome, RequestError):
            telemetry.end_attempt(method, host, seconds, error=type(outcome).__name__)
        else:
            telemetry.end_attempt(method, host, seconds, status=outcome.status)

    def on_step(step: Step) -> None:
        telemetry.begin_span(f"step.{_kind(step)}", **_attributes(step))

    def observe_step(step: Step, seconds: float, error: BaseException | None) -> None:
        namespace = step.operation.consumer.namespace if isinstance(step, CallStep) else ""
        telemetry.step_done(_kind(step), namespace, seconds, type(error).__name__ if error is not None else "")

    return replace(
        settings, redactor=redactor, on_send=on_send, on_exchange=on_exchange, on_step=on_step, observe_step=observe_step
    )


def _url(request: UpstreamRequest) -> str:
    """Without query and user info (requirement S60)."""
    return f"{request.origin}{request.target.partition('?')[0]}"


def _kind(step: Step) -> str:
    return "call" if isinstance(step, CallStep) else "lookup" if isinstance(step, LookupStep) else "script"


def _attributes(step: Step) -> dict[str, Value]:
    if isinstance(step, CallStep):
        return {"step.name": step.name, "step.call": step.operation.ref, "naftiko.namespace": step.operation.consumer.namespace}
    if isinstance(step, LookupStep):
        return {"step.name": step.name, "step.index": step.index, "step.match": step.match}
    return {"step.name": step.name, "script.language": step.script.language, "script.file": step.script.source.name}


def traced(run: Run, telemetry: Telemetry | None) -> Run:
    """``run`` with a span around each flow that is an aggregate's."""
    if telemetry is None:
        return run

    async def traced_run(flow: Flow, inputs: Mapping[str, object], seconds: float) -> Result:
        if not flow.aggregate:
            return await run(flow, inputs, seconds)
        span, failed = telemetry.begin_span("aggregate.flow", **{"aggregate.ref": flow.aggregate}), ""
        try:
            return await run(flow, inputs, seconds)
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            telemetry.end_span(span, failed)

    return traced_run


def attach_exporter(telemetry: Telemetry | None, engine: Engine, redactor: Redactor, version: str) -> None:
    """Export over OTLP where a document or the standard variables name a collector; without the extra a warning says so."""
    if telemetry is None or telemetry.exporter is not None:
        return
    environment = engine.settings.environment
    redactor.register_all(environment.get(name, "") for name in SECRETS)
    endpoint = _endpoint(engine)
    if is_disabled(environment) or not (endpoint or is_asked_for(environment)):
        return
    if not any(environment.get(name) for name in ENDPOINTS[1:]):  # those of one signal are the exporters' own business
        endpoint = endpoint or environment.get(ENDPOINTS[0], "")
    labels = list(dict.fromkeys(capability.label for capability in engine.capabilities))
    name = labels[0] if len(labels) == 1 else "naftiko-run"
    try:
        telemetry.exporter = OtlpExporter(endpoint, service_name=name, version=version, clean=redactor.clean)
    except BindingError as error:
        LOGGER.warning("telemetry stays in this process: %s (%s)", error.message, error.hint)


def _endpoint(engine: Engine) -> str:
    """The collector of the first control adapter that names one, with its variables filled."""
    for capability in engine.capabilities:
        control = capability.control
        if control is not None and control.collector is not None:
            return str(control.collector.render_lenient(engine.live(capability).scope))
    return ""
