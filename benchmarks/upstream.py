"""The upstreams: an nginx with fixed bodies, an nginx that proxies to it, and one that takes 50 ms for each answer."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from benchmarks.machine import LOAD_CORE, SERVER_CORE, free_port
from benchmarks.processes import Server

SMALL = 600
LARGE = 100_000

_MAIN = """daemon off;
worker_processes 1;
pid {folder}/{name}.pid;
error_log {folder}/{name}-error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 100000000;
  keepalive_timeout 300s;
  sendfile off;
  client_body_temp_path {folder};
  proxy_temp_path {folder};
  fastcgi_temp_path {folder};
  uwsgi_temp_path {folder};
  scgi_temp_path {folder};
{http}
}}
"""
_FIXED = """  open_file_cache max=100;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location /small {{ return 200 '{small}'; }}
    location /large {{ alias {folder}/large.json; }}
  }}
"""
_PROXY = """  upstream next {{ server 127.0.0.1:{target}; keepalive 512; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ proxy_http_version 1.1; proxy_set_header Connection ""; proxy_pass http://next; }}
  }}
"""


def small_body() -> str:
    """600 bytes: one training job, as an API would answer it."""
    job = {
        "id": "job-4711", "name": "nightly fine-tune", "state": "RUNNING",
        "owner": {"id": 42, "name": "Ada", "team": "research"},
        "cost": {"amount": 1234.5, "currency": "USD"}, "gpu": "H100", "count": 8, "tags": ["nightly", "llm", "eval"],
        "created": "2026-01-05T08:15:30Z", "updated": "2026-01-05T09:00:00Z", "note": "",
    }  # fmt: skip
    job["note"] = "x" * (SMALL - len(json.dumps(job)))
    return json.dumps(job)


def large_body() -> str:
    """100 kB: a list of jobs."""
    items: list[dict[str, object]] = []
    size = 12
    while size < LARGE - 300:
        row: dict[str, object] = {
            "id": f"job-{len(items)}", "state": "DONE" if len(items) % 3 else "RUNNING", "cost": {"amount": len(items) * 1.25},
            "owner": {"id": len(items) % 17, "name": "Ada"}, "tags": ["nightly", "llm"],
        }  # fmt: skip
        items.append(row)
        size += len(json.dumps(row)) + 2
    body = {"items": items, "note": ""}
    body["note"] = "x" * (LARGE - len(json.dumps(body)))
    return json.dumps(body)


def fixed_upstream(folder: Path) -> Server:
    port = free_port()
    (folder / "large.json").write_text(large_body())
    http = _FIXED.format(port=port, folder=folder, small=small_body())
    return _nginx("upstream", folder, http, port, LOAD_CORE)


def slow_upstream() -> Server:
    port = free_port()
    script = str(Path(__file__).parent / "peers" / "slow.py")
    return Server("slow upstream", [sys.executable, script, str(port), small_body()], port, cores=LOAD_CORE)


def nginx_proxy(folder: Path, target: int) -> Server:
    port = free_port()
    return _nginx("nginx proxy", folder, _PROXY.format(port=port, target=target), port, SERVER_CORE)


def _nginx(name: str, folder: Path, http: str, port: int, core: int) -> Server:
    plain = f"{name.replace(' ', '-')}-{port}"
    file = folder / f"{plain}.conf"
    file.write_text(_MAIN.format(folder=folder, name=plain, http=http))
    return Server(name, ["nginx", "-p", str(folder), "-c", str(file)], port, cores=core)
