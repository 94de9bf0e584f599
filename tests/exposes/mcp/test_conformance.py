"""The official conformance scenarios of both revisions, against the command serving the conformance capability.

``./dev conformance`` brings what they need and runs them; see docs/mcp-conformance.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "conformance"
ROOT = FOLDER.parents[3]
REVISIONS = [("2026-07-28", "modern"), ("2025-11-25", "legacy")]


def passing(era):
    """The scenarios that prove something, by name: one per line."""
    return set((FOLDER / f"passing-{era}.txt").read_text().split())


@pytest.mark.node
@pytest.mark.parametrize(("revision", "era"), REVISIONS)
async def test_every_scenario_that_applies_passes(conformance_url, outcomes, node, tmp_path, revision, era):
    scenarios = node / "node_modules/@modelcontextprotocol/conformance/dist/index.js"
    options = ["--url", conformance_url, "--requirements", revision, "-o", str(tmp_path)]
    baseline = ["--expected-failures", str(FOLDER / f"baseline-{era}.yml")]

    process = await asyncio.create_subprocess_exec(
        str(node / "node"), str(scenarios), "server", *options, *baseline,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()

    found = outcomes.read_outcomes(tmp_path)
    assert process.returncode == 0, output.decode()[-3000:]
    assert outcomes.proved(found) == passing(era)
    if era == "modern":
        # Two of its checks need a tool that asks for something the client lacks; the baseline names them.
        assert (found["server-stateless"]["SUCCESS"], found["server-stateless"]["FAILURE"]) == (23, 2)


# ---- what is read from a run

EMPTY = {"quiet": [], "skipped": ["SKIPPED"], "informed": ["INFO"]}
AGAINST = {"warned": ["SUCCESS", "WARNING"], "failed": ["SUCCESS", "FAILURE"]}


@pytest.fixture
def written(tmp_path):
    """A folder as the scenarios leave it."""

    def write(scenarios):
        for name, statuses in scenarios.items():
            folder = tmp_path / f"server-{name}-2026-07-28T10-00-00-000Z"
            folder.mkdir()
            (folder / "checks.json").write_text(json.dumps([{"id": "c", "status": status} for status in statuses]))
        return tmp_path

    return write


def test_a_scenario_without_checks_is_no_pass(outcomes, written):
    found = outcomes.read_outcomes(written({**EMPTY, "tools-list": ["SUCCESS", "SUCCESS"], "some": ["SUCCESS", "SKIPPED"]}))

    assert set(found) == {*EMPTY, "tools-list", "some"}
    assert outcomes.proved(found) == {"tools-list", "some"}


def test_a_scenario_with_a_check_against_us_is_no_pass(outcomes, written):
    assert outcomes.proved(outcomes.read_outcomes(written(AGAINST))) == set()


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_what_passes_is_not_excused_as_well(era):
    excused = re.findall(r"^- ([a-z0-9-]+)$", (FOLDER / f"baseline-{era}.yml").read_text(), re.MULTILINE)

    assert excused
    assert not passing(era) & set(excused)


def test_the_packages_are_pinned_and_name_no_host():
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    wanted = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    installed = {name.removeprefix("node_modules/"): one for name, one in lock["packages"].items() if name}

    assert {name: installed[name]["version"] for name in wanted} == wanted
    assert not [name for name, one in installed.items() if "resolved" in one]
    assert not [name for name, one in installed.items() if not one.get("integrity") and not one.get("inBundle")]


def test_the_prepared_folder_is_not_part_of_the_project():
    assert "/out/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.slow
def test_packages_that_cannot_be_fetched_are_told_apart_from_a_failure(tmp_path):
    folder = tmp_path / "tests" / "exposes" / "mcp" / "conformance"
    shutil.copytree(FOLDER, folder)

    done = subprocess.run([folder / "prepare", sys.executable], env={**os.environ, "PIP_NO_INDEX": "1"}, capture_output=True)

    assert done.returncode == 75
    assert not (tmp_path / "out" / "conformance" / ".stamp").exists()
