"""What the official scenarios wrote into a folder: which of them proved something, and what the others lack."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

_FOLDER = re.compile(r"server-(?P<scenario>.+)-\d{4}-\d\d-\d\dT[\d-]+Z")
_AGAINST = ("FAILURE", "WARNING")


def read_outcomes(folder: Path) -> dict[str, Counter[str]]:
    """How many checks of each scenario ended how. A scenario that says "0 passed, 0 failed" is here with nothing."""
    found: dict[str, Counter[str]] = {}
    for file in folder.glob("*/checks.json"):
        named = _FOLDER.fullmatch(file.parent.name)
        if named is not None:
            found[named["scenario"]] = Counter(check["status"] for check in json.loads(file.read_text()))
    return found


def proved(outcomes: dict[str, Counter[str]]) -> set[str]:
    """Those with a check that succeeded and none against us: no checks at all, or only skipped ones, prove nothing."""
    return {name for name, one in outcomes.items() if one["SUCCESS"] and not any(one[status] for status in _AGAINST)}
