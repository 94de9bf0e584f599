"""``./dev run``: what it hands on to the command. The environment it makes is stood in for, so that nothing is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEFAULT = ["capabilities/training-billing.yaml", "--mock"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with ``dev`` whose environment is up to date, and whose command prints its arguments."""
    shutil.copy(ROOT / "dev", tmp_path / "dev")
    (tmp_path / "capabilities").mkdir()
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (tmp_path / ".venv" / ".setup-stamp").write_text("same\n")
    for name, line in (("python", "echo same"), ("naftiko-run", "printf '%s\\n' \"$@\"")):
        (programs / name).write_text(f"#!/bin/sh\n{line}\n")
        (programs / name).chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("given", "handed"),
    [
        ([], DEFAULT),
        (["--port-offset", "100"], [*DEFAULT, "--port-offset", "100"]),
        (["mine.yaml", "--check"], ["mine.yaml", "--check"]),
        (["--workers", "2", "capabilities"], ["--workers", "2", "capabilities"]),
        (["serve", "--help"], ["serve", "--help"]),
    ],
)
def test_options_alone_are_for_the_capability_that_comes_with_the_project(checkout, given, handed):
    done = subprocess.run([checkout / "dev", "run", *given], capture_output=True, text=True, check=True, timeout=20)

    assert done.stdout.splitlines() == handed
