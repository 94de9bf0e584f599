"""Fixtures of the end-to-end tests: few processes, many questions to each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `running` is shared by these modules, whatever the import mode

from running import DOCUMENT, SECRET, UpstreamThread


@pytest.fixture(scope="module")
def harbour() -> Iterator[UpstreamThread]:
    """The scripted upstream of a module's process."""
    with UpstreamThread() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, harbour: UpstreamThread) -> Path:
    """A folder that holds ``harbour.yaml``."""
    home = tmp_path_factory.mktemp("harbour")
    (home / "harbour.yaml").write_text(DOCUMENT.replace("UPSTREAM", harbour.upstream.url))
    return home


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    return {"HARBOUR_KEY": SECRET}
