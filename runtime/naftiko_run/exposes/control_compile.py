"""``type: control``: what a control port may manage and report, and the collector that traces are sent to."""

from __future__ import annotations

from typing import Any

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, SpecError
from naftiko_run.exposes.exposure import ControlExposure
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES, ExposesContext
from naftiko_run.expressions.template import Template, compile_template


@EXPOSURE_TYPES.register("control")
def _control(node: Node, common: dict[str, Any], context: ExposesContext, problems: Problems) -> ControlExposure:
    observability = node.get("observability")
    return ControlExposure(
        **common, management=node.get("management"), observability=observability,
        collector=_collector(observability, context, problems),
    )  # fmt: skip


def _collector(observability: Node | None, context: ExposesContext, problems: Problems) -> Template | None:
    """``exporters.otlp.endpoint``; a template over binds."""
    exporters = observability.get("exporters") if observability is not None else None
    otlp = exporters.get("otlp") if exporters is not None else None
    endpoint = otlp.get("endpoint") if otlp is not None else None
    if endpoint is None or not endpoint.text.strip():
        return None
    try:
        return compile_template(endpoint.text, context.flows.names, at=endpoint)
    except SpecError as error:
        problems.add(error)
        return None
