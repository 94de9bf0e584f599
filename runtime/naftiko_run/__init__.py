"""naftiko-run: serve Naftiko and Ikanos capability files as REST and MCP adapters."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from naftiko_run.capability import Capability, load
    from naftiko_run.engine import Engine
    from naftiko_run.errors import NaftikoError

__version__ = "0.1.0"
__all__ = ["Capability", "Engine", "NaftikoError", "__version__", "load"]

_HOMES = {"Capability": "capability", "load": "capability", "Engine": "engine", "NaftikoError": "errors"}


def __getattr__(name: str) -> object:
    # Loaded when first used: `naftiko-run --version` needs none of it, not even `typing`.
    import importlib

    if name not in _HOMES:
        raise AttributeError(f"module 'naftiko_run' has no attribute {name!r}")
    return getattr(importlib.import_module(f"naftiko_run.{_HOMES[name]}"), name)
