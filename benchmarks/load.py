"""Load: a ``Call`` is verified once, then sent by wrk over kept connections for some seconds."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.machine import LOAD_CORE

_SCRIPT = "wrk.method = {method}\nwrk.body = {body}\nwrk.headers = {headers}\n"
_REPORT = """done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("@ %d %d %d %d %d\\n", summary.requests, summary.duration, e.connect + e.read + e.write + e.timeout,
    e.status, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, always the same. ``holds`` must stand in its answer."""

    path: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    holds: bytes = b""
    size: int = 0  # of the answer's body, where it is known


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one round of wrk saw."""

    requests: int
    seconds: float
    p99_ms: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def verify(port: int, call: Call) -> bytes:
    """The answer's body; ``RuntimeError`` unless it is what the scenario is about."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=15)
    try:
        connection.request(call.method, call.path, call.body or None, dict(call.headers))
        reply = connection.getresponse()
        body = reply.read()
    finally:
        connection.close()
    if reply.status != 200 or call.holds not in body or (call.size and len(body) != call.size):
        raise RuntimeError(f"{call.method} {call.path} answered {reply.status} with {len(body)} bytes: {body[:300]!r}")
    return body


def load(port: int, call: Call, seconds: float, connections: int) -> Load:
    """Send ``call`` for about ``seconds``; an answer other than 2xx, or a lost one, is an error."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        headers = "{" + ", ".join(f"[{json.dumps(k)}] = {json.dumps(v)}" for k, v in call.headers.items()) + "}"
        body = json.dumps(call.body) if call.body else "nil"
        script.write(_SCRIPT.format(method=json.dumps(call.method), body=body, headers=headers) + _REPORT)
        script.flush()
        command = [
            "taskset", "-c", str(LOAD_CORE), "wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s",
            "--timeout", "10s", "-s", script.name, f"http://127.0.0.1:{port}{call.path}",
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 60)
    found = re.search(r"^@ (\d+) (\d+) (\d+) (\d+) (\d+)$", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk said: {done.stdout}")
    requests, duration, broken, refused, p99 = map(int, found.groups())
    if broken or refused:
        raise RuntimeError(f"{broken} connections failed and {refused} answers were errors at {call.path}")
    return Load(requests=requests, seconds=duration / 1e6, p99_ms=p99 / 1e3)
