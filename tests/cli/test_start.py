"""A start loads what it needs and nothing else: each of these would be felt at every start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PLAIN = """
naftiko: "1.0.0-alpha2"
info: {label: Plain}
capability:
  consumes:
    - {type: http, namespace: up, baseUri: "http://127.0.0.1:9", resources: [{name: r, path: /r, operations: [{name: get, method: GET}]}]}
  exposes:
    - {type: rest, namespace: api, port: 0, resources: [{path: /r, operations: [{method: GET, call: up.get}]}]}
"""  # noqa: E501

_PREPARE = """
import sys
from naftiko_run.cli.serve import Service
from naftiko_run.cli.serve_options import parser
import naftiko_run.cli.banner, naftiko_run.server.serve
service = Service(parser().parse_args([sys.argv[1]]))
assert service.prepared.assembly.listeners
print(*sys.modules)
"""


def loaded(program: str, *arguments: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_version_is_said_without_loading_what_serves():
    program = "import sys; from naftiko_run.cli.main import main; main(['--version']); print(*sys.modules)"
    names = loaded(program)
    assert {name for name in names if name.startswith("naftiko_run")} == {
        "naftiko_run", "naftiko_run.cli", "naftiko_run.cli.main",
    }  # fmt: skip
    assert not names & {"typing", "re", "argparse", "dataclasses"}


def test_serving_rest_does_not_load_what_the_file_does_not_use(tmp_path: Path):
    file = tmp_path / "plain.yaml"
    file.write_text(PLAIN)
    names = loaded(_PREPARE, str(file))
    packages = {"mock", "checks", "authoring", "deploy", "exposes.mcp.catalog", "exposes.mcp_compile", "exposes.skill_compile"}
    schemes = {
        "consumes.auth_schemes.oauth2",
        "exposes.guards.oauth2",
        "exposes.openapi",
        "flows.scripts.script",
        "consumes.general",
    }
    assert not names & {f"naftiko_run.{name}" for name in packages | schemes}
    assert not names & {"httpx2", "jsonschema", "jsonschema_rs", "starlette", "jwt", "cryptography", "jsonpath_ng", "re2"}
    assert not names & {"email.utils", "secrets", "tempfile", "difflib", "shutil", "random", "ctypes"}
