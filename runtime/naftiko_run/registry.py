"""Named implementations of one extension point: wherever the language says ``type:`` or names a format.

Adding one is one function in one file. Registering a name twice is a bug; looking up an unknown one is the author's mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from naftiko_run.errors import Place, UnresolvedReference

T = TypeVar("T")


class Registry(Generic[T]):
    """The implementations of one extension point, by the word an author writes (case does not count)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, *names: str) -> Callable[[T], T]:
        def add(entry: T) -> T:
            for name in names:
                if name.lower() in self._entries:
                    raise ValueError(f"{self.kind} {name!r} is already registered")
                self._entries[name.lower()] = entry
            return entry

        return add

    def lookup(self, name: str, *, at: Place = None, code: str = "") -> T:
        entry = self._entries.get(name.lower())
        if entry is None:
            raise UnresolvedReference(self.kind, name, known=self._entries, at=at, code=code)
        return entry

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)
