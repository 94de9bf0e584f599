"""What a bind provider is: a ``location`` and the keys asked of it go in, the values found come out.

One function per URI scheme, registered here. A key that the store does not have is left out of the result; a store that cannot
be read at all raises ``BindingError``. Messages name places and keys, never values or content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from naftiko_run.errors import Location
from naftiko_run.records import record
from naftiko_run.registry import Registry


@record
class BindSource:
    """One store to read. ``base_directory`` is the folder of the capability file."""

    location: str
    keys: tuple[str, ...]
    base_directory: Path
    environment: Mapping[str, str]
    at: Location | None = None

    @property
    def rest(self) -> str:
        """What follows ``scheme://``."""
        return self.location.partition("://")[2]


BindProvider = Callable[[BindSource], Mapping[str, str]]

BIND_PROVIDERS: Registry[BindProvider] = Registry(
    "bind location scheme",
    {
        "naftiko_run.bind_providers.files": ("file",),
        "naftiko_run.bind_providers.mounts": ("k8s-secret", "k8s", "vault"),
    },
)


@BIND_PROVIDERS.register("env", "github-secrets")
def read_environment(source: BindSource) -> Mapping[str, str]:
    """The process environment, which is also where a GitHub workflow puts its secrets."""
    return {key: source.environment[key] for key in source.keys if key in source.environment}
