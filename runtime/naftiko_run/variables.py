"""A compiled plan in, the variables it reads out; and what to say of those that nothing reads, or that nothing fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from naftiko_run.binds import Binding
from naftiko_run.consumes.base_uri import matching_bind, setting_of
from naftiko_run.consumes.consumer import HttpConsumer
from naftiko_run.consumes.operation import Operation
from naftiko_run.errors import Place, Problems
from naftiko_run.exposes.exposure import ControlExposure, Exposure
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.steps import CallStep


def variables_used(
    consumers: tuple[HttpConsumer, ...],
    operations: tuple[Operation, ...],
    exposures: tuple[Exposure, ...],
    flows: Iterable[Flow],
) -> dict[str, Place]:
    """Bound variables by the name templates use (``X`` or ``env.X``), with the place of what uses them."""
    found: dict[str, Place] = {}

    def add(references: tuple[Reference, ...], at: Place) -> None:
        for reference in references:
            if reference.root == "bind":
                name = f"{reference.namespace}.{reference.name}" if reference.namespace else reference.name
                found.setdefault(name, at)

    for consumer in consumers:
        if consumer.authentication is not None:
            add(consumer.authentication.references, consumer.authentication.at or consumer.at)
        for _, template in consumer.headers:
            add(template.references, consumer.at)
    for operation in operations:
        add(operation.references, operation.at)
        for variable in operation.path.variables:
            if variable.bind:
                found.setdefault(variable.name, operation.at)
    for exposure in exposures:
        if exposure.authentication is not None:
            add(exposure.authentication.references, exposure.authentication.at or exposure.at)
        if isinstance(exposure, ControlExposure) and exposure.collector is not None:
            add(exposure.collector.references, exposure.at)
    for flow in flows:
        for _, expression in flow.preset:
            add(expression.references, flow.at)
        for step in flow.steps:
            if isinstance(step, CallStep):
                for _, expression in step.arguments:
                    add(expression.references, flow.at)
        if flow.shape is not None:
            add(flow.shape.references, flow.at)
    return found


def warn_open_base_uris(
    consumers: tuple[HttpConsumer, ...], operations: tuple[Operation, ...], names: Names, problems: Problems
) -> None:
    """List the base-URI variables that no bind fills and no operation takes from its caller: they come from the environment."""
    asked = {(op.consumer.namespace, fold(p.name)) for op in operations for p in op.parameters if p.place == "path"}
    for consumer in consumers:
        base = consumer.base_uri
        for name in base.variables:
            if matching_bind(name, names.binds) or (consumer.namespace, fold(name)) in asked:
                continue
            message = f"namespace {consumer.namespace!r} needs a value for {name!r} in its base URI {base.source!r}"
            problems.warn("W-BASEURI-VARS", message, base.at or consumer.at, setting_of(consumer.namespace, name))


def warn_unused(
    bindings: tuple[Binding, ...], uses: Mapping[str, Place], consumers: tuple[HttpConsumer, ...], problems: Problems
) -> None:
    used = {name.rpartition(".")[2] for name in uses}
    for consumer in consumers:
        used |= {part.rpartition(".")[2] for part in consumer.base_uri.variables}
    bare = [consumer.namespace for consumer in consumers if consumer.authentication is None]
    for binding in bindings:
        for name in binding.keys:
            if name in used or not bare:
                continue
            listed = ", ".join(map(repr, dict.fromkeys(bare)))
            at = binding.places.get(name) or binding.at
            message = f"{name!r} is bound but nothing uses it, and namespace {listed} has no authentication"
            problems.warn(
                "W-BIND-UNUSED", message, at, f"supply one with --bearer {bare[0]}={name}, or declare `authentication`"
            )
