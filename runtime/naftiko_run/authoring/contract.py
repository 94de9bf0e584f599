"""A capability in, what its callers may rely on out: units with inputs and answers, addresses, and the upstreams behind them.

Two files with equal contracts serve the same, however they are spelt. Nothing here compares; see ``difference``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naftiko_run.authoring.units import Unit, units_of
from naftiko_run.capability import Capability
from naftiko_run.exposes.exposure import Exposure, McpExposure, RestExposure, SkillExposure
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.flows.steps import CallStep, LookupStep
from naftiko_run.records import field, record


@record
class UnitContract:
    """``calls`` are the steps as ``METHOD base-URI path``; ``fields`` the answer's top-level names, where they are declared."""

    inputs: Mapping[str, InputParameter]
    places: Mapping[str, tuple[str, ...]]
    calls: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    unavailable: str = ""


@record
class Contract:
    """``units`` are by ``METHOD /path``, ``tool NAME``, ``resource URI``, ``prompt NAME`` and so on."""

    units: Mapping[str, UnitContract]
    listeners: Mapping[str, tuple[str, int, str]] = field(default_factory=dict)  # namespace -> address, port, authentication
    hosts: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # namespace -> base URI, authentication
    variables: frozenset[str] = frozenset()


def contract_of(capability: Capability) -> Contract:
    units = {_normal(unit): _unit(unit) for unit in reversed(list(units_of(capability)))}
    for exposure in capability.exposures:
        units.update(_others(exposure))
    return Contract(
        units=dict(sorted(units.items())),
        listeners={_name(one): (one.address, one.port or 0, _kind(one)) for one in capability.exposures},
        hosts={
            one.namespace: (one.base_uri.source, one.authentication.kind if one.authentication is not None else "")
            for one in capability.consumers
        },
        variables=frozenset(name.rpartition(".")[2] for name in capability.uses),
    )  # fmt: skip


def _normal(unit: Unit) -> str:
    return unit.title.replace("{{", "{").replace("}}", "}")


def _name(exposure: Exposure) -> str:
    return f"{type(exposure).__name__.removesuffix('Exposure').lower()} {exposure.namespace}".strip()


def _kind(exposure: Exposure) -> str:
    return exposure.authentication.kind if exposure.authentication is not None else ""


def _unit(unit: Unit) -> UnitContract:
    flow = unit.flow
    asked = [one for one in flow.inputs if one.constant is None]
    schema = flow.shape.json_schema() if flow.shape is not None else None
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return UnitContract(
        inputs={one.published: one for one in asked},
        places={one.published: tuple(f"{s.place} {s.key}".strip() for s in one.sources[:1]) for one in asked},
        calls=tuple(_steps(unit)), fields=tuple(properties) if isinstance(properties, dict) else (),
        unavailable=flow.unavailable.code if flow.unavailable is not None else "",
    )  # fmt: skip


def _steps(unit: Unit) -> Iterator[str]:
    for step in unit.flow.steps:
        if isinstance(step, CallStep):
            operation = step.operation
            path = operation.path.source.replace("{{", "{").replace("}}", "}")
            yield f"{operation.method} {operation.consumer.base_uri.source}{path}"
        elif isinstance(step, LookupStep):
            yield f"lookup in {step.index}"
        else:
            yield f"script {step.script.source.name}"


def _others(exposure: Exposure) -> Iterator[tuple[str, UnitContract]]:
    """Units without a flow: prompts, files, skills, forwarded paths."""
    if isinstance(exposure, McpExposure):
        for prompt in exposure.prompts:
            inputs = {one.name: InputParameter(name=one.name, required=one.required) for one in prompt.arguments}
            yield f"prompt {prompt.name}", UnitContract(inputs=inputs, places={})
        for resource in exposure.resources:
            if resource.flow is None:
                yield f"resource {resource.uri}", UnitContract(inputs={}, places={}, calls=(f"files of {resource.uri}",))
    elif isinstance(exposure, SkillExposure):
        for skill in exposure.skills:
            yield f"skill {skill.name}", UnitContract(inputs={}, places={}, calls=tuple(t.name for t in skill.tools))
    elif isinstance(exposure, RestExposure):
        for forward in exposure.forwards:
            yield f"forward {forward.path}", UnitContract(inputs={}, places={}, calls=(f"forward to {forward.namespace}",))
