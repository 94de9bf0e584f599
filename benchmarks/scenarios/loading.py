"""Reading files: ``validate`` of several hundred beside a bare YAML load of them, and what one file takes to compile.

The files below the folder that ``NAFTIKO_BENCH_FILES`` names are taken; without it, files of like size are written.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import COMMAND, Bench, Row
from benchmarks.documents import write_document
from benchmarks.machine import SERVER_CORE

_PIN = ("taskset", "-c", str(SERVER_CORE))
_BARE = """
import sys, yaml
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        try:
            yaml.load(file, Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            pass
"""
_COMPILE = """
import sys, time
from naftiko_run.capability import load
from naftiko_run.errors import DocumentErrors
for name in sys.argv[1:]:
    start = time.perf_counter()
    try:
        load(name)
    except DocumentErrors:
        continue
    print(time.perf_counter() - start)
"""


def run(bench: Bench) -> None:
    files, source = _files(bench)
    ours, other = [], []
    for _ in range(bench.rounds):
        ours.append(_seconds([COMMAND, "validate", *files], accepted=(0, 1)))
        other.append(_seconds([sys.executable, "-c", _BARE, *files]))
    title = f"validate {len(files)} files ({source}) against PyYAML's C loader"
    bench.add(Row(
        title=title, wanted="<= 2", value=statistics.median(ours) / statistics.median(other),
        ours=f"{statistics.median(ours):.2f} s", other=f"{statistics.median(other):.2f} s",
    ))  # fmt: skip
    spent = sorted(_each(files))
    for share in (50, 95):
        bench.add(Row(title=f"load of one file, p{share}", value=spent[len(spent) * share // 100] * 1e3, unit="ms"))
    large = str(write_document(bench.folder, 9, 8080, operations=1158, mcp=True, name="large"))
    bench.add(Row(title="load of a file with 1,158 operations", value=min(_each([large] * 3)), unit="s"))


def _files(bench: Bench) -> tuple[list[str], str]:
    folder = os.environ.get("NAFTIKO_BENCH_FILES")
    sample = [str(file) for file in sorted(Path(folder).rglob("*.yaml"))] if folder else []
    if sample:
        return sample[:: 8 if bench.quick else 1], "sample"
    sizes = [2 + number % 60 for number in range(56 if bench.quick else 448)]
    files = [write_document(bench.folder, 9, 8080 + n, operations=size, mcp=True, name="load") for n, size in enumerate(sizes)]
    return [str(file) for file in files], "generated"


def _seconds(command: Sequence[str], accepted: Sequence[int] = (0,)) -> float:
    start = time.perf_counter()
    done = subprocess.run([*_PIN, *command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False, timeout=300)
    if done.returncode not in accepted:
        raise RuntimeError(done.stderr.decode()[-2000:])
    return time.perf_counter() - start


def _each(files: Sequence[str]) -> list[float]:
    command = [*_PIN, sys.executable, "-c", _COMPILE, *files]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    return [float(line) for line in done.stdout.split()]
