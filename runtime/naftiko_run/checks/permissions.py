"""A capability in, everything it may read, run, call and open out: what the strict profile grants one by one (S4, S5)."""

from __future__ import annotations

from dataclasses import fields
from ipaddress import ip_address
from pathlib import Path

from naftiko_run.capability import Capability
from naftiko_run.checks.plan import files_of, hosts_of, scripts_of
from naftiko_run.records import record


@record
class Permissions:
    """``variables`` are names in the environment; ``paths`` and ``scripts`` are relative to the capability, or absolute."""

    variables: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    scripts: frozenset[str] = frozenset()
    listeners: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()

    def plain(self) -> dict[str, list[str]]:
        return {one.name: sorted(getattr(self, one.name)) for one in fields(self)}


def permissions_of(capability: Capability) -> Permissions:
    directory = capability.path.parent.resolve()
    scripts = {str(one.source.path) for one in scripts_of(capability) if one.source.path is not None}
    return Permissions(
        variables=frozenset(_variables(capability)),
        paths=frozenset(relative(path, directory) for path in files_of(capability) if path not in scripts),
        scripts=frozenset(
            f"{relative(str(one.source.path or one.source.name), directory)} sha256:{one.source.sha256}"
            for one in scripts_of(capability)
        ),
        listeners=frozenset(
            f"{type(one).__name__.removesuffix('Exposure').lower()} {one.address}:{one.port or 0}"
            for one in capability.exposures
            if not is_loopback(one.address)
        ),
        hosts=frozenset(hosts_of(capability)),
    )  # fmt: skip


def relative(path: str, directory: Path) -> str:
    """A path as a lock holds it: below ``directory`` without it, so that a folder may move."""
    if path.startswith("file://"):
        return path
    found = Path(path)
    return found.resolve().relative_to(directory).as_posix() if found.resolve().is_relative_to(directory) else str(found)


def is_loopback(address: str) -> bool:
    if address in ("", "localhost"):
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _variables(capability: Capability) -> set[str]:
    """Names read from the environment: the source keys of bindings that are used, and what templates name unbound."""
    used = {name.rpartition(".")[2] for name in capability.uses}
    for consumer in capability.consumers:
        used |= {name.rpartition(".")[2] for name in consumer.base_uri.variables}
    found: set[str] = set()
    bound: set[str] = set()
    for binding in capability.bindings:
        bound |= set(binding.keys)
        if binding.scheme in ("env", "github-secrets"):
            found |= {source for name, source in binding.keys.items() if name in used}
    return found | (used - bound)
