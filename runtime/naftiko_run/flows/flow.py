"""The one unit behind every face: inputs, steps, an output. REST operations, MCP tools, resources and aggregates are flows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from naftiko_run.errors import Finding, Location
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.records import field, record

if TYPE_CHECKING:
    from naftiko_run.expressions.argument import Expression
    from naftiko_run.flows.shape import OutputShape
    from naftiko_run.flows.steps import Step


@record
class Semantics:
    """What calling does, as far as it is known; ``None`` is "not said"."""

    safe: bool | None = None
    idempotent: bool | None = None
    cacheable: bool | None = None


@record
class Flow:
    """Compiled. ``shape`` is ``None`` for a plain pass-through of the last call's answer.

    ``unavailable`` is the finding that keeps this flow from being called; running it raises ``OperationUnavailable`` with its
    text, and its neighbours are not affected. ``preset`` are inputs that the unit's own ``with`` computes from the caller's.
    ``orchestrated`` marks a unit written with ``steps``, be it a single one: its failure names the step.
    """

    name: str
    description: str = ""
    inputs: tuple[InputParameter, ...] = ()
    steps: tuple[Step, ...] = ()
    shape: OutputShape | None = None
    preset: tuple[tuple[str, Expression], ...] = ()
    semantics: Semantics = field(default_factory=Semantics)
    orchestrated: bool = False
    unavailable: Finding | None = None
    aggregate: str = ""  # the ref of the aggregate's flow that this one is
    at: Location | None = None
