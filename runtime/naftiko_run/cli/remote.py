"""A capability from a URL: fetched once through the checked client, kept in a private folder for as long as the process runs.

Only https, and http to this machine. What comes from a URL is always under the strict profile (requirement S1).
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from naftiko_run.consumes.settings import ClientSettings, Network
from naftiko_run.errors import BindingError
from naftiko_run.limits import DEFAULT_LIMITS

_LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
_FETCHED: dict[str, Path] = {}
_FOLDERS: list[tempfile.TemporaryDirectory[str]] = []  # removed when the process ends


def came_from_url(file: Path) -> bool:
    return file in _FETCHED.values()


def fetched(url: str, networks: Sequence[Network] = ()) -> Path:
    """The file that stands at ``url``."""
    if url not in _FETCHED:
        parts = urlsplit(url)
        if parts.scheme == "http" and parts.hostname not in _LOCAL:
            raise BindingError(
                "a capability is fetched over https only", code="E-USAGE", hint="write https://, or save the file first"
            )
        _FETCHED[url] = _kept(_download(url, tuple(networks)), parts.path)
    return _FETCHED[url]


def _download(url: str, networks: tuple[Network, ...]) -> bytes:
    from naftiko_run.authoring.importers.source import fetch

    settings = ClientSettings(allow_net=networks, strict=True)
    # A thread of its own, because a reload is prepared while the loop runs.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(
            asyncio.run, fetch(url, settings, DEFAULT_LIMITS.file_bytes, accept="application/yaml, */*")
        ).result()


def _kept(content: bytes, path: str) -> Path:
    folder = tempfile.TemporaryDirectory(prefix="naftiko-run-")
    _FOLDERS.append(folder)
    name = re.sub(r"[^A-Za-z0-9._-]", "-", path.rpartition("/")[2]).lstrip(".") or "capability"
    file = Path(folder.name) / (name if name.endswith((".yaml", ".yml")) else f"{name}.yaml")
    file.write_bytes(content)
    return file
