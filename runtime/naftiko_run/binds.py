"""Binds: `binds:` entries become bindings, and bindings become resolved variables at start.

A ``Binding`` is declared: namespace, provider, variable -> source key. Resolving reads the environment, files or a registered
provider, once, when the engine starts; compiling reads nothing. Values travel as ``Secret`` until they are rendered into a
request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from naftiko_run.errors import Location


class Secret:
    """Text that must not be shown: its ``repr`` and ``str`` are masked, ``reveal()`` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One entry of ``binds``: ``keys`` maps a variable, as templates name it, to a key of the provider."""

    namespace: str
    location: str = ""  # "" is the process environment
    keys: Mapping[str, str] = field(default_factory=dict)
    at: Location | None = None
