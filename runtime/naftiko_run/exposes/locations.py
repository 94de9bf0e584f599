"""``location`` of skills, static resources and prompts: ``file:///...`` in, the path it means out, or a finding.

An absolute location is granted as written. A relative one (``file:///./x``) starts at the capability file and stays below its
directory, wherever its links lead (requirement S34).
"""

from __future__ import annotations

import stat
from pathlib import Path

from naftiko_run.document.file_location import written_path
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems

_LARGEST = 1024 * 1024


def locate(location: Node, directory: Path, problems: Problems) -> Path | None:
    """The resolved path; ``None``, with an error, for one that may not be used."""
    text = location.text.strip()
    if "://" in text and not text.lower().startswith("file://"):
        hint = "write file:///./name for a place beside the capability file"
        problems.error("E-LOCATION", f"{text!r} is not a file location", location, hint)
        return None
    written = written_path(text)
    try:
        path = (directory / written).resolve()
    except (OSError, RuntimeError, ValueError):
        problems.error("E-LOCATION", f"{text[:200]!r} is not a path that can be followed", location)
        return None
    if not Path(written).is_absolute() and not path.is_relative_to(directory.resolve()):
        hint = "move it below that directory, or write its absolute path"
        problems.error("E-LOCATION-OUTSIDE", f"location {text!r} leaves the capability's directory", location, hint)
        return None
    return path


def read_text_file(path: Path) -> str | None:
    """The text of a regular file of reasonable size; ``None`` for anything else."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        return content.decode("utf-8-sig") if len(content) <= _LARGEST else None
    except (OSError, UnicodeDecodeError):
        return None
