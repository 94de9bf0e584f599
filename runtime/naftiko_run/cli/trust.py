"""The strict profile at the command line: which starts are under it, what flags grant, and what is refused."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run.capability import Capability
from naftiko_run.errors import DocumentErrors, Finding

if TYPE_CHECKING:
    from naftiko_run.checks.lock import Grants, Pinned

LOCK_NAME = "naftiko.lock"


def add_grants(parser: argparse.ArgumentParser) -> None:
    """Flags that grant one thing each; outside the strict profile they change nothing."""
    group = parser.add_argument_group("strict profile")
    group.add_argument("--env", action="append", default=[], metavar="NAME", help="let files read this variable (repeatable)")
    group.add_argument("--allow-path", action="append", default=[], metavar="PATH", help="let files read here (repeatable)")
    group.add_argument("--allow-script", action="append", default=[], metavar="PATH", help="run scripts from here (repeatable)")


def is_strict(given: argparse.Namespace, files: Iterable[Path]) -> bool:
    """Under the strict profile are: ``--strict``, a file from a URL, a file with a lock beside it that names it."""
    return bool(given.strict) or any(_came_from_url(file) or _pinned(file) is not None for file in files)


def _came_from_url(file: Path) -> bool:
    import sys

    remote = sys.modules.get("naftiko_run.cli.remote")  # loaded by whoever fetched something
    return remote is not None and bool(remote.came_from_url(file))


def _pinned(file: Path) -> Pinned | None:
    lock = file.parent / LOCK_NAME
    if not lock.is_file():
        return None
    from naftiko_run.checks.lock import read_lock

    return read_lock(lock).get(file.name)


def grants_of(given: argparse.Namespace) -> Grants:
    from naftiko_run.bind_providers.env_file import read_env_file
    from naftiko_run.checks.lock import Grants

    return Grants(
        variables=frozenset(given.env) | {name for file in given.env_file for name in read_env_file(Path(file))},
        paths=tuple(map(Path, given.allow_path)), scripts=tuple(map(Path, given.allow_script)), public=given.allow_public,
    )  # fmt: skip


def enforce(capabilities: Sequence[Capability], given: argparse.Namespace) -> None:
    """Refuse what was neither pinned nor granted; everything is named at once."""
    if not given.strict:
        return
    from naftiko_run.checks.lock import refusals

    grants = grants_of(given)
    found: list[Finding] = []
    for capability in capabilities:
        found += refusals(capability, grants, _pinned(capability.path))
    if found:
        raise DocumentErrors(found)
