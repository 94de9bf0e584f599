"""The live half: compiled capabilities in, a ``Run`` for their adapters out. Opens HTTP clients, holds secrets, sets deadlines.

``async with Engine(capabilities, settings) as engine:`` resolves every variable (all missing ones in one message), binds every
credential, and opens one HTTP client per consumed namespace. What cannot be resolved for one consumer is that consumer's error.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self

from naftiko_run.binds import Bound, resolve_binds
from naftiko_run.capability import Capability, is_self_call
from naftiko_run.consumes.authentication import Authenticator
from naftiko_run.consumes.base_uri import find_variable
from naftiko_run.consumes.client import HttpClient, OnExchange, OnSend
from naftiko_run.consumes.consumer import HttpConsumer
from naftiko_run.consumes.messages import Deadline, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.operation import Operation, Target
from naftiko_run.consumes.request_writer import RequestWriter, compile_writer
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.errors import BindingError, OperationUnavailable, RequestError, StepFailed, UpstreamStatus
from naftiko_run.exposes.exposure import ForwardRoute, Run
from naftiko_run.exposes.forward import forward_answer, forward_request
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.express import ExpressFlow, express_step
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.flows.run import FlowRunner
from naftiko_run.flows.scripts.governance import ScriptGovernance, compile_governance
from naftiko_run.flows.steps import Step
from naftiko_run.isolation.pool import WorkerPool
from naftiko_run.records import field, record, replace
from naftiko_run.redaction import Redactor


@record
class EngineSettings:
    """``lenient``: a missing variable fails the calls that need it instead of the start. ``own_ports`` are where we listen."""

    client: ClientSettings = field(default_factory=ClientSettings)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    lenient: bool = False
    relay_errors: bool = False
    own_ports: frozenset[int] = frozenset()
    allow_unfiltered_scripts: bool = False
    on_exchange: OnExchange | None = None
    on_send: OnSend | None = None
    on_step: Callable[[Step], object] | None = None
    observe_step: Callable[[Step, float, BaseException | None], None] | None = None
    redactor: Redactor | None = None  # one that outlives this engine


class Engine:
    """Runs the flows of one or several capabilities."""

    def __init__(self, capabilities: Sequence[Capability] | Capability, settings: EngineSettings | None = None) -> None:
        self.capabilities = (capabilities,) if isinstance(capabilities, Capability) else tuple(capabilities)
        self.settings = settings or EngineSettings()
        self.redactor = self.settings.redactor or Redactor()
        self.workers = WorkerPool(limits=self.settings.client.limits, allow_unfiltered=self.settings.allow_unfiltered_scripts)
        self.lives: dict[int, LiveCapability] = {}

    def resolve(self) -> None:
        """Resolve binds and credentials; raises ``BindingError`` naming everything that is missing. Opens nothing."""
        for capability in self.capabilities:
            self.lives[id(capability)] = LiveCapability(capability, self.settings, self.redactor, self.workers)

    async def __aenter__(self) -> Self:
        if not self.lives:
            self.resolve()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def close(self) -> None:
        for live in self.lives.values():
            await live.close()
        await self.workers.close()

    def run(self, capability: Capability) -> Run:
        """The ``Run`` for this capability's adapters."""
        return self.lives[id(capability)].run

    def live(self, capability: Capability) -> LiveCapability:
        return self.lives[id(capability)]


class LiveCapability:
    """One capability with its secrets resolved and its clients open."""

    def __init__(self, capability: Capability, settings: EngineSettings, redactor: Redactor, workers: WorkerPool) -> None:
        self.capability = capability
        self.settings = settings
        self.redactor = redactor
        self.bound: Bound = resolve_binds(
            capability.bindings, _needed(capability), settings.environment, lenient=settings.lenient
        )
        self.bound.register(redactor)
        self.scope = Scope({}, {}, self.bound.values)
        self.clients: dict[str, HttpClient] = {}
        self.consumers: dict[int, LiveConsumer] = {}
        management = capability.control.management if capability.control is not None else None
        scripting = management.get("scripting") if management is not None else None
        self.scripting: ScriptGovernance = compile_governance(scripting, settings.environment)
        for consumer in capability.consumers:
            self.consumers[id(consumer)] = LiveConsumer(consumer, self, redactor)
        self._express: dict[int, tuple[RequestWriter, HttpClient] | None] = {}  # by operation, found on its first call
        self.runner = FlowRunner(
            call=self.call, workers=workers, binds=self.bound.values, scripting=self.scripting,
            relay_errors=settings.relay_errors, on_step=settings.on_step, observe=settings.observe_step,
        )  # fmt: skip

    async def run(self, flow: Flow, inputs: Mapping[str, object], seconds: float) -> Result:
        try:
            return await self.runner.run(flow, inputs, Deadline(seconds))
        except RequestError as error:
            self._hide_secrets(error)
            raise

    def _hide_secrets(self, error: RequestError) -> None:
        """An upstream may repeat our credential in its refusal, of which a model reads an excerpt (requirement S60)."""
        cause = error.cause if isinstance(error, StepFailed) else error
        if isinstance(cause, UpstreamStatus) and cause.excerpt:
            cause.excerpt = self.redactor.clean(cause.excerpt)

    def call(self, operation: Operation, arguments: Mapping[str, object], deadline: Deadline) -> Awaitable[UpstreamReply]:
        """Send one request for ``operation``; any status is a reply."""
        key = id(operation)
        express = self._express[key] if key in self._express else self._find_express(operation)
        if express is not None:
            writer, client = express
            request = writer.request(arguments)
            if request is not None:
                return client.send(request, deadline)
        return self._call(operation, arguments, deadline)

    def express(self, flow: Flow) -> ExpressFlow | None:
        """How a flow is run without a task, where that is all the same."""
        step = None if self.settings.relay_errors else express_step(flow)
        if step is None:
            return None
        key = id(step.operation)
        found = self._express[key] if key in self._express else self._find_express(step.operation)
        if found is None or not found[0].block:
            return None
        writer, client = found
        lane = client.lane(writer.origin)
        return None if lane is None else ExpressFlow(flow, step, writer, client, lane, self.runner, self._hide_secrets)

    def _find_express(self, operation: Operation) -> tuple[RequestWriter, HttpClient] | None:
        """What sends an operation's requests where only path and query differ from one to the next; looked for once."""
        express = self._express[id(operation)] = self._make_express(operation)
        return express

    def _make_express(self, operation: Operation) -> tuple[RequestWriter, HttpClient] | None:
        live = self.consumers.get(id(operation.consumer))
        if live is None or live.problem is not None or live.target is None or live.is_bound_per_call:
            return None
        try:
            writer = compile_writer(operation, live.target, self.bound.values, live.authenticator)
            if writer is None:
                return None
            writer.block = live.client.block(writer.sample)
        except RequestError:  # what cannot be sent is refused when it is called
            return None
        return writer, live.client

    async def _call(self, operation: Operation, arguments: Mapping[str, object], deadline: Deadline) -> UpstreamReply:
        if operation.unavailable is not None:
            reason = operation.unavailable
            raise OperationUnavailable(reason.message, hint=reason.hint, code=reason.code)
        live = self.consumers[id(operation.consumer)]
        if live.problem is not None:
            raise live.problem
        authenticator = live.authenticator or live.authenticate(arguments)
        if authenticator is not None and authenticator.path_values:
            arguments = {**arguments, **authenticator.path_values}
        target = live.target or live.resolve(arguments)
        request = operation.request(arguments, target, self.bound.values)
        if authenticator is None or operation.carries_credential:
            return await live.client.send(request, deadline)
        if authenticator.static:
            authenticator.apply(request)
            return await live.client.send(request, deadline)
        return await _negotiated(authenticator, request, live.client, deadline)

    async def send(self, request: UpstreamRequest, deadline: Deadline) -> UpstreamReply:
        """A request that no operation makes (key sets, token introspection), under the same egress rules and limits."""
        client = self.clients.get("")
        if client is None:
            client = self.clients[""] = self.open_client("", self.settings.client)
        return await client.send(request, deadline)

    async def forward(self, route: ForwardRoute, request: HttpRequest, values: Mapping[str, str]) -> HttpAnswer:
        """Relay a request to the namespace that ``route`` names; whatever the upstream answers is the answer."""
        live = next(one for one in self.consumers.values() if one.consumer.namespace == route.namespace)
        if live.problem is not None:
            raise live.problem
        authenticator = live.authenticator or live.authenticate({})
        target = live.target or live.resolve(values)
        sent = forward_request(route, request, values, target, live.consumer.parameters, self.scope)
        deadline = Deadline(self.settings.client.limits.rest_deadline)
        if authenticator is None:
            return forward_answer(await live.client.send(sent, deadline))
        return forward_answer(await _negotiated(authenticator, sent, live.client, deadline))

    def client(self, consumer: HttpConsumer) -> HttpClient:
        """The one client of a namespace: its connections, counters and breakers are its own (requirement R5)."""
        found = self.clients.get(consumer.namespace)
        if found is None:
            found = self.open_client(consumer.namespace, self.settings.client)
            self.clients[consumer.namespace] = found
        return found

    def open_client(self, namespace: str, settings: ClientSettings) -> HttpClient:
        return HttpClient(namespace, settings, on_exchange=self.settings.on_exchange, on_send=self.settings.on_send)

    async def close(self) -> None:
        for client in self.clients.values():
            await client.close()


async def _negotiated(
    authenticator: Authenticator, request: UpstreamRequest, client: HttpClient, deadline: Deadline
) -> UpstreamReply:
    """Credentials that are obtained first, and renewed once when the upstream refuses them."""
    await authenticator.prepare(client.send, deadline)
    authenticator.apply(request)
    reply = await client.send(request, deadline)
    if reply.status == 401 and authenticator.on_unauthorized(request, reply):
        await authenticator.prepare(client.send, deadline)
        authenticator.apply(request)
        reply = await client.send(request, deadline)
    return reply


class LiveConsumer:
    """A consumer's target and credentials, made once where nothing of a call goes into them."""

    client: HttpClient
    problem: RequestError | None

    def __init__(self, consumer: HttpConsumer, owner: LiveCapability, redactor: Redactor) -> None:
        self.consumer, self._redactor = consumer, redactor
        self._binds = owner.bound.values
        self._environment = owner.settings.environment
        self.authenticator: Authenticator | None = None
        self.target: Target | None = None
        self._scope = Scope({}, {}, self._binds)
        self.problem = _self_call(consumer, owner.settings.own_ports) or _tunnelled(consumer) or self._prepare()
        self.client = self._open(owner)

    def _open(self, owner: LiveCapability) -> HttpClient:
        """The namespace's client, or one of its own for a consumer that presents a certificate."""
        certificate = self.authenticator.certificate if self.authenticator is not None else None
        if certificate is None:
            return owner.client(self.consumer)
        settings = replace(owner.settings.client, client_cert=certificate)
        try:
            found = owner.open_client(self.consumer.namespace, settings)
        except BindingError as error:
            self.problem = OperationUnavailable(error.message, hint=error.hint, code=error.code)
            return owner.client(self.consumer)
        owner.clients[f"{self.consumer.namespace} (certificate)"] = found
        return found

    def _prepare(self) -> RequestError | None:
        authentication = self.consumer.authentication
        try:
            if authentication is not None and not authentication.per_call:
                self.authenticator = authentication.bind(self._scope, redactor=self._redactor)
        except RequestError as error:
            return error
        except BindingError as error:
            if authentication is None or authentication.kind != "certificate":
                raise
            return OperationUnavailable(error.message, hint=error.hint, code=error.code)
        names = self.consumer.base_uri.variables
        if not names or not any(self._value(name, {}) is MISSING for name in names):
            try:
                self.target = self.resolve(self.authenticator.path_values if self.authenticator else {})
            except RequestError as error:
                return error if not names else None
        return None

    @property
    def is_bound_per_call(self) -> bool:
        """Whether credentials differ from call to call."""
        authentication = self.consumer.authentication
        if authentication is None:
            return False
        return self.authenticator is None or bool(self.authenticator.path_values)

    def authenticate(self, arguments: Mapping[str, object]) -> Authenticator | None:
        authentication = self.consumer.authentication
        if authentication is None or not authentication.per_call:
            return None
        return authentication.bind(Scope(arguments, {}, self._binds), redactor=self._redactor)

    def resolve(self, arguments: Mapping[str, object]) -> Target:
        """Where requests go, with ``arguments`` for what neither settings nor binds fill."""
        base = self.consumer.base_uri
        origin, prefix = base.resolve({name: self._value(name, arguments) for name in base.variables})
        headers = tuple((name, template.render_lenient(self._scope)) for name, template in self.consumer.headers)
        return Target(origin=origin, prefix=prefix, headers=headers)

    def _value(self, name: str, arguments: Mapping[str, object]) -> object:
        if name in arguments:
            return arguments[name]
        found = find_variable(name, self._binds, self._environment)
        return MISSING if found is None else found


def _needed(capability: Capability) -> set[str]:
    """Variables that calls need: those of templates, and those of base URIs that are bound."""
    needed = set(capability.uses)
    declared = {name for binding in capability.bindings for name in binding.keys}
    for consumer in capability.consumers:
        needed |= {name for part in consumer.base_uri.variables if (name := part.rpartition(".")[2]) in declared}
    return needed


def _self_call(consumer: HttpConsumer, ports: frozenset[int]) -> RequestError | None:
    if not is_self_call(consumer, set(ports)):
        return None
    return OperationUnavailable(
        f"namespace {consumer.namespace!r} points at this process's own port and would call itself forever",
        hint=f"set --base-uri {consumer.namespace}=URL", code="E-SELF-CALL",
    )  # fmt: skip


def _tunnelled(consumer: HttpConsumer) -> RequestError | None:
    tunnel = consumer.tunnel
    if tunnel is None or consumer.base_uri.overridden:
        return None
    return OperationUnavailable(tunnel.message, hint=tunnel.hint, code=tunnel.code)
