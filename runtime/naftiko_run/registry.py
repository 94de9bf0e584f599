"""Named implementations of one extension point: wherever the language says ``type:`` or names a format.

Adding one is one function in one file. Registering a name twice is a bug; looking up an unknown one is the author's mistake.
Where an extension point names the modules that register its words, each is imported when one of its words is looked up: a start
pays for what a document says.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

from naftiko_run.errors import Place, UnresolvedReference

T = TypeVar("T")


class Registry(Generic[T]):
    """The implementations of one extension point, by the word an author writes (case does not count).

    ``homes`` are the words that modules register, all of each: ``{"naftiko_run.exposes.rest_compile": ("rest", "api")}``.
    """

    def __init__(self, kind: str, homes: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}
        self._homes = {word: module for module, words in (homes or {}).items() for word in words}

    def register(self, *names: str) -> Callable[[T], T]:
        def add(entry: T) -> T:
            for name in names:
                if name.lower() in self._entries:
                    raise ValueError(f"{self.kind} {name!r} is already registered")
                self._entries[name.lower()] = entry
            return entry

        return add

    def lookup(self, name: str, *, at: Place = None, code: str = "") -> T:
        word = name.lower()
        if word not in self._entries and word in self._homes:
            importlib.import_module(self._homes[word])
        entry = self._entries.get(word)
        if entry is None:
            raise UnresolvedReference(self.kind, name, known=list(self), at=at, code=code)
        return entry

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._homes or name.lower() in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter({**self._homes, **self._entries})
