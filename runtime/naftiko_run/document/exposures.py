"""Older and foreign forms of an exposure in, the form that is served out.

``api`` was the first word for ``rest``. Some files write ``http`` with ``paths`` in the manner of OpenAPI: those become
resources. An operation with a ``path`` of its own gets a resource of its own.
"""

from __future__ import annotations

from naftiko_run.document.nodes import Node

_METHODS = frozenset({"get", "post", "put", "patch", "delete", "head", "options"})
_DOES = frozenset({"call", "ref", "steps", "outputParameters"})


def modernise_exposure(node: Node) -> str:
    """Bring an exposure to its newest form in place, and say its type (lower case, ``""`` when it has none)."""
    entries: dict[str, Node] = node.value  # type: ignore[assignment]  # the caller passes a mapping
    written = node.get("type")
    kind = written.text.strip().lower() if written is not None else ""
    if kind == "http" and (resources := _resources_of(node)) is not None:
        entries["resources"] = resources
        entries.pop("paths", None)
        kind = "rest"
    kind = "rest" if kind == "api" else kind
    if written is not None and written.value != kind:
        entries["type"] = written.replaced(kind)
    if kind == "rest" and (resources := node.get("resources")) is not None and isinstance(resources.value, list):
        resources.value = [part for resource in resources.value for part in _parts(resource)]
    return kind


def _resources_of(node: Node) -> Node | None:
    paths = node.get("paths")
    if paths is None:
        return node.get("resources")
    if paths.is_map:
        found = [_resource(item, name) for name, item in paths.items() if item.is_map]
    else:
        found = [_listed(item) for item in paths.elements() if item.is_map]
    return paths.replaced([resource for resource in found if resource is not None]) if any(found) else None


def _resource(item: Node, path: str) -> Node | None:
    """``{get: {call: ...}}`` below a path, as a resource."""
    operations = [_operation(child, method) for method, child in item.items() if method.lower() in _METHODS and child.is_map]
    served = [operation for operation in operations if _DOES & dict(operation.items()).keys()]
    return _built(item, Node(path, item.key_mark or item.mark, item.file, item, "path"), served) if served else None


def _listed(item: Node) -> Node | None:
    """``{path, method, call}``, or ``{path, operations}``, as a resource."""
    path = item.get("path")
    if path is None:
        return None
    if item.get("operations") is not None:
        return item
    kept = {key: child for key, child in item.items() if key != "path"}
    return _built(item, path, [item.replaced(kept)]) if _DOES & kept.keys() else None


def _operation(child: Node, method: str) -> Node:
    word = Node(method.upper(), child.key_mark or child.mark, child.file, child, "method")
    kept = {"name" if key == "operationId" else key: value for key, value in child.items()}
    return child.replaced({"method": word, **kept})


def _built(item: Node, path: Node, operations: list[Node]) -> Node:
    return item.replaced({"path": path, "operations": Node(operations, item.mark, item.file, item, "operations")})


def _parts(resource: Node) -> list[Node]:
    """A resource, and one more for each of its operations that has a path of its own."""
    operations = resource.get("operations")
    if operations is None or not isinstance(operations.value, list):
        return [resource]
    moved = [item for item in operations.value if item.get("path") is not None]
    if not moved:
        return [resource]
    operations.value = [item for item in operations.value if item.get("path") is None]
    return [resource, *(_own_resource(resource, operations, item) for item in moved)]


def _own_resource(resource: Node, operations: Node, item: Node) -> Node:
    own, base = item.value["path"], resource.get_text("path").rstrip("/")  # type: ignore[index]  # the caller looked
    text = own.text if own.text == base or own.text.startswith(f"{base}/") else f"{base}/{own.text.lstrip('/')}"
    operation = item.replaced({key: child for key, child in item.items() if key != "path"})
    return resource.replaced(
        {**dict(resource.items()), "path": own.replaced(text), "operations": operations.replaced([operation])}
    )
