"""``naftiko.lock``: the files a capability is made of, by hash, and what it may do; held against every start (S5).

A start under the strict profile is refused, with the difference, when a file is another one than was pinned, or when something
is neither pinned nor granted by flag.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from naftiko_run.capability import Capability
from naftiko_run.checks.permissions import Permissions, permissions_of, relative
from naftiko_run.checks.plan import scripts_of
from naftiko_run.document.file_location import written_path
from naftiko_run.errors import BindingError, Finding
from naftiko_run.records import field, record
from naftiko_run.values import load_json

LOCK_NAME = "naftiko.lock"
VERSION = 1


@record
class Pinned:
    """What a lock says of one capability."""

    files: Mapping[str, str] = field(default_factory=dict)
    permissions: Permissions = field(default_factory=Permissions)


@record
class Grants:
    """What flags allow beside the lock. ``variables`` may hold ``*``; ``paths`` and ``scripts`` count with all below them."""

    variables: frozenset[str] = frozenset()
    paths: tuple[Path, ...] = ()
    scripts: tuple[Path, ...] = ()
    public: bool = False


def lock_path(capability: Path) -> Path:
    return capability.parent / LOCK_NAME


def write_lock(capabilities: Iterable[Capability]) -> str:
    """The text of a lock over capabilities of one folder."""
    entries = {one.path.name: {"files": hashes_of(one), "permissions": permissions_of(one).plain()} for one in capabilities}
    return json.dumps({"version": VERSION, "capabilities": dict(sorted(entries.items()))}, indent=2, ensure_ascii=False) + "\n"


def read_lock(path: Path) -> Mapping[str, Pinned]:
    """What a lock pins, by file name."""
    try:
        value = load_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise BindingError(
            f"{str(path)!r} cannot be read", code="E-LOCK", hint="write it again with `naftiko-run lock`"
        ) from error
    entries = value.get("capabilities") if isinstance(value, dict) else None
    if not isinstance(value, dict) or value.get("version") != VERSION or not isinstance(entries, dict):
        raise BindingError(
            f"{str(path)!r} is no lock of this version", code="E-LOCK", hint="write it again with `naftiko-run lock`"
        )
    return {str(name): _pinned(entry) for name, entry in entries.items()}


def _pinned(entry: object) -> Pinned:
    found = entry if isinstance(entry, dict) else {}
    files, permissions = found.get("files"), found.get("permissions")
    known = permissions if isinstance(permissions, dict) else {}

    def names(key: str) -> frozenset[str]:
        listed = known.get(key)
        return frozenset(map(str, listed)) if isinstance(listed, list) else frozenset()

    return Pinned(
        files={str(name): str(text) for name, text in files.items()} if isinstance(files, dict) else {},
        permissions=Permissions(
            variables=names("variables"), paths=names("paths"), scripts=names("scripts"), listeners=names("listeners"),
            hosts=names("hosts"),
        ),
    )  # fmt: skip


def hashes_of(capability: Capability) -> dict[str, str]:
    """SHA-256 of the file, of what it imports, of its scripts and of the single files it names."""
    directory = capability.path.parent.resolve()
    return {relative(str(path), directory): _hash(path) for path in sorted(set(_files(capability))) if path.is_file()}


def _files(capability: Capability) -> Iterator[Path]:
    yield capability.path.resolve()
    directory = capability.path.parent.resolve()
    # An imported node keeps the file it was written in, named as the working directory sees it.
    for node in capability.document.walk() if capability.document is not None else ():
        if node.file and Path(node.file).is_file():
            yield Path(node.file).resolve()
        if node.key in ("location", "outputSchema", "instruction", "file") and node.is_text:
            named = directory / written_path(node.text)
            if os.path.isfile(named):  # unlike the method, it takes any text for a name
                yield named.resolve()
    for script in scripts_of(capability):
        if script.source.path is not None:
            yield Path(script.source.path).resolve()


def _hash(path: Path) -> str:
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


# ---- holding a capability against it


def refusals(capability: Capability, grants: Grants, pinned: Pinned | None) -> list[Finding]:
    """Everything that keeps ``capability`` from being served under the strict profile."""
    allowed = pinned.permissions if pinned is not None else Permissions()
    wanted = permissions_of(capability)
    found = list(_changed(capability, pinned)) if pinned is not None else []
    directory = capability.path.parent.resolve()
    if "*" not in grants.variables:
        for name in sorted(wanted.variables - allowed.variables - grants.variables):
            found.append(_refused(f"the variable {name!r}", f"--env {name}", pinned))
    for path in sorted(wanted.paths - allowed.paths):
        if not _below(path, directory, grants.paths):
            found.append(_refused(f"the path {path!r}", f"--allow-path {written_path(path)}", pinned))
    for script in sorted(wanted.scripts - allowed.scripts):
        name = script.partition(" sha256:")[0]
        if not _below(name, directory, grants.scripts):
            found.append(_refused(f"the script {name!r}", f"--allow-script {name}", pinned))
    if not grants.public:
        for listener in sorted(wanted.listeners - allowed.listeners):
            found.append(_refused(f"the listener {listener!r}", "--allow-public", pinned))
    if pinned is not None:
        for host in sorted(wanted.hosts - allowed.hosts):
            found.append(_refused(f"the host of {host!r}", "naftiko-run lock", pinned))
    return found


def _refused(what: str, flag: str, pinned: Pinned | None) -> Finding:
    where = "is not in naftiko.lock" if pinned is not None else "is not granted"
    hint = f"grant it with {flag}" if flag.startswith("--") else "look at the change"
    message = f"{what} {where}"
    return Finding(
        code="E-PERMISSION", severity="error", message=message, hint=f"{hint}, or pin it with `naftiko-run lock FILE`"
    )


def _changed(capability: Capability, pinned: Pinned) -> Iterator[Finding]:
    now = hashes_of(capability)
    for name in sorted({*now, *pinned.files}):
        if name not in pinned.files:
            yield _difference(f"{name!r} is not in naftiko.lock")
        elif name not in now:
            yield _difference(f"{name!r} is in naftiko.lock and no longer read")
        elif now[name] != pinned.files[name]:
            yield _difference(f"{name!r} has changed since naftiko.lock was written")


def _difference(message: str) -> Finding:
    hint = "look at the change, then `naftiko-run lock FILE`"
    return Finding(code="E-LOCK-CHANGED", severity="error", message=message, hint=hint)


def _below(path: str, directory: Path, granted: tuple[Path, ...]) -> bool:
    """Whether a path lies in a granted place; links are followed before looking."""
    found = (directory / written_path(path)).resolve()
    return any(found.is_relative_to(place.resolve()) for place in granted)
