"""``mappings`` of a flow with steps: an object built from the steps' results, target by target."""

from __future__ import annotations

from naftiko_run.document.nodes import Node
from naftiko_run.expressions.argument import Expression, compile_argument
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.shape import OutputShape


def compile_mappings(unit: Node, names: Names) -> OutputShape | None:
    """``mappings`` of a flow: ``target`` (dots nest) from a reference, a template or a constant over the steps' results."""
    node = unit.get("mappings")
    if node is None:
        return None
    targets: list[tuple[tuple[str, ...], Expression]] = []
    for item in node.elements():
        target, value = item.get_text("target", "targetName"), item.get("value")
        if target and value is not None:
            targets.append((tuple(target.split(".")), compile_argument(value, names)))
    if not targets:
        return None

    def shaped(document: object, scope: Scope) -> object:
        built: dict[str, object] = {}
        for path, expression in targets:
            value = expression.evaluate(scope)
            if value is not MISSING:
                _place(built, path, value)
        return built or MISSING

    references = tuple(ref for _, expression in targets for ref in expression.references)
    return OutputShape(apply=shaped, schema={"type": "object"}, from_steps=True, references=references)


def _place(built: dict[str, object], path: tuple[str, ...], value: object) -> None:
    for name in path[:-1]:
        inner = built.get(name)
        if not isinstance(inner, dict):
            inner = built[name] = {}
        built = inner
    built[path[-1]] = value
