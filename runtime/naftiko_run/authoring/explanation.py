"""A unit and some inputs in, an account of the call out: what feeds what, the exact requests, how the answer is shaped.

Nothing is sent and no secret is read: a bound variable is shown as ``<NAME>``, whatever its value would be, and an environment
is not looked at.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from naftiko_run.authoring.inputs import sample_inputs
from naftiko_run.authoring.units import Unit
from naftiko_run.capability import Capability
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.operation import Operation, Target
from naftiko_run.engine import Engine, EngineSettings, LiveCapability
from naftiko_run.errors import MalformedRequest, RequestError
from naftiko_run.expressions.argument import Constant, Expression, ListExpression, MapExpression, TemplateExpression
from naftiko_run.expressions.reference import Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.binding import bind_arguments
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.steps import CallStep, LookupStep, ScriptStep, Step
from naftiko_run.records import record, replace

LONGEST_BODY = 4000


@record
class RequestAccount:
    """One upstream request: ``feeds`` says per parameter where its value comes from. ``note`` is why parts are missing."""

    step: str
    operation: str
    feeds: tuple[tuple[str, str, str], ...] = ()  # parameter, its place, what feeds it
    method: str = ""
    url: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""
    note: str = ""


@record
class Account:
    """Everything that calling a unit would do."""

    unit: str
    description: str
    inputs: tuple[InputParameter, ...]
    given: Mapping[str, object]
    assumed: tuple[str, ...]
    steps: tuple[RequestAccount, ...]
    answer: str
    schema: Mapping[str, object] | None = None
    unavailable: str = ""


def explain_unit(capability: Capability, unit: Unit, given: Mapping[str, object]) -> Account:
    """The account of calling ``unit`` with ``given`` inputs; required ones that are missing are assumed."""
    flow = unit.flow
    live = _stand_in(capability)
    assumed = {name: value for name, value in sample_inputs(flow.inputs).items() if not _is_given(name, given, flow)}
    inputs: Mapping[str, object] = bind_arguments(flow.inputs, {**assumed, **given})
    if flow.preset:
        scope = Scope(inputs, {}, live.bound.values)
        computed = {key: expression.evaluate(scope) for key, expression in flow.preset}
        inputs = {**inputs, **{key: value for key, value in computed.items() if value is not MISSING}}
    scope = Scope(inputs, {}, live.bound.values)
    return Account(
        unit=unit.title, description=unit.description, inputs=flow.inputs, given=dict(given), assumed=tuple(assumed),
        steps=tuple(_explain_step(step, scope, live) for step in flow.steps), answer=_answer(flow),
        schema=flow.shape.json_schema() if flow.shape is not None else None,
        unavailable=flow.unavailable.message if flow.unavailable is not None else "",
    )  # fmt: skip


def _is_given(name: str, given: Mapping[str, object], flow: Flow) -> bool:
    return any(one.name == name and (one.name in given or one.published in given) for one in flow.inputs)


def _stand_in(capability: Capability) -> LiveCapability:
    """The capability with ``<NAME>`` for every variable: nothing is read from files or the environment."""
    bindings = tuple(replace(binding, location="") for binding in capability.bindings)
    names = {key: f"<{name}>" for binding in bindings for name, key in binding.keys.items()}
    names |= {name.rpartition(".")[2]: f"<{name.rpartition('.')[2]}>" for name in capability.uses}
    copied = replace(capability, bindings=bindings)
    engine = Engine(copied, EngineSettings(environment=names, lenient=True))
    engine.resolve()
    return engine.live(copied)


# ---- steps


def _explain_step(step: Step, scope: Scope, live: LiveCapability) -> RequestAccount:
    if isinstance(step, LookupStep):
        found = f"in the result of {step.index!r}, the entry whose {step.match!r} equals {described(step.value)}"
        return RequestAccount(step=step.name, operation="lookup", note=f"{found}; gives {', '.join(step.outputs)}")
    if isinstance(step, ScriptStep):
        source = step.script.source
        return RequestAccount(step=step.name, operation=f"script {source.name}", note=f"runs {step.script.language}")
    return _explain_call(step, scope, live)


def _explain_call(step: CallStep, scope: Scope, live: LiveCapability) -> RequestAccount:
    operation = step.operation
    places = {parameter.key: parameter.place for parameter in operation.parameters}
    feeds = tuple((key, str(places.get(key, "undeclared")), described(expression)) for key, expression in step.arguments)
    fixed = tuple((p.name, str(p.place), f"fixed: {p.value.source}") for p in operation.parameters if p.value is not None)
    account = RequestAccount(step=step.name, operation=operation.ref, feeds=feeds + fixed)
    try:
        request, note = _request(operation, _arguments(step, scope), live)
    except RequestError as error:
        return replace(account, method=operation.method, note=error.message)
    return replace(
        account, method=request.method, url=_shown_url(request, operation), note=note, body=_shown_body(request.body),
        headers=tuple((name, _shown_header(value)) for name, value in request.headers),
    )  # fmt: skip


def _arguments(step: CallStep, scope: Scope) -> dict[str, object]:
    """Arguments; what an earlier step would give is shown by its name."""
    found: dict[str, object] = {}
    for key, expression in step.arguments:
        value: object = described(expression) if _needs_steps(expression) else expression.evaluate(scope)
        if value is not MISSING:
            found[key] = value
    return found


def _needs_steps(expression: Expression) -> bool:
    return any(reference.root == "step" for reference in expression.references)


def _request(operation: Operation, arguments: dict[str, object], live: LiveCapability) -> tuple[UpstreamRequest, str]:
    if operation.unavailable is not None:
        raise MalformedRequest(operation.unavailable.message)
    consumer = live.consumers[id(operation.consumer)]
    authenticator, note = None, ""
    try:
        authenticator = consumer.authenticator or consumer.authenticate(arguments)
    except RequestError as error:
        note = error.message
    target = consumer.target or _target(operation, arguments, live)
    path_values = authenticator.path_values if authenticator is not None else {}
    request = operation.request({**arguments, **path_values}, target, live.bound.values)
    kind = operation.consumer.authentication.kind if operation.consumer.authentication is not None else ""
    if authenticator is not None and not operation.carries_credential:
        if authenticator.static:
            authenticator.apply(request)
        else:
            note = f"a {kind} credential is obtained and added when the request is sent"
    elif operation.consumer.authentication is None:
        note = note or "sent without a credential: the namespace declares no authentication"
    return request, note


def _target(operation: Operation, arguments: dict[str, object], live: LiveCapability) -> Target:
    try:
        return live.consumers[id(operation.consumer)].resolve(arguments)
    except RequestError:
        return Target(origin=_UNRESOLVED)


_UNRESOLVED = Origin(scheme="https", host="unresolved", port=443)


# ---- words


def _shown_url(request: UpstreamRequest, operation: Operation) -> str:
    if request.origin is _UNRESOLVED:
        return f"{operation.consumer.base_uri.source or '(no base URI)'}{request.target}"
    return f"{request.origin}{_unescaped(request.target)}"


def _unescaped(target: str) -> str:
    """Stand-ins in their readable form; everything else as it would be sent."""
    return target.replace("%3C", "<").replace("%3E", ">")


def _shown_header(value: str) -> str:
    """A credential in base64 is shown by what went into it, which is stand-ins only."""
    scheme, _, rest = value.partition(" ")
    if scheme == "Basic":
        try:
            return f"Basic base64({base64.b64decode(rest).decode()})"
        except (binascii.Error, UnicodeDecodeError):
            return value
    return value


def _shown_body(body: bytes | None) -> str:
    if body is None:
        return ""
    text = body.decode("utf-8", "replace")
    return text if len(text) <= LONGEST_BODY else f"{text[:LONGEST_BODY]}... ({len(body)} bytes)"


def described(expression: Expression) -> str:
    """An expression in the author's words."""
    if isinstance(expression, Reference):
        return expression.text if expression.root != "input" else f"input {expression.name or 'body'}"
    if isinstance(expression, Constant):
        return f"constant {expression.value!r}"
    if isinstance(expression, TemplateExpression):
        return expression.template.source
    if isinstance(expression, MapExpression):
        return "{" + ", ".join(f"{name}: {described(one)}" for name, one in expression.entries) + "}"
    if isinstance(expression, ListExpression):
        return "[" + ", ".join(map(described, expression.elements)) + "]"
    return ", ".join(described(reference) for reference in expression.references)


def _answer(flow: Flow) -> str:
    if flow.shape is None:
        return "the upstream's answer as it is" if flow.steps else "nothing"
    if flow.shape.from_steps:
        return "built from the results of the steps" if flow.steps else "built from constants, without an upstream"
    return "the upstream's answer, shaped by `outputParameters`"


def plain(account: Account) -> dict[str, object]:
    """The account as JSON-like data."""
    return {
        "unit": account.unit, "description": account.description, "unavailable": account.unavailable,
        "inputs": [
            {"name": one.published, "type": one.type, "required": one.required,
             "places": [f"{source.place} {source.key}".strip() for source in one.sources]}
            for one in account.inputs
        ],
        "given": dict(account.given), "assumed": list(account.assumed),
        "steps": [
            {"step": one.step, "operation": one.operation, "note": one.note,
             "parameters": [{"name": name, "place": place, "from": source} for name, place, source in one.feeds],
             "request": _plain_request(one)}
            for one in account.steps
        ],
        "answer": account.answer, "schema": account.schema,
    }  # fmt: skip


def _plain_request(one: RequestAccount) -> dict[str, object] | None:
    if not one.url:
        return None
    return {"method": one.method, "url": one.url, "headers": [list(pair) for pair in one.headers], "body": one.body}
