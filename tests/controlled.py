"""A capability with a control port, served in this process as the command would, and reloadable.

async with controlled(tmp_path, JOBS, upstream) as running:
    await running.get("/jobs/1")
    health = await running.control("GET", "/health/ready")
    running.write(OTHER)
    await running.control("POST", "/config/reload")
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from naftiko_run.capability import load
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.server.assembly import connect
from naftiko_run.server.instruments import attach_exporter, build_telemetry, instrumented
from naftiko_run.server.placement import Assembly, AssemblySettings, kind_of, place
from naftiko_run.server.process import Process
from naftiko_run.server.reload import Reloader
from naftiko_run.server.server import Server
from upstream import Upstream

PORTS = AssemblySettings(ports={"rest": 0, "mcp": 0, "skill": 0, "control": 0})

JOBS = """
naftiko: 1.0.0-alpha2
info: {label: Jobs}
binds:
- namespace: env
  keys: {JOBS_KEY: JOBS_KEY}
capability:
  consumes:
  - type: http
    namespace: jobs
    baseUri: UPSTREAM
    authentication: {type: bearer, token: '{{JOBS_KEY}}'}
    resources:
    - name: jobs
      path: /jobs/{{id}}
      operations:
      - name: get-job
        method: GET
        inputParameters: [{name: id, in: path}]
  exposes:
  - type: rest
    namespace: jobs-rest
    port: 8080
    resources:
    - name: jobs
      path: /jobs/{id}
      operations:
      - {name: get-job, method: GET, description: One job., call: jobs.get-job, with: {id: rest.id}}
  - type: mcp
    namespace: jobs-mcp
    port: 9090
    tools:
    - {name: get-job, description: One job., call: jobs.get-job, with: {id: tools.id}}
  - type: control
    port: 9099
    management: {info: true, reload: true, validate: true, logs: {stream: true, max-subscribers: 1}, scripting: {timeout: 1000}}
    observability: {traces: {local: {buffer-size: 10}}}
"""
SECRET = "a-very-secret-key"


@dataclass
class Plan:
    assembly: Assembly
    engine: Engine

    @property
    def listeners(self) -> Any:
        return self.assembly.listeners

    @property
    def findings(self) -> Any:
        return self.assembly.findings

    async def close(self) -> None:
        await self.engine.close()


@dataclass
class Running:
    file: Path
    upstream: Upstream
    process: Process
    client: httpx2.AsyncClient
    reloader: Reloader[Plan] | None = None

    def write(self, text: str) -> None:
        self.file.write_text(text.replace("UPSTREAM", self.upstream.url), encoding="utf-8")

    def url(self, kind: str) -> str:
        assert self.reloader is not None
        assert self.process.server is not None
        kinds = [kind_of(served.exposure) for served in self.reloader.current.assembly.served]
        return f"http://127.0.0.1:{self.process.server.ports[kinds.index(kind)]}"

    async def get(self, target: str, **headers: str) -> httpx2.Response:
        return await self.client.get(self.url("rest") + target, headers=headers)

    async def control(
        self, method: str, target: str, *, json: object = None, content: str | None = None, **headers: str
    ) -> Any:
        extra: dict[str, Any] = {"json": json} if json is not None else {"content": content}
        return await self.client.request(method, self.url("control") + target, headers=headers, **extra)

    async def tool(self, name: str, meta: Mapping[str, str] | None = None, **arguments: object) -> Any:
        params = {"name": name, "arguments": arguments, **({"_meta": meta} if meta else {})}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
        answer = await self.client.post(f"{self.url('mcp')}/mcp", json=message, headers=headers)
        return answer.json()["result"]


@asynccontextmanager
async def controlled(
    folder: Path, text: str, upstream: Upstream, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    process = Process()
    variables = {"JOBS_KEY": SECRET, **(environment or {})}
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as client:
        running = Running(folder / "jobs.yaml", upstream, process, client)
        running.write(text)

        def prepare() -> Plan:
            capability = load(running.file)
            if process.telemetry is None:
                process.telemetry = build_telemetry([capability], variables, process.redactor.clean)
            settings = EngineSettings(environment=variables, client=ClientSettings(), allow_unfiltered_scripts=True)
            engine = Engine(capability, instrumented(settings, process.telemetry, process.redactor))
            engine.resolve()
            assembly = place([capability], PORTS)
            connect(assembly, engine, PORTS, process)
            return Plan(assembly, engine)

        plan = prepare()
        running.reloader = reloader = Reloader(plan, prepare, process, PORTS.limits)
        process.reload = reloader.reload
        server = Server(plan.listeners)
        server.bind()
        await server.accept()
        process.server = server
        if process.telemetry is not None:
            attach_exporter(process.telemetry, plan.engine, process.redactor, "1")
            process.telemetry.serves(["Jobs"])
            process.telemetry.start()
        try:
            yield running
        finally:
            await server.close()
            await reloader.close()
            if process.telemetry is not None:
                await process.telemetry.close()
