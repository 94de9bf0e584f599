"""Static resources: the files below a directory as URIs, listed and read without ever leaving it.

Symbolic links are refused in listings and in reads alike (requirement S34): what they point at can change after the check.
Every path is therefore opened one component at a time, relative to the directory before it.
"""

from __future__ import annotations

import mimetypes
import os
import re
import stat
from collections.abc import Iterator

_SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")
_MOST_FILES = 10_000
_DEEPEST = 32
# The built-in table alone: what a machine has in /etc must not change an answer.
_TYPES = mimetypes.MimeTypes(filenames=())
_TYPES.add_type("application/yaml", ".yaml")
_TYPES.add_type("application/yaml", ".yml")
_TYPES.add_type("text/markdown", ".md")


class NotServed(Exception):
    """There is no such file, or it is one that is not given out; callers are not told which."""


class TooLarge(Exception):
    """The file is larger than may be sent."""


def media_type(path: str) -> str:
    return _TYPES.guess_type(path, strict=False)[0] or "application/octet-stream"


def list_files(directory: str) -> list[str]:
    """Relative paths of the regular files below ``directory``, sorted; empty where it does not exist."""
    found: list[str] = []
    for path in _walk(directory, "", _DEEPEST):
        found.append(path)
        if len(found) >= _MOST_FILES:
            break
    return sorted(found)


def _walk(directory: str, prefix: str, depth: int) -> Iterator[str]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if not is_plain(entry.name):
            continue
        if entry.is_file(follow_symlinks=False):
            yield prefix + entry.name
        elif depth and entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/", depth - 1)


def is_plain(segment: str) -> bool:
    """Whether a path segment is one that is listed and read at all."""
    return segment not in (".", "..") and _SEGMENT.fullmatch(segment) is not None


def read_file(directory: str, path: str, limit: int) -> bytes:
    """The content of ``path`` below ``directory``. Raises ``NotServed`` or ``TooLarge``."""
    segments = path.split("/")
    if not all(map(is_plain, segments)):
        raise NotServed(path)
    opened: list[int] = []
    try:
        opened.append(os.open(directory, os.O_RDONLY | os.O_DIRECTORY))
        for segment in segments[:-1]:
            opened.append(os.open(segment, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened[-1]))
        # Non-blocking, because opening a pipe that nobody writes to would wait for ever.
        opened.append(os.open(segments[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=opened[-1]))
        return _content(opened[-1], limit)
    except OSError:
        raise NotServed(path) from None
    finally:
        for descriptor in opened:
            os.close(descriptor)


def _content(descriptor: int, limit: int) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise NotServed("not a regular file")
    with open(descriptor, "rb", closefd=False) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise TooLarge(f"larger than {limit} bytes")
    return content


def file_size(directory: str, path: str) -> int:
    """The size of a listed file in bytes; 0 where it is gone."""
    try:
        return os.stat(os.path.join(directory, path), follow_symlinks=False).st_size
    except OSError:
        return 0
