"""``exposes:`` entries become exposures: every unit compiled to a flow, every mistake a finding on that unit alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.exposes.authentication import compile_caller_auth
from naftiko_run.exposes.exposure import Exposure
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES as EXPOSURE_TYPES
from naftiko_run.exposes.exposure_types import ExposesContext as ExposesContext


def compile_exposures(entries: Iterable[Node], context: ExposesContext, problems: Problems) -> tuple[Exposure, ...]:
    """All exposures that can be served, in document order. An unknown type is left out with a warning."""
    found = []
    for node in entries:
        kind = node.get_text("type", default="rest" if node.get("resources") else "mcp" if node.get("tools") else "")
        if kind not in EXPOSURE_TYPES:
            at = node.get("type") or node
            problems.warn(
                "W-EXPOSE-UNKNOWN", f"unknown exposure type {kind!r} is not served", at, suggest(kind, EXPOSURE_TYPES)
            )
            continue
        found.append(EXPOSURE_TYPES.lookup(kind)(node, _common(node, context, problems), context, problems))
    return tuple(found)


def _common(node: Node, context: ExposesContext, problems: Problems) -> dict[str, Any]:
    port = node.get("port")
    number = node.get_int("port")
    if number is None and port is not None and port.text.isdigit():
        number = int(port.text)
    if port is not None and (number is None or not 0 <= number <= 65535):
        problems.error("E-PORT", f"{port.text!r} is not a port", port, "a number from 1 to 65535")
        number = None
    return {
        "namespace": node.get_text("namespace", "name"),
        "address": node.get_text("address"),
        "port": number,
        "description": node.get_text("description"),
        "label": context.label,
        "version": context.version,
        "authentication": compile_caller_auth(node.get("authentication"), context.flows.names, problems),
        "at": node.location,
    }
