"""What docs/mcp.md shows is what the command takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from naftiko_run.cli.serve_options import parser
from naftiko_run.exposes.mcp.search import CALL, DESCRIBE, SEARCH
from naftiko_run.limits import DEFAULT_LIMITS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "mcp.md").read_text()
CONFIGS = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_a_host_can_start_the_command_as_shown():
    (server,) = CONFIGS[0]["mcpServers"].values()

    given = parser().parse_args(server["args"])

    assert (server["command"], given.stdio, given.files) == ("naftiko-run", True, ["/path/to/training-billing.yaml"])


def test_every_option_named_exists():
    known = parser().format_help()

    assert [option for option in set(re.findall(r"--[a-z][a-z-]+", PAGE)) if option not in known] == []


@pytest.mark.parametrize("name", re.findall(r"--limit (\w+)=", PAGE))
def test_every_limit_named_exists(name):
    assert hasattr(DEFAULT_LIMITS, name)


@pytest.mark.parametrize("name", [SEARCH, DESCRIBE, CALL])
def test_the_tools_of_the_search_mode_are_named(name):
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("era", ["modern", "legacy"])
def test_the_numbers_of_passing_scenarios_are_those_that_are_checked(era):
    page = (DOCS / "mcp-conformance.md").read_text()
    revision, unscored = {"modern": ("2026-07-28", 1), "legacy": ("2025-11-25", 0)}[era]
    passing = (Path(__file__).parent / "conformance" / f"passing-{era}.txt").read_text().split()

    (said,) = re.findall(rf"\| {revision} \| \d+ \| (\d+)", page)
    assert int(said) == len(passing) - unscored
