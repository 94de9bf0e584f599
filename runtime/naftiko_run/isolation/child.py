"""The inside of a worker process: frames of payload on stdin become frames of result on stdout, one job all its life.

Order matters: descriptors and limits first, then the job's libraries are loaded, then the process is locked in, and only then
is the first byte of a payload read. Frames and the greeting are described in ``pool``. Imports as little as it can, because
every worker pays for it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
import sysconfig
import time
from collections.abc import Callable
from typing import Any

from naftiko_run.isolation.jobs import Refused
from naftiko_run.isolation.landlock import restrict_files
from naftiko_run.isolation.seccomp import install_filter, no_new_privileges

DESCRIPTORS = 16

_SHELVES = ("site-packages", "dist-packages")  # a module there is no reason to open all of its neighbours


def main(settings: dict[str, Any]) -> None:
    """Serve jobs until stdin ends. ``settings``: job, module, profile, memory, cpu, runs."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.close(nowhere)
    _limit(settings)
    module = importlib.import_module(settings["module"])
    if settings["profile"] == "hosting":
        confined = _confine(settings)
        run = module.open_job(settings["job"])
    else:
        run = module.open_job(settings["job"])
        confined = _confine(settings)
    _send(outgoing, b"H", json.dumps(confined).encode())
    while (length := _receive(incoming, 8)) is not None:
        payload = _receive(incoming, int.from_bytes(length))
        if payload is None:
            break
        _limit_time(settings)
        if not _answer(outgoing, run, payload):
            break
    os._exit(0)


def _answer(outgoing: int, run: Callable[[bytes], bytes], payload: bytes) -> bool:
    """Run once and send what came of it; whether this process can go on."""
    try:
        _send(outgoing, b"R", run(payload))
    except Refused as refused:
        _send(outgoing, b"X", json.dumps([refused.message, refused.kind]).encode())
    except MemoryError:
        _send(outgoing, b"F", b"memory")
        return False
    except BaseException as exc:  # whatever a foreign library raises ends this process, not the runtime
        with contextlib.suppress(BaseException):
            _send(outgoing, b"F", type(exc).__name__.encode())
        return False
    return True


def _limit(settings: dict[str, Any]) -> None:
    if sys.platform == "linux":  # elsewhere address space is not a usable measure of memory
        resource.setrlimit(resource.RLIMIT_AS, (settings["memory"], settings["memory"]))
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    whole_life = settings["cpu"] * settings["runs"]
    resource.setrlimit(resource.RLIMIT_CPU, (whole_life, whole_life))


def _limit_time(settings: dict[str, Any]) -> None:
    """Each run has its own CPU allowance, in whole seconds of the process's total."""
    whole_life = settings["cpu"] * settings["runs"]
    allowed = min(whole_life, int(time.process_time()) + 1 + settings["cpu"])
    resource.setrlimit(resource.RLIMIT_CPU, (allowed, whole_life))


def _confine(settings: dict[str, Any]) -> dict[str, bool]:
    no_new_privileges()
    hosting = settings["profile"] == "hosting"
    return {
        "landlock": restrict_files(_program_directories() if hosting else ()),
        "filtered": install_filter(settings["profile"]),
    }


def _program_directories() -> set[str]:
    """Where programs, their libraries and what has been imported so far lie: what a hosting worker may read."""
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", os.devnull)
    python = (sysconfig.get_path("stdlib"), sysconfig.get_path("scripts"))
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    loaded = (os.path.dirname(file) for file in files if file and os.path.basename(os.path.dirname(file)) not in _SHELVES)
    return {os.path.realpath(path) for path in (*system, *python, *loaded) if os.path.exists(path)}


def _send(handle: int, kind: bytes, content: bytes) -> None:
    frame = memoryview(kind + len(content).to_bytes(8) + content)
    while frame:
        frame = frame[os.write(handle, frame) :]


def _receive(handle: int, length: int) -> bytes | None:
    parts = []
    while length:
        part = os.read(handle, min(length, 1 << 20))
        if not part:
            return None
        parts.append(part)
        length -= len(part)
    return b"".join(parts)
