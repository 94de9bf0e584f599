"""One spelling for names that differ only in case and punctuation: ``account-id``, ``account_id``, ``accountId``."""

from __future__ import annotations

import re
from functools import lru_cache

_DROPPED = re.compile(r"[^a-z0-9]")


@lru_cache(maxsize=65_536)
def fold(name: str) -> str:
    """``name`` in lower case, letters and digits only; ``name`` itself where nothing would be left."""
    return _DROPPED.sub("", name.lower()) or name
