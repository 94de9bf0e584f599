"""Operations that nothing exposes become one REST operation and one tool each: what ``--expose-all`` serves."""

from __future__ import annotations

from collections.abc import Sequence

from naftiko_run.consumes.operation import Operation
from naftiko_run.document.nodes import Node


def automatic_exposures(operations: Sequence[Operation], section: Node) -> list[Node]:
    """A REST and an MCP exposure over all ``operations``, as if the author had written them below ``section``."""
    resources: list[object] = []
    tools: list[object] = []
    for operation in operations:
        path = operation.path.source.partition("?")[0].partition("#")[0] or "/"
        path = f"/{operation.consumer.namespace}{path if path.startswith('/') else '/' + path}"
        unit = {"name": operation.name, "call": operation.ref, "description": operation.description}
        resources.append({"name": operation.name, "path": path, "operations": [{"method": operation.method, **unit}]})
        tools.append({**unit, "name": f"{operation.consumer.namespace}-{operation.name}"})
    namespace = operations[0].consumer.namespace if operations else "all"
    rest = {"type": "rest", "namespace": f"{namespace}-rest", "port": 8080, "resources": resources}
    mcp = {"type": "mcp", "namespace": f"{namespace}-mcp", "port": 9090, "tools": tools}
    return [_node(section, rest), _node(section, mcp)]


def _node(place: Node, value: object) -> Node:
    """Plain data as a node that stands where ``place`` stands."""
    if isinstance(value, dict):
        return place.replaced({key: _node(place, item) for key, item in value.items()})
    return place.replaced([_node(place, item) for item in value] if isinstance(value, list) else value)
