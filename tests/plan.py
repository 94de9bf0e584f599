"""A capability written in a test, compiled without a file: text in, the plan, its requests and its findings out.

plan = compile_text(TEXT)
request = plan.request("shop.find", id=7)        # what would be sent upstream for these arguments
route = plan.route("GET /v1/things/{id}")        # its flow, its inputs
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

import yaml

from naftiko_run.capability import Capability, LoadOptions, compile_capability
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.operation import Operation, Target
from naftiko_run.document.dialect import normalise
from naftiko_run.document.reader import read_text
from naftiko_run.errors import Finding, Problems
from naftiko_run.exposes.exposure import McpExposure, McpTool, RestExposure, RestRoute
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.steps import CallStep

TARGET = Target(origin=Origin(scheme="https", host="api.test", port=443))


@dataclass(frozen=True)
class Plan:
    capability: Capability

    def operation(self, ref: str) -> Operation:
        return next(op for op in self.capability.operations if op.ref == ref)

    def request(self, ref: str, binds: Mapping[str, str] | None = None, /, **arguments: object) -> UpstreamRequest:
        return self.operation(ref).request(arguments, TARGET, binds or {})

    def route(self, label: str) -> RestRoute:
        method, _, path = label.partition(" ")
        rest = [e for e in self.capability.exposures if isinstance(e, RestExposure)]
        return next(r for e in rest for r in e.routes if (r.method, r.path) == (method, path))

    def tool(self, name: str) -> McpTool:
        mcp = [e for e in self.capability.exposures if isinstance(e, McpExposure)]
        return next(tool for e in mcp for tool in e.tools if tool.name == name)

    def codes(self) -> list[str]:
        return [finding.code for finding in self.capability.findings]

    def finding(self, code: str) -> Finding:
        found = [finding for finding in self.capability.findings if finding.code == code]
        assert len(found) == 1, [str(finding) for finding in self.capability.findings]
        return found[0]


def compile_text(text: str, **options: object) -> Plan:
    """Compile YAML, as ``load`` would; ``# FILE`` in it is ``cap.yaml``."""
    problems = Problems()
    root = normalise(read_text(textwrap.dedent(text), file="cap.yaml"), problems)
    return Plan(compile_capability(root, Path("cap.yaml"), LoadOptions(**options), problems))  # type: ignore[arg-type]  # fields by name


def service(
    operations: str | list[object],
    *,
    path: str = "/things",
    tools: list[object] | None = None,
    routes: list[object] | None = None,
    **consumer: object,
) -> str:
    """A document around operations: one namespace ``shop``; each is exposed as a tool of its name unless said otherwise."""
    found = yaml.safe_load(textwrap.dedent(operations)) if isinstance(operations, str) else operations
    exposed = (
        tools
        if tools is not None or routes is not None
        else [{"name": op["name"], "call": f"shop.{op['name']}"} for op in found]
    )
    exposes: list[object] = [{"type": "mcp", "namespace": "mcp", "port": 9090, "tools": exposed}] if exposed else []
    if routes:
        exposes.append({"type": "rest", "namespace": "api", "port": 8080, "resources": routes})
    resources = [{"name": "r", "path": path, "operations": found}]
    entry = {"type": "http", "namespace": "shop", "baseUri": "https://api.test", "resources": resources, **consumer}
    return yaml.safe_dump({"naftiko": "1.0.0-alpha2", "capability": {"consumes": [entry], "exposes": exposes}}, sort_keys=False)


def sent_by(flow: Flow, binds: Mapping[str, str] | None = None, /, **inputs: object) -> UpstreamRequest:
    """The one request of a flow whose inputs, already bound, are these."""
    step = flow.steps[0]
    assert isinstance(step, CallStep)
    scope = Scope(inputs, {}, binds or {})
    arguments = {key: expression.evaluate(scope) for key, expression in step.arguments}
    return step.operation.request({k: v for k, v in arguments.items() if v is not MISSING}, TARGET, binds or {})


def query_of(request: UpstreamRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.target.partition("?")[2], keep_blank_values=True)


def path_of(request: UpstreamRequest) -> str:
    return request.target.partition("?")[0]


def header(request: UpstreamRequest, name: str) -> str | None:
    return next((value for key, value in request.headers if key.lower() == name.lower()), None)
