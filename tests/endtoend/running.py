"""The real command as a process, the scripted upstream in a thread, and plain sockets between them.

with Command(folder, "harbour.yaml", environment={...}) as command:    # waits until it serves
    answer = command.rest("GET", "/ships/s-1")
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from upstream import Upstream

EXECUTABLE = Path(sys.executable).with_name("naftiko-run")
SECONDS = 30.0  # a busy machine starts slowly; nothing waits this long when all is well
_KEPT = ("PATH", "PYTHONPATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
SECRET = "canary-f7d1+/=&secret"

DOCUMENT = """
ikanos: "1.0.0-alpha4"
info: {label: Harbour, description: Ships and their berths}
binds:
- {namespace: env, keys: {HARBOUR_KEY: HARBOUR_KEY}}
capability:
  consumes:
  - type: http
    namespace: harbour
    baseUri: UPSTREAM
    authentication: {type: bearer, token: "{{HARBOUR_KEY}}"}
    resources:
    - name: ships
      path: /ships
      operations:
      - {name: list-ships, method: GET, inputParameters: [{name: state, in: query}]}
      - {name: add-ship, method: POST, inputParameters: [{name: body, in: body}]}
    - name: ship
      path: /ships/{{id}}
      operations:
      - {name: get-ship, method: GET, inputParameters: [{name: id, in: path}, {name: X-Trace, in: header}]}
    - name: berths
      path: /berths
      operations:
      - {name: list-berths, method: GET}
  exposes:
  - type: rest
    namespace: harbour-rest
    port: 18080
    resources:
    - path: /ships
      operations:
      - method: GET
        inputParameters: [{name: state, in: query, type: string}, {name: limit, in: query, type: integer}]
        call: harbour.list-ships
        with: {state: harbour-rest.state}
      - method: POST
        inputParameters: [{name: body, in: body, type: object}]
        call: harbour.add-ship
        with: {body: harbour-rest.body}
    - path: /ships/{{id}}
      operations:
      - method: GET
        inputParameters: [{name: id, in: path, type: string}, {name: X-Trace, in: header, type: string, required: false}]
        call: harbour.get-ship
        with: {id: harbour-rest.id, X-Trace: harbour-rest.X-Trace}
    - path: /names
      operations:
      - method: GET
        call: harbour.list-berths
        outputParameters:
        - {type: array, mapping: $., items: {type: object, properties: {name: {type: string, mapping: $.name}}}}
    - path: /voyages
      operations:
      - method: POST
        inputParameters: [{name: body, in: body, type: object}]
        steps:
        - {name: added, type: call, call: harbour.add-ship, with: {body: harbour-rest.body}}
        - {name: berths, type: call, call: harbour.list-berths}
        mappings: [{targetName: id, value: $.added.id}]
  - type: mcp
    namespace: harbour-mcp
    port: 18081
    tools:
    - name: find-ship
      description: Find a ship by its id
      inputParameters: [{name: id, type: string, required: true, description: the ship's id}]
      call: harbour.get-ship
      with: {id: harbour-mcp.id}
    - name: list-ships
      description: List ships
      inputParameters: [{name: limit, type: integer, required: false, description: how many}]
      call: harbour.list-ships
    - name: add-ship
      description: Add a ship
      inputParameters: [{name: body, type: object, required: true, description: the ship}]
      call: harbour.add-ship
      with: {body: harbour-mcp.body}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class UpstreamThread:
    """A scripted upstream that serves processes while a test waits for them."""

    def __init__(self) -> None:
        self.upstream = Upstream(host="localhost")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.upstream.__aenter__(), self._loop).result(5)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.upstream.__aexit__(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def answers(self, status: int = 200, **answer: Any) -> None:
        """From now on this, and nothing of what was said before."""
        self.upstream._queues.clear()
        self.upstream.requests.clear()
        self.upstream.replies(status, **answer)


class Command:
    """``naftiko-run`` as a process in ``folder``; leaving the context ends it, and everything it may have started."""

    def __init__(
        self, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> None:
        self.arguments, self.folder = arguments, folder
        self._paths = [folder / f"{name}-{time.monotonic_ns()}.txt" for name in ("stdout", "stderr")]
        with self._paths[0].open("wb") as stdout, self._paths[1].open("wb") as stderr:
            self.process = subprocess.Popen(
                [str(EXECUTABLE), *arguments], cwd=folder, stdin=stdin, stdout=stdout, stderr=stderr, start_new_session=True,
                env={**{name: os.environ[name] for name in _KEPT if name in os.environ}, **(environment or {})},
            )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.stdin is not None:
            self.process.stdin.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def stdout(self) -> str:
        return self._paths[0].read_text(errors="backslashreplace")

    @property
    def stderr(self) -> str:
        return self._paths[1].read_text(errors="backslashreplace")

    def ready(self) -> Self:
        """Wait for the banner."""
        until(lambda: "naftiko-run serves" in self.stderr or self.process.poll() is not None)
        assert self.process.poll() is None, self.stderr
        return self

    def ended(self) -> int:
        return self.process.wait(SECONDS)

    @property
    def urls(self) -> dict[str, str]:
        """Base URLs by adapter type, as the banner says."""
        found = re.findall(r"\b(rest|mcp|skill|control)\s+(http://[^\s,\"/]+)", self.stderr)
        return dict(reversed(found))

    def request(
        self, kind: str, method: str, target: str, body: bytes | None = None, headers: Mapping[str, str] | None = None,
        seconds: float = SECONDS,
    ) -> Answer:  # fmt: skip
        """One request on a connection of its own; ``target`` goes out as it is."""
        place = urlsplit(self.urls[kind])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=seconds)
        try:
            connection.request(method, target, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())
        finally:
            connection.close()

    def rest(self, method: str, target: str, data: object = None, **headers: str) -> Answer:
        body = None if data is None else json.dumps(data).encode()
        sent = {"Content-Type": "application/json"} if body is not None else {}
        return self.request("rest", method, target, body, {**sent, **{k.replace("_", "-"): v for k, v in headers.items()}})

    def rpc(self, method: str, /, headers: Mapping[str, str] | None = None, **params: object) -> dict[str, Any]:
        """A whole JSON-RPC answer."""
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        sent = {"Content-Type": "application/json", "MCP-Protocol-Version": "2025-11-25", **(headers or {})}
        answer = self.request("mcp", "POST", "/mcp", json.dumps(message).encode(), sent)
        assert answer.status == 200, answer
        return answer.json()

    def tool(self, name: str, /, **arguments: object) -> dict[str, Any]:
        """The result of ``tools/call``."""
        return self.rpc("tools/call", name=name, arguments=arguments)["result"]


def run(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Run the command to its end: exit code, standard output, standard error."""
    with Command(folder, *arguments, environment=environment) as command:
        return command.ended(), command.stdout, command.stderr


def until(condition: Any, seconds: float = SECONDS) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


def is_free(port: int) -> bool:
    """Whether nobody listens on a port of loopback."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) != 0


def children(process: int) -> list[int]:
    """The processes that ``process`` has started, and those started by these."""
    found = [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return found + [grandchild for child in found for grandchild in children(child)]


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False


def end(process: int) -> None:
    """Kill one process of ours, at once."""
    os.kill(process, signal.SIGKILL)
