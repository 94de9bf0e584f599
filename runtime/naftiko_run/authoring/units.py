"""The callable units of a capability by name: words of an author in, one REST operation, tool or resource out."""

from __future__ import annotations

from collections.abc import Iterator

from naftiko_run.capability import Capability
from naftiko_run.errors import UnresolvedReference
from naftiko_run.exposes.exposure import Exposure, McpExposure, RestExposure
from naftiko_run.flows.flow import Flow
from naftiko_run.records import record


@record
class Unit:
    """One flow as it is exposed. ``kind`` is ``rest``, ``tool`` or ``resource``; ``title`` is how messages name it."""

    kind: str
    name: str
    flow: Flow
    exposure: Exposure
    method: str = ""
    path: str = ""
    description: str = ""

    @property
    def title(self) -> str:
        return f"{self.method} {self.path}" if self.kind == "rest" else f"{self.kind} {self.name}"

    @property
    def spellings(self) -> tuple[str, ...]:
        """What ``find_unit`` knows it by."""
        named = (self.name, f"{self.kind}:{self.name}", f"{self.exposure.namespace}.{self.name}") if self.name else ()
        return (*named, f"{self.method} {self.path}") if self.kind == "rest" else named


def units_of(capability: Capability) -> Iterator[Unit]:
    """Every unit that can be called, in document order."""
    for exposure in capability.exposures:
        if isinstance(exposure, RestExposure):
            for route in exposure.routes:
                yield Unit(kind="rest", name=route.flow.name, flow=route.flow, exposure=exposure, method=route.method,
                           path=route.path, description=route.flow.description)  # fmt: skip
        elif isinstance(exposure, McpExposure):
            for tool in exposure.tools:
                yield Unit(kind="tool", name=tool.name, flow=tool.flow, exposure=exposure, description=tool.description)
            for resource in exposure.resources:
                if resource.flow is not None:
                    yield Unit(kind="resource", name=resource.uri, flow=resource.flow, exposure=exposure,
                               description=resource.description)  # fmt: skip


def find_unit(capability: Capability, words: str) -> Unit:
    """The unit called ``NAME``, ``rest:NAME``, ``tool:NAME``, ``NAMESPACE.NAME`` or ``METHOD /path``; the first of several."""
    wanted = " ".join(words.split())
    units = list(units_of(capability))
    for unit in units:
        if wanted in unit.spellings:
            return unit
    method, _, path = wanted.partition(" ")
    for unit in units:
        if unit.kind == "rest" and unit.method == method.upper() and unit.path == path:
            return unit
    known = [spelling for unit in units for spelling in (unit.name or unit.title,)]
    raise UnresolvedReference("unit", words, known=known, code="E-UNIT")
