"""The official conformance scenarios of both revisions, against the command serving the conformance capability.

Needs Node.js 22 on the path (or named by NODE) and the package of the scenarios; see docs/mcp-conformance.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "conformance"
SCENARIOS = os.environ.get("MCP_CONFORMANCE", "")
NODE = os.environ.get("NODE") or shutil.which("node") or ""

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not (NODE and SCENARIOS), reason="needs Node.js 22, and MCP_CONFORMANCE naming the installed scenarios"),
]


@pytest.fixture
async def url(fixtures):
    """The command serving the capability on a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    serve = ["serve", str(FOLDER / "capability.yaml"), "--port", f"conformance={port}", "--base-uri", f"fixtures={fixtures}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "naftiko_run", *serve], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        await accepting(port)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(10)


async def accepting(port: int) -> None:
    async with asyncio.timeout(15):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            writer.close()
            return


@pytest.mark.parametrize(
    ("revision", "baseline", "least"), [("2026-07-28", "baseline-modern.yml", 70), ("2025-11-25", "baseline-legacy.yml", 30)]
)
async def test_every_scenario_that_applies_passes(url, tmp_path, revision, baseline, least):
    options = ["--url", url, "--requirements", revision, "-o", str(tmp_path), "--expected-failures", str(FOLDER / baseline)]

    process = await asyncio.create_subprocess_exec(
        NODE, SCENARIOS, "server", *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()

    checks = [check for file in tmp_path.glob("**/checks.json") for check in json.loads(file.read_text())]
    assert process.returncode == 0, output.decode()[-3000:]
    assert sum(check["status"] == "SUCCESS" for check in checks) >= least
