"""A worker's view of files and ports: nothing, or reading and running below a few directories. Linux 5.13 and later."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterable

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every machine
_EXECUTE, _READ_FILE, _READ_DIRECTORY = 1 << 0, 1 << 2, 1 << 3


def restrict_files(readable: Iterable[str] = ()) -> bool:
    """Deny every use of files, TCP ports and outside processes, but reading and running below ``readable``."""
    if sys.platform != "linux":
        return False
    system = ctypes.CDLL(None).syscall
    version = system(_CREATE, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    attributes = _attributes(version)
    ruleset = system(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow_reading(system, ruleset, path)
        return bool(system(_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _attributes(version: int) -> bytes:
    """``struct landlock_ruleset_attr`` as far as this kernel knows it: files, then ports, then signals and sockets."""
    files = (1 << (13 + (version >= 2) + (version >= 3) + (version >= 5))) - 1
    fields = [files, *([0b11] if version >= 4 else []), *([0b11] if version >= 6 else [])]
    return struct.pack(f"{len(fields)}Q", *fields)


def _allow_reading(system: ctypes._NamedFuncPointer, ruleset: int, path: str) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        access = _EXECUTE | _READ_FILE | (_READ_DIRECTORY if os.path.isdir(path) else 0)
        rule = struct.pack("=Qi", access, handle)
        system(_ADD, ruleset, 1, rule, 0)
    finally:
        os.close(handle)
