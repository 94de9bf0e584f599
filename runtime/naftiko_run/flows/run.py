"""Running a flow: inputs in, steps in the order their results allow, an answer out. The same for every face.

What an upstream's status means is decided here (the table of failures to answers): success passes on, 429 carries its wait, an
error becomes ``UpstreamStatus``. With ``relay_errors`` an error answer is treated like any other: mapped or passed through with
its status, as the reference engine does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from time import time
from typing import TYPE_CHECKING

from naftiko_run.consumes.formats.reply import decode_reply
from naftiko_run.consumes.messages import Deadline, UpstreamReply
from naftiko_run.consumes.operation import ConsumedOutput, Operation
from naftiko_run.consumes.retry import parse_retry_after
from naftiko_run.errors import MappingFailed, OperationUnavailable, RequestError, StepFailed, UpstreamBroken, UpstreamStatus
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.lookup import run_lookup
from naftiko_run.flows.progress import report_step
from naftiko_run.flows.result import Result
from naftiko_run.flows.shape import OutputShape
from naftiko_run.flows.steps import CallStep, LookupStep, Step
from naftiko_run.records import record

if TYPE_CHECKING:
    from naftiko_run.flows.scripts.governance import ScriptGovernance
    from naftiko_run.isolation.pool import WorkerPool

Call = Callable[[Operation, Mapping[str, object], Deadline], Awaitable[UpstreamReply]]
"""``await call(operation, arguments, deadline)``: send one request; whatever the upstream answers is a reply."""

EXCERPT = 1000


@record
class FlowRunner:
    """What running needs besides the flow. ``on_step`` is called with each step of several that begins,
    ``observe`` with ``(step, seconds, error)`` when it has ended, both in the step's own task.
    """

    call: Call
    workers: WorkerPool
    binds: Mapping[str, str]
    scripting: ScriptGovernance
    relay_errors: bool = False
    on_step: Callable[[Step], object] | None = None
    observe: Callable[[Step, float, BaseException | None], None] | None = None

    def run(self, flow: Flow, inputs: Mapping[str, object], deadline: Deadline) -> Awaitable[Result]:
        if flow.unavailable is not None:
            raise OperationUnavailable(flow.unavailable.message, hint=flow.unavailable.hint, code=flow.unavailable.code)
        if flow.preset:
            inputs = self._with_preset(flow, inputs)
        steps = flow.steps
        if not flow.orchestrated and steps and isinstance(steps[0], CallStep):
            return self._single(flow, steps[0], inputs, deadline)
        scope = Scope(inputs, {}, self.binds)
        return self._orchestrated(flow, scope, deadline) if steps else self._mock(flow, scope)

    def _with_preset(self, flow: Flow, inputs: Mapping[str, object]) -> Mapping[str, object]:
        scope = Scope(inputs, {}, self.binds)
        computed = {key: expression.evaluate(scope) for key, expression in flow.preset}
        return {**inputs, **{key: value for key, value in computed.items() if value is not MISSING}}

    async def _single(self, flow: Flow, step: CallStep, inputs: Mapping[str, object], deadline: Deadline) -> Result:
        """The common case, without any bookkeeping of steps."""
        if step.direct:
            arguments = inputs
        else:
            arguments = evaluate_arguments(step, Scope(inputs, {}, self.binds))
        operation = step.operation
        reply = await self.call(operation, arguments, deadline)
        if not is_success(reply.status) and not self.relay_errors:
            raise upstream_status(operation, reply)
        return await self.finish(flow, operation, reply, inputs)

    async def finish(self, flow: Flow, operation: Operation, reply: UpstreamReply, inputs: Mapping[str, object]) -> Result:
        """The answer of a flow of one call, whose reply is there."""
        if flow.shape is None or not reply.body or operation.decoder.binary:
            return untouched(operation, reply)
        document = await decode_reply(operation.decoder, reply, self.workers)
        data = self._shaped(flow, document, Scope(inputs, {}, self.binds))
        if isinstance(document, str) and not isinstance(data, str):
            _check_page(operation, reply)
        return Result(status=reply.status, data=data)

    async def _mock(self, flow: Flow, scope: Scope) -> Result:
        """The declared values; an empty answer where this caller's inputs leave nothing of them."""
        value = MISSING if flow.shape is None else self._mapped(flow.shape, None, scope)
        return Result(status=204, body=b"") if value is MISSING else Result(data=value)

    def _shaped(self, flow: Flow, document: object, scope: Scope) -> object:
        if flow.shape is None:
            return document
        value = self._mapped(flow.shape, document, scope)
        return None if value is MISSING else value

    def _mapped(self, shape: OutputShape, document: object, scope: Scope) -> object:
        try:
            return shape.apply(document, scope)
        except RequestError:
            raise
        except Exception as error:
            raise MappingFailed("the answer could not be mapped as the document says") from error

    # ---- several steps

    async def _orchestrated(self, flow: Flow, scope: Scope, deadline: Deadline) -> Result:
        progress = _Progress(flow.steps)
        tasks: list[asyncio.Task[None]] = []
        try:
            if self.observe is None and self.on_step is None and _is_chain(flow.steps):
                for step in flow.steps:
                    await self._step(step, [], scope, progress, deadline)
            else:
                for position, step in enumerate(flow.steps):
                    waits = [tasks[index] for index in step.after]
                    work = self._step(step, waits, scope, progress, deadline)
                    tasks.append(asyncio.get_running_loop().create_task(work, name=f"step {position} {step.name}"))
                await asyncio.gather(*tasks)
        except _Stopped as stopped:
            raise progress.failure(stopped.step, stopped.cause) from stopped.cause
        finally:
            if tasks:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        done = scope if not progress.results else Scope(scope.inputs, progress.results, scope.binds)
        return await self._answer(flow, done, progress)

    async def _step(
        self, step: Step, waits: list[asyncio.Task[None]], scope: Scope, progress: _Progress, deadline: Deadline
    ) -> None:
        for task in waits:
            await asyncio.shield(task)
        seen = Scope(scope.inputs, dict(progress.results), scope.binds)
        loop = asyncio.get_running_loop()
        started = loop.time()
        failed: BaseException | None = None
        if self.on_step is not None:
            self.on_step(step)
        try:
            await self._one(step, seen, progress, deadline)
        except RequestError as error:
            failed = error
            raise _Stopped(step, error) from error
        finally:
            if self.observe is not None:
                self.observe(step, loop.time() - started, failed)
        progress.completed.append(step.name)
        report_step(len(progress.completed), len(progress.steps), step.name)

    async def _one(self, step: Step, scope: Scope, progress: _Progress, deadline: Deadline) -> None:
        if isinstance(step, CallStep):
            progress.started.append(step)
            reply = await self.call(step.operation, evaluate_arguments(step, scope), deadline)
            if not is_success(reply.status):
                raise upstream_status(step.operation, reply)
            progress.replies[step.name] = reply
            if not step.operation.decoder.binary:
                document = await decode_reply(step.operation.decoder, reply, self.workers)
                progress.documents[step.name] = document
                progress.results[step.name] = project(step.operation, document)
        elif isinstance(step, LookupStep):
            found = run_lookup(step, scope)
            if found is not MISSING:
                progress.results[step.name] = found
        else:
            from naftiko_run.flows.scripts.script import run_script

            given = {key: e.evaluate(scope) for key, e in step.arguments}
            context = {**scope.inputs, **scope.steps, **{k: v for k, v in given.items() if v is not MISSING}}
            value = await run_script(
                step.script, context, workers=self.workers, seconds=deadline.remaining(), governance=self.scripting
            )
            if value is not MISSING:
                progress.results[step.name] = value

    async def _answer(self, flow: Flow, scope: Scope, progress: _Progress) -> Result:
        """Mappings over all results; else the last step's result, shaped or as it is; the last call's where it left none."""
        calls = [step for step in flow.steps if isinstance(step, CallStep)]
        final = flow.steps[-1]
        last = calls[-1] if calls and (final is calls[-1] or final.name not in progress.results) else None
        if flow.shape is not None and flow.shape.from_steps:
            value = self._mapped(flow.shape, None, scope)
            if value is not MISSING:
                return Result(data=value)
        elif flow.shape is not None:
            # The last call's whole answer, not the part of it that its declared outputs give to other steps.
            document = progress.documents.get(last.name) if last else progress.results.get(final.name)
            return Result(data=self._shaped(flow, document, scope))
        if last is not None:
            return untouched(last.operation, progress.replies[last.name])
        return Result(data=progress.results.get(final.name))


def _is_chain(steps: tuple[Step, ...]) -> bool:
    """Whether each step waits for the one before it, so that no two run at a time and none needs a task."""
    return all(position in step.after for position, step in enumerate(steps[1:]))


def is_success(status: int) -> bool:
    """A redirect is not followed, so it is no success; ``304`` is one: the caller asked conditionally."""
    return 200 <= status < 300 or status == 304


class _Stopped(Exception):
    """One step failed; carries which."""

    def __init__(self, step: Step, cause: RequestError) -> None:
        super().__init__(step.name)
        self.step, self.cause = step, cause


class _Progress:
    """What has happened in one run."""

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.steps = steps
        self.results: dict[str, object] = {}
        self.documents: dict[str, object] = {}
        self.replies: dict[str, UpstreamReply] = {}
        self.started: list[CallStep] = []
        self.completed: list[str] = []

    def failure(self, step: Step, cause: RequestError) -> StepFailed:
        """Side effects are those of writing steps that were done, and of the failed one where its fate is unknown."""
        writes = {s.name for s in self.started if s.operation.method not in ("GET", "HEAD", "OPTIONS")}
        order = [s.name for s in self.steps]
        refused = isinstance(cause, UpstreamStatus) and cause.upstream_status < 500
        effects = [n for n in order if n in writes and (n in self.completed or (n == step.name and not refused))]
        return StepFailed(step.name, cause, completed=[n for n in order if n in self.completed], side_effects=effects)


def evaluate_arguments(step: CallStep, scope: Scope) -> dict[str, object]:
    """What a step's ``with`` comes to."""
    arguments = {}
    for key, expression in step.arguments:
        value = expression.evaluate(scope)
        if value is not MISSING:
            arguments[key] = value
    return arguments


def _check_page(operation: Operation, reply: UpstreamReply) -> None:
    """A sign-in or error page served as a success would be mapped to nothing at all, and look like an answer."""
    if operation.decoder.name == "json" and reply.media_type == "text/html":
        raise UpstreamBroken(f"{operation.ref}: the upstream answered with a web page where JSON was expected")


def untouched(operation: Operation, reply: UpstreamReply) -> Result:
    return Result(
        status=reply.status, media_type=media_type_of(operation, reply), body=reply.body, binary=operation.decoder.binary
    )


def media_type_of(operation: Operation, reply: UpstreamReply) -> str:
    """What an answer is passed on as."""
    media_type = operation.output_media_type or reply.header("content-type")
    if media_type:
        return media_type
    if operation.decoder.binary:
        return "application/octet-stream"
    return "application/json" if reply.body[:1] in (b"{", b"[") else "text/plain"


def project(operation: Operation, document: object) -> object:
    """What later steps see of an answer: its declared outputs, or all of it where none says more than ``$``."""
    outputs = [output for output in operation.outputs if not output.path.is_whole]
    if not outputs:
        return document
    named = [output for output in outputs if output.name]
    if not named:
        found = outputs[0].path.find(document)
        return None if found is MISSING else found
    if isinstance(document, list):
        return [{**element, **_projected(named, element)} if isinstance(element, dict) else element for element in document]
    return _projected(named, document)


def _projected(outputs: list[ConsumedOutput], document: object) -> dict[str, object]:
    found = {output.name: output.path.find(document) for output in outputs}
    return {name: None if value is MISSING else value for name, value in found.items()}


def upstream_status(operation: Operation, reply: UpstreamReply) -> UpstreamStatus:
    """The error for an answer whose status is none of success; the excerpt is bounded text of its body."""
    wait = parse_retry_after(reply.header("retry-after"), time()) if reply.status in (429, 503) else None
    if wait is None and reply.status == 429:
        wait = 1.0  # the caller is to wait, even where nobody said for how long
    text = ""
    if reply.media_type.startswith("text/") or "json" in reply.media_type or "xml" in reply.media_type:
        text = reply.body[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT]
    if reply.media_type == "text/html":
        text = ""
    if reply.status in (401, 403):
        message = f"{operation.ref}: the upstream refused our credentials ({reply.status})"
    else:
        message = f"{operation.ref}: the upstream answered {reply.status}"
    return UpstreamStatus(message, upstream_status=reply.status, excerpt=text, retry_after=wait)
