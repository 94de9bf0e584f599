"""A written location in, the file it may mean out: resolved first, then checked against where it may lie (requirement S34)."""

from __future__ import annotations

import os
import re
from pathlib import Path

from naftiko_run.document.file_location import written_path
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.records import record

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)://")


@record
class Located:
    """``path`` is as written, made absolute; ``real`` is where its links lead; ``display`` is how messages name it."""

    path: Path
    real: Path
    exists: bool
    display: str


@record
class Reach:
    """How far imports go: ``confined`` keeps them below the capability's directory, save for the ``granted`` places."""

    confined: bool = False
    granted: tuple[Path, ...] = ()


def locate(where: Node, directory: Path, top: Path, problems: Problems, reach: Reach) -> Located | None:
    """The file that ``where`` names, relative to ``directory``; ``None``, with a finding, when it may not be read.

    Below ``top``, or below ``directory``, every place is allowed. What leaves both has to be written out by the author, gets a
    note, and is refused when confined, unless it was granted. A symbolic link never leads out.
    """
    written = _plain_path(where, problems)
    if written is None:
        return None
    try:
        home = directory.resolve()
        path = Path(os.path.normpath(home / written))
        real = path.resolve()
        exists = real.is_file()
    except (OSError, RuntimeError, ValueError):  # a name too long, links in a circle, a NUL
        problems.error("E-IMPORT-MISSING", f"'{where.text[:200]}' is not a path that can be followed", where)
        return None
    inside = path.is_relative_to(home) or path.is_relative_to(top)
    allowed = [home, top] if inside else [_written_root(path, home, written)]
    if not any(real.is_relative_to(place) for place in allowed):
        problems.error(
            "E-IMPORT-LINK", f"'{where.text}' is a link that leads out of its directory", where, "import the file itself"
        )
        return None
    granted = any(real.is_relative_to(place.resolve()) for place in reach.granted)
    if not inside and reach.confined and not granted:
        problems.error("E-IMPORT-OUTSIDE", f"'{where.text}' lies outside the capability's directory", where,
                       "move it below that directory, or grant its path")  # fmt: skip
        return None
    if not inside and not granted:
        problems.note("N-IMPORT-OUTSIDE", f"'{where.text}' lies outside the capability's directory", where)
    shown = written if Path(written).is_absolute() else os.path.normpath(Path(where.file).parent / written)
    return Located(path=path, real=real, exists=exists, display=str(shown))


def _plain_path(where: Node, problems: Problems) -> str | None:
    text = where.text.strip()
    scheme = _SCHEME.match(text)
    if scheme and scheme[1].lower() != "file":
        problems.error("E-IMPORT-URL", f"imports are read from files, not from '{scheme[1]}://'", where,
                       "save the document beside this one and import that")  # fmt: skip
        return None
    return written_path(text)


def _written_root(path: Path, directory: Path, written: str) -> Path:
    """The directory that the author's own words reach: the nearest one above both files, or an absolute path's own."""
    if Path(written).is_absolute():
        return path.parent.resolve()
    return Path(os.path.commonpath([path, directory]))
