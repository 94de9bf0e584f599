"""What compiling an exposure needs and gives: the registry of exposure types, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from naftiko_run.consumes.formats.binary import parse_binary_size
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError
from naftiko_run.exposes.exposure import Exposure
from naftiko_run.flows.compile import FlowContext
from naftiko_run.records import record
from naftiko_run.registry import Registry


@record
class ExposesContext:
    """What compiling an exposure needs: the flows' context, and what every exposure of the capability shares."""

    flows: FlowContext
    label: str
    version: str
    directory: Path
    siblings: tuple[Node, ...] = ()
    namespaces: tuple[str, ...] = ()  # of consumers, for forward


ExposureFactory = Callable[[Node, dict[str, Any], ExposesContext, Problems], Exposure]
EXPOSURE_TYPES: Registry[ExposureFactory] = Registry(
    "exposure type",
    {
        "naftiko_run.exposes.control_compile": ("control",),
        "naftiko_run.exposes.mcp_compile": ("mcp",),
        "naftiko_run.exposes.rest_compile": ("rest", "api"),
        "naftiko_run.exposes.skill_compile": ("skill", "agent-skill"),
    },
)


def binary_limit_of(node: Node, problems: Problems) -> int | None:
    """``maxBinarySize`` of an adapter, for binary operations that name no size of their own."""
    size = node.get("maxBinarySize")
    if size is None:
        return None
    try:
        return parse_binary_size(size.text, size)
    except SpecError as error:
        problems.add(error)
        return None


def calls_of(units: Iterable[Node]) -> Iterator[str]:
    for unit in units:
        call = unit.get("call")
        if call is not None:
            yield call.text.strip()
