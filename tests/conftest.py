"""Fixtures that several packages' tests use."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # test modules share `upstream` and `certificates`, whatever the import mode

from certificates import Authority
from served import Serving, start
from upstream import Upstream

# The same examples in every run of a change; `HYPOTHESIS_PROFILE=nightly` looks for new ones, ten thousand a property.
hypothesis.settings.register_profile("commit", deadline=None, derandomize=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=10_000, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "commit"))


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """A scripted upstream on loopback."""
    async with Upstream() as running:
        yield running


@pytest.fixture
async def serve_text(upstream: Upstream, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[Serving]]]:
    """``await serve_text(DOCUMENT)`` serves text or data on free ports; ``UPSTREAM`` in it is the scripted upstream's URL."""
    async with AsyncExitStack() as stack:

        async def serve(text: str | dict[str, object], **options: object) -> Serving:
            file = tmp_path / "capability.yaml"
            written = text if isinstance(text, str) else json.dumps(text)
            file.write_text(written.replace("UPSTREAM", upstream.url), encoding="utf-8")
            return await start(stack, file, **options)  # type: ignore[arg-type]  # the keywords of `start`

        yield serve


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
