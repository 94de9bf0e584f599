"""A unit of the document (REST operation, tool, resource, aggregate function) becomes a ``Flow``.

The four modes of the language are told apart here: ``ref`` to an aggregate's flow, ``call``, ``steps``, and neither (a mock
built from constants). A mistake inside a unit makes that unit unavailable and leaves its neighbours alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from naftiko_run.consumes.lookup import CallCounter, OperationIndex
from naftiko_run.consumes.operation import IDEMPOTENT, Operation
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Finding, Location, Problems, SpecError, UnresolvedReference
from naftiko_run.expressions.argument import Expression, compile_argument
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.flows.arguments import compile_arguments
from naftiko_run.flows.collector import InputCollector
from naftiko_run.flows.flow import Flow, Semantics
from naftiko_run.flows.shape import OutputShape, compile_outputs
from naftiko_run.flows.steps import CallStep, Step
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record, replace

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@record
class Aggregate:
    """A function or flow of an aggregate, by ``namespace.name``, still as written: each face compiles it for itself."""

    ref: str
    namespace: str
    name: str
    node: Node


@record
class FlowContext:
    """What every unit of one capability is compiled with."""

    index: OperationIndex
    names: Names
    aggregates: Mapping[str, Aggregate] = field(default_factory=dict)
    directory: Path = Path()
    limits: Limits = DEFAULT_LIMITS
    strict_inputs: bool = False  # the official language: a declared input is required unless it says otherwise
    script_defaults: Node | None = None  # `management.scripting` of the control adapter


@record
class Unit:
    """One exposed unit on its way to a flow. ``levels`` are the nodes whose inputs apply, outermost first.

    ``binary_limit`` (bytes) and ``binary_type`` are what its adapter and its contract say of binary answers, for operations
    that say nothing themselves.
    """

    node: Node
    name: str
    face: str
    own: str  # namespace of its adapter
    counter: CallCounter
    levels: tuple[Node, ...] = ()
    method: str = ""
    path: str = ""
    binary_limit: int | None = None
    binary_type: str = ""

    def exposed(self, operation: Operation) -> Operation:
        """``operation`` as this unit answers with it."""
        if not operation.decoder.binary:
            return operation
        limit = operation.max_body if operation.max_body is not None else self.binary_limit
        media_type = operation.output_media_type or self.binary_type or self.node.get_text("outputMediaType")
        if limit == operation.max_body and media_type == operation.output_media_type:
            return operation
        return replace(operation, max_body=limit, output_media_type=media_type)


def compile_flow(unit: Unit, context: FlowContext, problems: Problems) -> Flow:
    """The flow of one unit. Never raises: what is wrong is a finding, and the flow is then unavailable."""
    before = len(problems.errors)
    try:
        flow = _compile(unit, context, problems)
    except SpecError as error:
        problems.add(error)
        return Flow(
            name=unit.name, description=unit.node.get_text("description"), unavailable=error.finding, at=unit.node.location
        )
    new = problems.errors[before:]
    return replace(flow, unavailable=new[0]) if new and flow.unavailable is None else flow


def _compile(unit: Unit, context: FlowContext, problems: Problems) -> Flow:
    node, own, preset = unit.node, unit.own, dict[str, Expression]()
    ref = node.get("ref")
    aggregate = _aggregate(ref, context) if ref is not None else None
    names = context.names.within(own)
    replaces = node.get("call", "steps") is not None  # the unit's own flow, so its `with` is that flow's
    if aggregate is not None and not replaces:
        preset = _preset(node, names)
    collector = InputCollector(
        face=unit.face, problems=problems, path=unit.path, strict=context.strict_inputs, preset=frozenset(preset)
    )
    levels = unit.levels or (node,)
    if aggregate is not None:
        levels = (aggregate.node, *levels) if not _declares(levels) or unit.face == "rest" else (*levels,)
    collector.declare(levels)
    _fix_inputs(preset, collector)
    body = node
    if aggregate is not None:
        body = _overridden(aggregate.node, node)
        names = names if replaces else context.names.within(aggregate.namespace)
        unit = replace(unit, node=body)
    at = node.location
    written = at if body is node else body.location
    steps, shape = _steps_and_shape(unit, names, context, collector, problems, written)
    return Flow(
        name=unit.name or (aggregate.name if aggregate else ""),
        description=node.get_text("description") or body.get_text("description") or _described(steps),
        inputs=collector.inputs(node),
        steps=_with_all_inputs(steps) if preset else steps,
        shape=shape,
        preset=tuple(preset.items()),
        semantics=_semantics(body, steps),
        orchestrated=_is_orchestrated(body, unit.face),
        unavailable=_blocked(steps),
        aggregate=aggregate.ref if aggregate is not None else "",
        at=at,
    )


def _fix_inputs(preset: Mapping[str, Expression], collector: InputCollector) -> None:
    """What the unit computes itself is not asked of the caller, unless it is computed from what the caller gives."""
    asked = set()
    for expression in preset.values():
        for reference in expression.references:
            collector.need(reference)
            asked.add(collector.name_of(reference))
    for name in preset:
        if name not in asked:
            collector.drop(name)


def _with_all_inputs(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Arguments are picked one by one: beside them stand inputs that the unit computes others from."""
    return tuple(replace(step, direct=False) if isinstance(step, CallStep) else step for step in steps)


def _declares(levels: tuple[Node, ...]) -> bool:
    return any(level.get("inputParameters") is not None for level in levels)


def _aggregate(ref: Node, context: FlowContext) -> Aggregate:
    found = context.aggregates.get(ref.text)
    if found is None:
        raise UnresolvedReference("aggregate flow", ref.text, known=context.aggregates, at=ref, code="E-REF-UNRESOLVED")
    return found


def _overridden(function: Node, unit: Node) -> Node:
    """The aggregate's function with what the unit says for itself; ``with`` is not replaced but runs before (see preset)."""
    if not isinstance(function.value, dict) or not isinstance(unit.value, dict):
        return function
    own = {key: unit.value[key] for key in ("call", "steps", "mappings", "outputParameters") if unit.get(key) is not None}
    if "call" in own or "steps" in own:
        own |= {key: unit.value[key] for key in ("with",) if unit.get(key) is not None}
        kept = {key: value for key, value in function.value.items() if key not in ("call", "steps", "with", "mappings")}
        return function.replaced({**kept, **own})
    return function.replaced({**function.value, **own}) if own else function


def _preset(node: Node, names: Names) -> dict[str, Expression]:
    given = node.get("with")
    if given is None:
        return {}
    return {key: compile_argument(value, names) for key, value in given.items() if not value.is_null}


def _steps_and_shape(
    unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems, at: Location
) -> tuple[tuple[Step, ...], OutputShape | None]:
    node = unit.node
    orchestrated = _is_orchestrated(node, unit.face)
    call = node.get("call")
    if call is not None and not orchestrated:
        operation = unit.exposed(context.index.resolve(call, unit.counter, problems, method=unit.method, path=unit.path))
        arguments = compile_arguments(node, operation, names, collector, only_call=True)
        step = CallStep(name=operation.name, operation=operation, arguments=arguments, direct=_direct(arguments), at=at)
        return (step,), _needs(compile_outputs(node, names, problems), collector)
    if orchestrated:
        from naftiko_run.flows.compile_steps import compile_steps

        return compile_steps(unit, names, context, collector, problems)
    shape = compile_outputs(node, names, problems, mock=True)
    if shape is None or node.get("outputParameters") is None or not _has_constant(node):
        what = {"rest": "REST operation", "mcp": "tool", "resource": "resource"}.get(unit.face, "flow")
        hint = "add `call: namespace.operation`, `steps`, `ref`, or outputs with a `value`"
        raise SpecError(f"{what} {unit.name!r} has no `call`", at=node, hint=hint, code="E-NO-CALL")
    return (), _needs(shape, collector)


def _is_orchestrated(node: Node, face: str) -> bool:
    """Of `call` and `steps` together, REST takes the call and every other face the steps."""
    return bool(node.named("steps")) and (node.get("call") is None or face != "rest")


def _has_constant(node: Node) -> bool:
    """Whether some output, at any depth, has a constant value."""
    outputs = node.get("outputParameters")
    return outputs is not None and any(one.is_map and one.get("value", "const") is not None for one in outputs.walk())


def _needs(shape: OutputShape | None, collector: InputCollector) -> OutputShape | None:
    for reference in shape.references if shape is not None else ():
        collector.need(reference)
    return shape


def _direct(arguments: tuple[tuple[str, Expression], ...]) -> bool:
    return all(isinstance(e, Reference) and e.root == "input" and not e.place and e.path == (key,) for key, e in arguments)


def _described(steps: tuple[Step, ...]) -> str:
    return steps[0].operation.description if len(steps) == 1 and isinstance(steps[0], CallStep) else ""


def _operations(steps: tuple[Step, ...]) -> list[Operation]:
    return [step.operation for step in steps if isinstance(step, CallStep)]


def _blocked(steps: tuple[Step, ...]) -> Finding | None:
    return next((op.unavailable for op in _operations(steps) if op.unavailable is not None), None)


def _semantics(node: Node, steps: tuple[Step, ...]) -> Semantics:
    """Declared semantics, else what the HTTP methods of all calls together say (RFC 9110, 9.2)."""
    declared = node.get("semantics")
    if declared is not None:
        return Semantics(
            safe=declared.get_bool("safe"), idempotent=declared.get_bool("idempotent"), cacheable=declared.get_bool("cacheable")
        )
    methods = {op.method for op in _operations(steps)}
    if not methods:
        return Semantics()
    return Semantics(safe=methods <= _SAFE, idempotent=methods <= IDEMPOTENT)
