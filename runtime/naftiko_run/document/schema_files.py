"""The schemas that come with the package, as parsed JSON: from the installed package, or from the checkout it runs in."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path

JsonSchema = dict[str, object]

TOLERANT = "capability"
STRICT = {"naftiko": "naftiko-1.0.0-alpha2", "ikanos": "ikanos-1.0.0-beta5"}


@lru_cache(maxsize=8)
def load_schema(name: str) -> JsonSchema:
    """The schema called ``name``, such as ``capability``."""
    schema: JsonSchema = json.loads(schema_text(name))
    return schema


def schema_text(name: str) -> str:
    """The text of a schema, for editors and for export."""
    file = f"{name}.schema.json"
    packaged = resources.files("naftiko_run") / "schemas" / file
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parents[3] / "schemas" / file).read_text(encoding="utf-8")
