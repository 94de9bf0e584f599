"""Capability documents for the scenarios, written as an author would write them, with as many operations as asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

JOB = "job"  # the name of what is called: an operation, and the tool of it


class _Dumper(yaml.SafeDumper):
    """Writes everything out: the language has no aliases."""

    def ignore_aliases(self, data: object) -> bool:
        return True


MAPPED = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "mapping": "$.id"},
        "state": {"type": "string", "mapping": "$.state"},
        "amount": {"type": "number", "mapping": "$.cost.amount"},
        "team": {"type": "string", "mapping": "$.owner.team"},
    },
}
MAPPED_ITEMS = {
    "type": "array",
    "mapping": "$.items",
    "items": {
        "type": "object",
        "properties": {
            "id": {"type": "string", "mapping": "$.id"},
            "state": {"type": "string", "mapping": "$.state"},
            "amount": {"type": "number", "mapping": "$.cost.amount"},
            "owner": {"type": "string", "mapping": "$.owner.name"},
        },
    },
}
WHOLE = {"type": "object", "mapping": "$."}
_STEPS = [
    {"type": "call", "name": "first", "call": "jobs.job", "with": {"name": "{{name}}"}},
    {"type": "call", "name": "second", "call": "jobs.job", "with": {"name": "{{name}}"}},
    {"type": "call", "name": "third", "call": "jobs.job", "with": {"name": "{{name}}"}},
]


def write_document(
    folder: Path, upstream: int, port: int, *, operations: int = 1, rest: bool = True, mcp: bool = False, name: str = "jobs"
) -> Path:
    """A file of ``operations`` operations; the last is ``job``. REST on ``port``, MCP beside it under ``/mcp``."""
    extra = [f"{JOB}-{number}" for number in range(operations - 1)]
    resources = [_resource(one, f"/{one}/{{name}}") for one in extra] + [_resource(JOB, "/{name}")]
    exposes: list[dict[str, Any]] = []
    if rest:
        exposes.append({"type": "rest", "namespace": "jobs-rest", "port": port, "resources": _routes(extra)})
    if mcp:
        exposes.append({"type": "mcp", "namespace": "jobs-mcp", "port": port, "tools": _tools(extra)})
    consumes = {"type": "http", "namespace": "jobs", "baseUri": f"http://127.0.0.1:{upstream}", "resources": resources}
    document = {
        "naftiko": "1.0.0-alpha2",
        "info": {"label": "Jobs", "description": "Training jobs."},
        "capability": {"consumes": [consumes], "exposes": exposes},
    }
    file = folder / f"{name}-{port}.yaml"
    file.write_text(yaml.dump(document, Dumper=_Dumper, sort_keys=False))
    return file


def _resource(name: str, path: str) -> dict[str, Any]:
    operation = {
        "name": name,
        "method": "GET",
        "description": f"The {name} of that name.",
        "outputRawFormat": "json",
        "inputParameters": [{"name": "name", "in": "path", "type": "string", "required": True}],
        "outputParameters": [{"name": "result", "type": "object", "value": "$."}],
    }
    return {"name": name, "path": path, "operations": [operation]}


def _routes(extra: list[str]) -> list[dict[str, Any]]:
    routes = [_route(f"/{one}/{{name}}", one, call=f"jobs.{one}") for one in extra]
    return [
        *routes,
        _route("/jobs/{name}", JOB, call="jobs.job"),
        _route("/mapped/{name}", "mapped-job", call="jobs.job", outputs=MAPPED),
        _route("/items/{name}", "mapped-items", call="jobs.job", outputs=MAPPED_ITEMS),
        _route("/steps/{name}", "three-steps", steps=True),
    ]


def _route(
    path: str, name: str, *, call: str = "", steps: bool = False, outputs: dict[str, Any] | None = None
) -> dict[str, Any]:
    operation: dict[str, Any] = {"method": "GET", "name": name, "description": f"The {name}."}
    operation["inputParameters"] = [{"name": "name", "in": "path", "type": "string", "required": True}]
    if steps:
        operation["steps"] = _STEPS
    else:
        operation |= {"call": call, "with": {"name": "rest.path.name"}, "outputParameters": [outputs or WHOLE]}
    return {"path": path, "name": name, "operations": [operation]}


def _tools(extra: list[str]) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": f"The {name} of that name.",
            "hints": {"readOnly": True, "destructive": False, "idempotent": True},
            "inputParameters": [{"name": "name", "type": "string", "required": True, "description": "Name of the job"}],
            "call": f"jobs.{name}",
            "with": {"name": "tools.name"},
            "outputParameters": [WHOLE],
        }
        for name in [*extra, JOB]
    ]
