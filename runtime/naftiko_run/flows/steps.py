"""The steps of a flow: call an operation, look up in an earlier result, run a script. Compiled; running is ``flows/run.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from naftiko_run.consumes.operation import Operation
from naftiko_run.errors import Location
from naftiko_run.expressions.argument import Expression
from naftiko_run.expressions.jsonpath import JsonPath
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.records import field, record

if TYPE_CHECKING:
    from naftiko_run.flows.scripts.script import Script


@record
class CallStep:
    """``arguments`` are by parameter key of the operation. ``direct``: they are the flow's inputs, name for name."""

    name: str
    operation: Operation
    arguments: tuple[tuple[str, Expression], ...] = ()
    direct: bool = False
    after: tuple[int, ...] = ()  # indexes of the steps that must be done first
    at: Location | None = None


@record
class LookupStep:
    """Find in the result of step ``index`` the object whose field ``match`` equals ``value``, and copy ``outputs`` of it."""

    name: str
    index: str
    match: str
    value: Expression
    outputs: tuple[str, ...]
    index_path: JsonPath | None = None
    most: int = DEFAULT_LIMITS.lookup_entries
    after: tuple[int, ...] = ()
    at: Location | None = None


@record
class ScriptStep:
    """A script between calls."""

    name: str
    script: Script
    arguments: tuple[tuple[str, Expression], ...] = ()
    after: tuple[int, ...] = field(default=())
    at: Location | None = None


Step = CallStep | LookupStep | ScriptStep
