"""``outputSchema`` as a file name becomes the file's path and content: below the capability's directory, read at load."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from naftiko_run.consumes.formats.registry import FormatSettings
from naftiko_run.errors import SpecError, UnsupportedFeature

LARGEST = 1024 * 1024


def schema_path(settings: FormatSettings) -> Path:
    """The regular file that ``outputSchema`` names, symlinks followed; ``SpecError`` where it is none or lies outside."""
    name = settings.output_schema
    if settings.base_directory is None:
        raise SpecError("outputSchema names a file, and this document is no file itself", at=settings.at, code=CODE)
    root = settings.base_directory.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise SpecError(f"outputSchema {name!r} leaves the document's directory", at=settings.at, code=CODE)
    if not path.is_file():
        raise SpecError(
            f"there is no schema file {name!r}", at=settings.at, code=CODE, hint="the path is relative to this document"
        )
    if path.stat().st_size > LARGEST:
        raise SpecError(f"the schema file {name!r} is larger than 1 MiB", at=settings.at, code=CODE)
    return path


CODE = "E-FORMAT-SCHEMA"


def require(library: str, extra: str, settings: FormatSettings) -> None:
    """``UnsupportedFeature`` naming the extra to install, where a format's library is not there."""
    if importlib.util.find_spec(library) is None:
        name = extra.removeprefix("formats-")
        raise UnsupportedFeature(
            f"answers in {name} need a library that is not installed", at=settings.at, hint=f"install naftiko-run[{extra}]"
        )
