"""The verbs that ask a running process, against a real one: what they print, their exit codes, SIGHUP and workers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

SECRET = "a-very-secret-key"
TEXT = """
naftiko: 1.0.0-alpha2
info: {{label: {label}}}
binds: [{{namespace: env, keys: {{JOBS_KEY: JOBS_KEY, CONTROL_TOKEN: CONTROL_TOKEN}}}}]
capability:
  consumes:
  - type: http
    namespace: jobs
    baseUri: {upstream}
    authentication: {{type: bearer, token: '{{{{JOBS_KEY}}}}'}}
    resources:
    - {{name: jobs, path: /jobs, operations: [{{name: list, method: GET}}]}}
  exposes:
  - type: rest
    namespace: jobs-rest
    port: {rest}
    resources:
    - {{name: jobs, path: /jobs, operations: [{{name: list, method: GET, call: jobs.list}}]}}
  - type: control
    port: {control}
    authentication: {{type: bearer, token: '{{{{CONTROL_TOKEN}}}}'}}
    management: {{info: true, reload: true, scripting: {{timeout: 1000}}}}
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return found


class Running:
    """The command serving, in a working directory of its own; ``do`` runs another verb there."""

    def __init__(self, folder: Path, upstream: str) -> None:
        self.folder, self.upstream = folder, upstream
        self.rest, self.control = free_ports(2)
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.environment = {**kept, "JOBS_KEY": SECRET, "CONTROL_TOKEN": "control-token"}
        self.process: asyncio.subprocess.Process | None = None

    def write(self, label: str = "Jobs", text: str = TEXT) -> None:
        written = text.format(label=label, upstream=self.upstream, rest=self.rest, control=self.control)
        (self.folder / "jobs.yaml").write_text(written)

    async def start(self, *arguments: str) -> None:
        self.write()
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "naftiko_run", "jobs.yaml", *arguments, cwd=self.folder, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(30):
            while (await self.do("health"))[0] != 0:
                assert self.process.returncode is None, await self.process.stderr.read()
                await asyncio.sleep(0.1)

    async def do(self, *words: str, credential: bool = True) -> tuple[int, str, str]:
        words = (*words, "--token-env", "CONTROL_TOKEN") if credential else words
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "naftiko_run", *words, cwd=self.folder, env=self.environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), 30)
        return process.returncode or 0, output.decode(), errors.decode()

    async def label(self) -> str:
        return str(json.loads((await self.do("status"))[1])["capability"]["label"])

    async def stop(self) -> bytes:
        if self.process is None or self.process.returncode is not None:
            return b""
        self.process.send_signal(signal.SIGINT)
        output, errors = await asyncio.wait_for(self.process.communicate(), 30)
        assert self.process.returncode == 0, errors
        return output + errors


@pytest.fixture
async def running(tmp_path, upstream):
    upstream.replies(json=[])
    found = Running(tmp_path, upstream.url)
    yield found
    await found.stop()


async def test_a_running_process_answers_every_verb(running):
    await running.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", running.rest)
    writer.write(b"GET /jobs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"200 OK" in await reader.read()
    writer.close()

    health = await running.do("health")
    traces = await running.do("traces", "--operation", "/jobs")
    spans = await running.do("traces", traces[1].split()[1])
    metrics = await running.do("metrics", "--filter", "^naftiko_request_total")
    scripting = await running.do("scripting", "--set", "timeout=500", "--set", "allowedLanguages=python,javascript")
    wrong = await running.do("scripting", "--set", "timeout=0")
    printed = await running.stop()

    assert (health[0], health[1].splitlines()[0]) == (0, "UP")
    assert "OK" in traces[1]
    assert "  rest.request" in spans[1]
    assert "    http.client.GET" in spans[1]
    assert metrics[1].splitlines() == [
        'naftiko_request_total{naftiko_adapter_type="rest",naftiko_operation_id="/jobs GET",status="200"} 1'
    ]
    assert json.loads(scripting[1])["timeout"] == 500
    assert json.loads(scripting[1])["allowedLanguages"] == ["python", "javascript"]
    assert (wrong[0], "timeout" in wrong[2]) == (1, True)
    assert SECRET.encode() not in printed


async def test_files_are_read_again_on_request_and_on_hangup(running):
    await running.start()

    running.write("Second")
    reloaded = await running.do("reload")
    second = await running.label()
    running.write("Third")
    running.process.send_signal(signal.SIGHUP)
    async with asyncio.timeout(10):
        while await running.label() != "Third":
            await asyncio.sleep(0.1)
    running.write(text="naftiko: [")
    running.environment["NAFTIKO_CONTROL_PORT"] = str(running.control)  # no file says it any more
    refused = await running.do("reload")

    assert (reloaded[0], reloaded[1].strip(), second) == (0, "reloaded", "Second")
    assert refused[0] == 1
    assert "jobs.yaml:2:" in refused[2]
    assert await running.label() == "Third"


@pytest.mark.slow
async def test_a_worker_lets_its_supervisor_replace_all(running):
    await running.start("--workers", "2")

    running.write("Second")
    accepted = await running.do("reload")
    async with asyncio.timeout(40):
        while {await running.label() for _ in range(3)} != {"Second"}:
            await asyncio.sleep(0.1)

    assert (accepted[0], accepted[1].strip()) == (0, "rolling")


async def test_without_the_credential_or_without_anyone_there_it_says_so(running):
    await running.start()

    refused = await running.do("status", credential=False)
    nobody = await running.do("health", "--port", str(free_ports(1)[0]))
    unnamed = await running.do("status", "--token-env", "NO_SUCH_VARIABLE", credential=False)

    assert (refused[0], "E-CONTROL-REFUSED" in refused[2]) == (2, True)
    assert (nobody[0], "E-CONTROL-UNREACHABLE" in nobody[2]) == (2, True)
    assert (unnamed[0], "'NO_SUCH_VARIABLE' has no value" in unnamed[2]) == (2, True)
