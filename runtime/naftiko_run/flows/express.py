"""A flow of one plain call, run without a task: its answer passes through untouched or is shaped, as most REST operations are.

``start`` does nothing at all where it cannot do everything; the caller then takes the general way, which words every refusal.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol

from naftiko_run.consumes.attempt import Attempt
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.formats.json import ROUNDED
from naftiko_run.consumes.formats.reply import OFF_THE_LOOP
from naftiko_run.consumes.lane import Lane
from naftiko_run.consumes.messages import Deadline, UpstreamReply
from naftiko_run.consumes.request_head import request_line
from naftiko_run.consumes.request_writer import Holes, Place, RequestWriter, fill
from naftiko_run.consumes.response import KnownHead
from naftiko_run.consumes.retry import REPEATABLE
from naftiko_run.errors import RequestError
from naftiko_run.expressions.argument import Expression, ReferenceExpression
from naftiko_run.expressions.reference import Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.flows.run import FlowRunner, evaluate_arguments, is_success, media_type_of, upstream_status
from naftiko_run.flows.shapers import untouched
from naftiko_run.flows.steps import CallStep
from naftiko_run.values import dump_json


class Caller(Protocol):
    """Who is told, exactly once, in a callback of the event loop."""

    def answered(self, status: int, media_type: str, body: bytes) -> None: ...

    def continued(self, work: Awaitable[Result]) -> None:
        """No plain success: ``work`` comes to a result or an error in its own time."""


class ExpressFlow:
    """``start`` for one flow. ``hide`` takes secrets out of an error before anybody sees it."""

    __slots__ = (
        "_apply",
        "_convert",
        "_named",
        "_no_inputs",
        "_read_copied",
        "block",
        "client",
        "flow",
        "hide",
        "is_shaped",
        "lane",
        "max_body",
        "method",
        "names",
        "operation",
        "runner",
        "step",
        "writer",
    )

    def __init__(
        self, flow: Flow, step: CallStep, writer: RequestWriter, client: HttpClient, lane: Lane, runner: FlowRunner,
        hide: Callable[[RequestError], None],
    ) -> None:  # fmt: skip
        self.flow, self.step, self.operation = flow, step, step.operation
        self.writer, self.client, self.lane, self.runner, self.hide = writer, client, lane, runner, hide
        self.method, self.block, self.max_body = writer.method, writer.block, step.operation.max_body
        self.is_shaped = flow.shape is not None
        decoder = step.operation.decoder
        self._convert = decoder.convert if decoder.name == "json" else None
        self._read_copied = decoder.read_copied if flow.shape is not None and flow.shape.copies else None
        self._apply = flow.shape.written() if flow.shape is not None and self._read_copied is not None else untouched
        self._no_inputs = Scope({}, {}, runner.binds)
        self.names = tuple((key, _input_of(expression)) for key, expression in step.arguments)
        self._named = self._holes({one.name: one.name for one in flow.inputs})

    def shaped(self, body: bytes, charset: str, call: ExpressCall) -> bytes | None:
        """Plain JSON of a modest size as the declared answer; ``None`` where it takes ``finish`` to tell."""
        if len(body) > OFF_THE_LOOP:
            return None
        if self._read_copied is None or (charset and charset != "utf-8"):
            return self._shaped_exactly(body, charset, call)
        try:
            document = self._read_copied(body)
            answer = dump_json(self._apply(document, self._no_inputs))
        except Exception:  # `finish` comes to the same, and words it
            return None
        if ROUNDED in answer or type(document) is str:
            return self._shaped_exactly(body, charset, call)
        return answer

    def _shaped_exactly(self, body: bytes, charset: str, call: ExpressCall) -> bytes | None:
        shape = self.flow.shape
        if self._convert is None or shape is None:
            return None
        scope = Scope(call.inputs, {}, self.runner.binds) if shape.references else self._no_inputs
        try:
            document = self._convert(body, charset)
            if isinstance(document, str):
                return None
            value = shape.apply(document, scope)
            return dump_json(None if value is MISSING else value)
        except Exception:  # `finish` comes to the same, and words it
            return None

    def finish(self, reply: UpstreamReply, inputs: Mapping[str, object]) -> Awaitable[Result]:
        return self.runner.finish(self.flow, self.operation, reply, inputs)

    def arguments(self, inputs: Mapping[str, object]) -> Mapping[str, object]:
        if self.step.direct:
            return inputs
        try:
            return {key: inputs[name] for key, name in self.names}
        except KeyError:
            return evaluate_arguments(self.step, Scope(inputs, {}, self.runner.binds))

    def start(self, inputs: Mapping[str, object], seconds: float, caller: Caller) -> ExpressCall | None:
        head, named = b"", self._named
        if named is not None and len(inputs) == len(self.flow.inputs):
            head = fill(*named, inputs)
        if not head:
            target = self.writer.target(self.arguments(inputs))
            if not target:
                return None
            head = request_line(self.method, target) + self.block
        call = ExpressCall(self, inputs, seconds, caller)
        return call if self.lane.begin(call, self.method, head, self.max_body, seconds) else None

    def placed(self, places: Mapping[str, int]) -> PlacedFlow | None:
        """``start`` for callers whose inputs are captured values: ``{input: place}``. ``None`` where text is not enough."""
        found = self._holes(places)
        return None if found is None else PlacedFlow(self, tuple(places.items()), *found)

    def _holes(self, places: Mapping[str, Place]) -> tuple[str, Holes[Place]] | None:
        """The request as text and holes, where ``places`` has all inputs that it takes."""
        if self.step.direct:
            return self.writer.holes(places)
        if not all(name in places for _, name in self.names):
            return None
        return self.writer.holes({key: places[name] for key, name in self.names})


class PlacedFlow:
    """An ``ExpressFlow`` whose whole request is text with captured values in it."""

    __slots__ = ("_begin", "_holes", "_start", "flow", "places")

    def __init__(self, flow: ExpressFlow, places: tuple[tuple[str, int], ...], start: str, holes: Holes[int]) -> None:
        self.flow, self.places = flow, places
        self._start, self._holes, self._begin = start, holes, flow.lane.begin

    def start(self, captured: Sequence[str], seconds: float, caller: Caller) -> ExpressCall | None:
        head = fill(self._start, self._holes, captured)
        if not head:
            return None
        flow = self.flow
        call = ExpressCall(flow, captured, seconds, caller, self.places)
        return call if self._begin(call, flow.method, head, flow.max_body, seconds) else None


class ExpressCall(Attempt):
    """One run of an ``ExpressFlow``. ``given`` are its inputs, or with ``places`` the captured values that they are."""

    __slots__ = ("_caller", "_flow", "_given", "_limit", "_places")

    def __init__(
        self, flow: ExpressFlow, given: Mapping[str, object] | Sequence[str], limit: float, caller: Caller,
        places: tuple[tuple[str, int], ...] | None = None,
    ) -> None:  # fmt: skip
        self._is_done = False
        self._flow, self._given, self._limit, self._caller, self._places = flow, given, limit, caller, places

    @property
    def inputs(self) -> Mapping[str, object]:
        given, places = self._given, self._places
        return {name: given[place] for name, place in places} if places is not None else given  # type: ignore[index, return-value]

    def take(self, head: KnownHead, body: bytes) -> None:
        if self._is_done:
            return
        self._is_done = True
        self.lane.succeeded(self)  # what is remembered are heads of successes
        self._tell(head, body)

    def landed(self, reply: UpstreamReply) -> None:
        self._tell(KnownHead(reply.status, reply.headers, None, len(reply.body)), reply.body)

    def _tell(self, head: KnownHead, body: bytes) -> None:
        flow = self._flow
        if not flow.is_shaped or not body:
            operation = flow.operation
            media_type = operation.output_media_type or head.content_type or media_type_of(operation, head.reply(body))
            self._caller.answered(head.status, media_type, body)
            return
        shaped = flow.shaped(body, head.charset, self) if head.media_type == "application/json" else None
        if shaped is None:
            self._caller.continued(flow.finish(head.reply(body), self.inputs))
        else:
            self._caller.answered(head.status, "application/json", shaped)

    def proceed(self) -> None:
        self._caller.continued(self._rest())

    async def _rest(self) -> Result:
        flow, inputs = self._flow, self.inputs
        deadline = Deadline(self.now + self._limit - monotonic())
        try:
            request = flow.writer.request_for(flow.writer.target(flow.arguments(inputs)))
            reply = await flow.client.proceed(request, deadline, self)
            if not is_success(reply.status):
                raise upstream_status(flow.operation, reply)
        except RequestError as error:
            flow.hide(error)
            raise
        return await flow.finish(reply, inputs)


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
