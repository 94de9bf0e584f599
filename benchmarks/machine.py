"""The machine: which core serves and which loads, what processes cost, and how busy everybody else is."""

from __future__ import annotations

import os
import platform
import socket
import subprocess
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
LOAD_CORE = _CORES[-1]
ALL_CORES = ",".join(map(str, _CORES))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found, pending = [], [pid]
    while pending:
        one = pending.pop()
        found.append(one)
        try:
            for task in Path(f"/proc/{one}/task").iterdir():
                pending += map(int, (task / "children").read_text().split())
        except OSError:
            continue
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and all below it, in steps of a clock tick."""
    return sum(_own_cpu(one) for one in family(pid))


def _own_cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def busy_seconds() -> float:
    """What all cores together have worked so far."""
    fields = list(map(int, Path("/proc/stat").read_text().splitlines()[0].split()[1:9]))
    return (sum(fields) - fields[3] - fields[4]) / _TICKS


def describe() -> list[str]:
    model = next(
        (line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), "?"
    )
    nginx = subprocess.run(["nginx", "-v"], capture_output=True, text=True, check=False).stderr.strip().rpartition("/")[2]
    wrk = (subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout or "wrk ?").split()[1]
    return [
        f"{len(_CORES)} cores, {model}",
        f"{platform.python_implementation()} {platform.python_version()}, Linux {platform.release()}",
        f"nginx {nginx}, wrk {wrk}",
    ]
