"""Fixtures that several packages' tests use."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test modules share `upstream` and `certificates`, whatever the import mode

from certificates import Authority
from upstream import Upstream


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A scripted upstream on loopback."""
    async with Upstream() as running:
        yield running


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A throwaway certificate authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Reference data beside the checkout; it is no part of the project, so tests that need it are skipped elsewhere."""
    folder = Path(__file__).parents[1].parent / "shared"
    if not folder.is_dir():
        pytest.skip("the reference data is not beside this checkout")
    return folder
