"""A flow of one plain call, run without a task: its answer passes through untouched or is shaped, as most REST operations are.

``start`` does nothing at all where it cannot do everything; the caller then takes the general way, which words every refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from time import monotonic
from typing import Protocol

from naftiko_run.consumes.attempt import Attempt
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.messages import Deadline, UpstreamReply
from naftiko_run.consumes.request_head import request_line
from naftiko_run.consumes.request_writer import RequestWriter
from naftiko_run.consumes.retry import REPEATABLE
from naftiko_run.errors import RequestError
from naftiko_run.expressions.argument import Expression, ReferenceExpression
from naftiko_run.expressions.reference import Reference
from naftiko_run.expressions.scope import Scope
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.flows.run import FlowRunner, evaluate_arguments, is_success, media_type_of, upstream_status
from naftiko_run.flows.steps import CallStep


class Caller(Protocol):
    """Who is told, exactly once, in a callback of the event loop."""

    def answered(self, status: int, media_type: str, body: bytes) -> None: ...

    def continued(self, work: Awaitable[Result]) -> None:
        """No plain success: ``work`` comes to a result or an error in its own time."""


class ExpressFlow:
    """``start`` for one flow. ``hide`` takes secrets out of an error before anybody sees it."""

    __slots__ = ("block", "client", "flow", "hide", "method", "names", "operation", "runner", "step", "writer")

    def __init__(
        self, flow: Flow, step: CallStep, writer: RequestWriter, client: HttpClient, runner: FlowRunner,
        hide: Callable[[RequestError], None],
    ) -> None:  # fmt: skip
        self.flow, self.step, self.operation = flow, step, step.operation
        self.writer, self.client, self.runner, self.hide = writer, client, runner, hide
        self.method, self.block = writer.method, writer.block
        self.names = tuple((key, _input_of(expression)) for key, expression in step.arguments)

    def _arguments(self, inputs: Mapping[str, object]) -> Mapping[str, object]:
        if self.step.direct:
            return inputs
        try:
            return {key: inputs[name] for key, name in self.names}
        except KeyError:
            return evaluate_arguments(self.step, Scope(inputs, {}, self.runner.binds))

    def start(self, inputs: Mapping[str, object], seconds: float, caller: Caller) -> ExpressCall | None:
        writer = self.writer
        target = writer.target(self._arguments(inputs))
        if not target:
            return None
        head = request_line(self.method, target) + self.block
        call = ExpressCall(self, target, inputs, seconds, caller)
        if self.client.begin(call, writer.origin, self.method, head, self.operation.max_body, seconds):
            return call
        return None


class ExpressCall(Attempt):
    """One run of an ``ExpressFlow``."""

    __slots__ = ("_at", "_caller", "_flow", "_inputs", "_target")

    def __init__(self, flow: ExpressFlow, target: str, inputs: Mapping[str, object], seconds: float, caller: Caller) -> None:
        self._is_done = False
        self._flow, self._target, self._inputs, self._caller = flow, target, inputs, caller
        self._at = monotonic() + seconds

    def landed(self, reply: UpstreamReply) -> None:
        flow = self._flow
        if flow.flow.shape is None or not reply.body:
            self._caller.answered(reply.status, media_type_of(flow.operation, reply), reply.body)
            return
        result = flow.runner.finish_now(flow.flow, flow.operation, reply, self._inputs)
        if result is None:
            self._caller.continued(flow.runner.finish(flow.flow, flow.operation, reply, self._inputs))
        else:
            self._caller.answered(result.status, result.media_type, result.content)

    def proceed(self) -> None:
        self._caller.continued(self._rest())

    async def _rest(self) -> Result:
        flow = self._flow
        deadline = Deadline(self._at - monotonic())
        try:
            reply = await flow.client.proceed(flow.writer.request_for(self._target), deadline, self)
            if not is_success(reply.status):
                raise upstream_status(flow.operation, reply)
        except RequestError as error:
            flow.hide(error)
            raise
        return await flow.runner.finish(flow.flow, flow.operation, reply, self._inputs)


def _input_of(expression: Expression) -> str:
    """The input that an argument is; empty, which names none, where it is more than that."""
    references = expression.references
    is_one = isinstance(expression, (Reference, ReferenceExpression)) and len(references) == 1
    return references[0].plain_input if is_one else ""


def express_step(flow: Flow) -> CallStep | None:
    """The one call that a flow is, where running it is nothing but making that call."""
    if flow.unavailable is not None or flow.preset or flow.orchestrated or len(flow.steps) != 1:
        return None
    step = flow.steps[0]
    if not isinstance(step, CallStep) or step.operation.method not in REPEATABLE:
        return None
    return step
