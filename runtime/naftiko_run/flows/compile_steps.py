"""``steps`` become compiled steps with their order: which must wait for which, and which may run side by side.

A step waits for the steps whose results it names. One that changes something upstream waits for everything before it, and
everything after waits for it: reordering reads cannot be noticed, reordering writes can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError, UnresolvedReference, UnsupportedFeature
from naftiko_run.expressions.argument import Expression, compile_argument
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.flows.arguments import compile_arguments
from naftiko_run.flows.collector import InputCollector
from naftiko_run.flows.compile import FlowContext, Unit
from naftiko_run.flows.mappings import compile_mappings
from naftiko_run.flows.shape import OutputShape, compile_outputs
from naftiko_run.flows.steps import CallStep, LookupStep, ScriptStep, Step
from naftiko_run.records import replace
from naftiko_run.registry import Registry

StepFactory = Callable[[str, Node, Unit, Names, FlowContext, InputCollector, Problems], Step]
STEP_TYPES: Registry[StepFactory] = Registry("step type")


def compile_steps(
    unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems
) -> tuple[tuple[Step, ...], OutputShape | None]:
    """All steps of a flow in order, and the shape of its answer."""
    node = unit.node
    steps: list[Step] = []
    known: list[str] = []
    entries = node.named("steps")
    if len(entries) > context.limits.steps:
        raise SpecError(f"{len(entries)} steps are more than {context.limits.steps}", at=node.get("steps"), code="E-LIMIT")
    for position, (name, item) in enumerate(entries):
        name = name or f"step-{position + 1}"
        if name in known:
            raise SpecError(
                f"two steps are named {name!r}", at=item, hint="give each step its own name", code="E-STEP-DUPLICATE"
            )
        kind = _kind(item)
        factory = STEP_TYPES.lookup(kind, at=item.get("type") or item, code="E-STEP-TYPE")
        step = factory(name, item, unit, replace(names, steps=frozenset(known)), context, collector, problems)
        steps.append(replace(step, after=_after(step, steps)))
        known.append(name)
    visible = replace(names, steps=frozenset(known))
    shape = compile_mappings(node, visible)
    if shape is None and node.get("outputParameters") is not None:
        shape = _orchestrated(node, visible, problems)
    for reference in shape.references if shape is not None else ():
        collector.need(reference)
    return tuple(steps), shape


def _orchestrated(node: Node, names: Names, problems: Problems) -> OutputShape | None:
    """Without ``mappings`` the last answer is shaped, where an output says how at any depth; else they only describe it."""
    outputs = node.get("outputParameters")
    if outputs is None or not any(one.is_map and one.get("mapping", "value", "const") is not None for one in outputs.walk()):
        return None
    return compile_outputs(node, names, problems)


def _kind(item: Node) -> str:
    named = item.get_text("type")
    if named:
        return named
    return "lookup" if item.get("lookupValue") is not None else "script" if item.get("file", "script") is not None else "call"


@STEP_TYPES.register("call")
def _call(
    name: str, node: Node, unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems
) -> Step:
    call = node.get("call")
    if call is None:
        raise SpecError(f"step {name!r} has no `call`", at=node, hint="write `call: namespace.operation`", code="E-NO-CALL")
    operation = unit.exposed(context.index.resolve(call, unit.counter, problems))
    arguments = compile_arguments(node, operation, names, collector)
    return CallStep(name=name, operation=operation, arguments=arguments, at=node.location)


@STEP_TYPES.register("lookup")
def _lookup(
    name: str, node: Node, unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems
) -> Step:
    index, value = node.get_text("index"), node.get("lookupValue")
    if value is None or not node.get_text("match") or not index:
        raise SpecError(f"lookup step {name!r} needs `index`, `match` and `lookupValue`", at=node, code="E-LOOKUP")
    step, _, inside = index.removeprefix("$.").partition(".")
    if step not in names.steps:
        raise UnresolvedReference("step", step, known=names.steps, at=node.get("index"), code="E-LOOKUP-INDEX")
    expression = compile_argument(value, names)
    for reference in expression.references:
        collector.need(reference)
    return LookupStep(
        name=name, index=step, match=node.get_text("match"), value=expression, outputs=node.texts("outputParameters"),
        index_path=compile_jsonpath("$." + inside) if inside else None, most=context.limits.lookup_entries, at=node.location,
    )  # fmt: skip


@STEP_TYPES.register("script")
def _script(
    name: str, node: Node, unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems
) -> Step:
    from naftiko_run.flows.scripts.governance import compile_governance
    from naftiko_run.flows.scripts.script import compile_script

    arguments: list[tuple[str, Expression]] = []
    given = node.get("with")
    for key, value in given.items() if given is not None else ():
        if not value.is_null:
            expression = compile_argument(value, names)
            for reference in expression.references:
                collector.need(reference)
            arguments.append((key, expression))
    source = node.get("script")
    script = compile_script(
        governance=compile_governance(context.script_defaults, {}),
        base_directory=context.directory,
        file=node.get_text("file"),
        text=source.text if source is not None else "",
        language=node.get_text("language"),
        location=node.get_text("location"),
        dependencies=node.texts("dependencies"),
        limits=context.limits,
        at=node,
    )
    return ScriptStep(name=name, script=script, arguments=tuple(arguments), at=node.location)


@STEP_TYPES.register("forward")
def _forward(
    name: str, node: Node, unit: Unit, names: Names, context: FlowContext, collector: InputCollector, problems: Problems
) -> Step:
    raise UnsupportedFeature("a step cannot forward", at=node, hint="use `forward` on a REST resource")


# ---- order


def _after(step: Step, before: Sequence[Step]) -> tuple[int, ...]:
    if _writes(step) or isinstance(step, ScriptStep):
        return tuple(range(len(before)))
    named = _names_used(step)
    return tuple(
        i for i, earlier in enumerate(before) if earlier.name in named or fold(earlier.name) in named or _writes(earlier)
    )


def _writes(step: Step) -> bool:
    return isinstance(step, CallStep) and step.operation.method not in ("GET", "HEAD", "OPTIONS")


def _names_used(step: Step) -> set[str]:
    expressions = [e for _, e in step.arguments] if isinstance(step, CallStep) else []
    found: set[str] = set()
    if isinstance(step, LookupStep):
        expressions = [step.value]
        found.add(step.index)
    references: list[Reference] = [ref for e in expressions for ref in e.references]
    for reference in references:
        if reference.root in ("step", "any") and reference.path:
            found |= {reference.path[0], fold(reference.path[0])}
    return found
