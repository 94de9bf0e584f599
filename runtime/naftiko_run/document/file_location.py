"""A location as an author writes it in, the path it names out: ``file:///./x`` is the language's way to say ``./x``.

Only the spelling is read here. Where a path may lead is each reader's own rule (requirement S34).
"""

from __future__ import annotations

import re
from urllib.parse import unquote

_FILE = re.compile(r"file://(localhost(?=/))?", re.IGNORECASE)
_RELATIVE = re.compile(r"/\.{1,2}(/|\Z)")


def written_path(location: str) -> str:
    """The path of a ``file://`` location, percent-decoded; a text without a scheme is a path already."""
    scheme = _FILE.match(location)
    if scheme is None:
        return location
    path = unquote(location[scheme.end() :])
    return path[1:] if _RELATIVE.match(path) else path
