"""Rows become a table for the terminal's reader and ``RESULTS.md`` for everybody else."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import machine
from benchmarks.bench import PEERS, Row

_PACKAGES = ("naftiko-run", "httptools", "uvloop", "orjson")
_PEERS = ("aiohttp", "fastapi", "fastmcp", "httpx", "httpx2", "mcp", "starlette", "uvicorn")


def write_report(rows: Sequence[Row], file: Path, command: str) -> None:
    file.write_text(render(rows, command))


def render(rows: Sequence[Row], command: str) -> str:
    parts = [
        "# Results",
        "",
        f"Written by `{command}` on {datetime.now(UTC):%Y-%m-%d}; how it is measured stands in [README.md](README.md).",
        "Trust the ratios; the times are of this machine:",
        "",
        *(f"- {line}" for line in [*machine.describe(), *_versions()]),
        "",
        "| what | wanted | measured | | ours | beside |",
        "| --- | --- | --- | --- | --- | --- |",
        *(f"| {r.title} | {r.wanted} | {r.shown} | {r.verdict} | {r.ours} | {r.other} |" for r in rows),
        "",
    ]
    return "\n".join(parts)


def summary(rows: Sequence[Row]) -> str:
    width = max((len(row.title) for row in rows), default=0)
    lines = [f"{row.title:{width}}  {row.shown:>9}  {row.wanted:>8}  {row.verdict}" for row in rows]
    missed = sum(row.verdict == "missed" for row in rows)
    return "\n".join([*lines, f"{missed} of {sum(bool(row.wanted) for row in rows)} bounds missed"])


def _versions() -> list[str]:
    from importlib.metadata import version

    found = [", ".join(f"{name} {version(name)}" for name in _PACKAGES)]
    if PEERS.exists():
        listed = subprocess.run([str(PEERS), "-m", "pip", "freeze"], capture_output=True, text=True, check=True).stdout
        pairs = dict(line.split("==") for line in listed.splitlines() if "==" in line)
        found.append(", ".join(f"{name} {pairs.get(name, '?')}" for name in _PEERS))
    return found
