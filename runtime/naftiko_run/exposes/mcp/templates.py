"""Resource URIs with ``{name}`` places: compiled to a pattern, matched against the URI that a client asks for.

The pattern comes from a file and the text from a caller, so it runs in RE2 (requirement S44).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

_PLACE = re.compile(r"\{([a-zA-Z0-9_]+)\}")


def variables(uri: str) -> tuple[str, ...]:
    return tuple(_PLACE.findall(uri))


@lru_cache(maxsize=4096)
def _pattern(uri: str) -> Any:  # RE2 has no types
    import re2

    parts = _PLACE.split(uri)
    return re2.compile("".join("([^/]+)" if index % 2 else re.escape(part) for index, part in enumerate(parts)))


def match(uri: str, asked: str) -> Mapping[str, str] | None:
    """The values of the places, as they stand in ``asked`` (nothing is percent-decoded), or ``None``."""
    found = _pattern(uri).fullmatch(asked)
    return None if found is None else dict(zip(variables(uri), found.groups(), strict=True))
