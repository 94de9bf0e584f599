"""``naftiko-run import``: files and URLs in, a file written once, or one sentence."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from naftiko_run.cli.main import main

API = """openapi: 3.0.0
info: {title: Small}
servers: [{url: /api}]
paths: {/ping: {get: {operationId: ping, responses: {'200': {description: ok}}}}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml.txt").write_text(API)
    return tmp_path


def test_a_file_is_written_once(folder, capsys):
    assert main(["import", "openapi", "small.yaml.txt", "--server", "https://small.test"]) == 0
    assert main(["validate", "small.yaml"]) == 0
    assert main(["import", "openapi", "small.yaml.txt"]) == 2
    assert "E-EXISTS" in capsys.readouterr().err


def test_json_and_standard_output(folder, capsys):
    assert main(["import", "openapi", "small.yaml.txt", "-f", "json", "-o", "-", "-n", "tiny"]) == 0
    assert '"namespace": "tiny"' in capsys.readouterr().out


async def _import(source: str, *words: str) -> subprocess.CompletedProcess[str]:
    import asyncio

    command = [sys.executable, "-m", "naftiko_run", "import", "openapi", source, "-o", "-", *words]
    return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False, timeout=60)


async def test_a_url_is_fetched_and_resolves_relative_servers(upstream):
    upstream.replies(body=API.encode(), headers={"Content-Type": "application/yaml"})

    done = await _import(f"{upstream.url}/docs/openapi.yaml", "--allow-net", "127.0.0.0/8")

    assert done.returncode == 0, done.stderr
    assert f"baseUri: {upstream.url}/api" in done.stdout


async def test_a_redirect_is_not_followed(upstream):
    upstream.replies(status=302, headers={"Location": "http://elsewhere.test/"})

    done = await _import(f"{upstream.url}/openapi.yaml")

    assert done.returncode == 2
    assert "E-FETCH" in done.stderr
    assert "redirects are not followed" in done.stderr


def test_a_missing_file_is_one_sentence(folder, capsys):
    assert main(["import", "openapi", "nope.json"]) == 2
    assert capsys.readouterr().err.startswith("error E-NO-FILE")


@pytest.mark.shared
def test_an_imported_page_answers_from_the_built_in_upstream(shared, folder, capsys):
    page = shared / "seeds" / "prime-intellect-run-usage.openapi.md"

    assert main(["import", "openapi", str(page), "-o", "usage.yaml"]) == 0
    assert main(["call", "usage.yaml", "tool:get-run-usage", "-i", "run_id=r-1", "--mock"]) == 0
    assert "total_cost_usd" in capsys.readouterr().out
