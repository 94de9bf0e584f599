"""``python -m benchmarks``: runs the scenarios one after another, prints ratios, and writes ``RESULTS.md``."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.bench import HERE, PEERS, Bench
from benchmarks.report import summary, write_report

SCENARIOS = (
    "pass_through", "mapped", "mcp_calls", "flow", "bodies", "slow_upstream", "operations", "workers", "cold_start", "loading",
    "memory",
)  # fmt: skip


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"of {', '.join(SCENARIOS)}; all of them without")
    parser.add_argument("--quick", action="store_true", help="a look whether everything runs: one short round each")
    parser.add_argument("--full", action="store_true", help="a million calls before memory is read again")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5, help="of load in one round")
    parser.add_argument("--output", type=Path, default=HERE / "RESULTS.md", help="written after a run of all scenarios")
    given = parser.parse_args(arguments)
    unknown = set(given.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"unknown scenario {', '.join(sorted(unknown))}")
    return given


def prepare_peers() -> None:
    """Their own environment, made once: nothing of theirs is a dependency of ours."""
    wanted = (HERE / "peers.txt").read_text()
    stamp = HERE / ".venv-peers" / "peers.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("making the environment of the peers", flush=True)
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(HERE / ".venv-peers")], check=True)
    subprocess.run([str(PEERS), "-m", "pip", "install", "--quiet", "-r", str(HERE / "peers.txt")], check=True)
    stamp.write_text(wanted)


def main(arguments: list[str]) -> int:
    given = parse(arguments)
    missing = [name for name in ("nginx", "wrk", "taskset") if shutil.which(name) is None]
    if missing:
        print(f"not installed: {', '.join(missing)}", file=sys.stderr)
        return 2
    prepare_peers()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="naftiko-bench-")))
        folder.chmod(0o755)  # nginx may serve as somebody else
        bench = Bench(
            folder=folder, stack=stack, quick=given.quick, full=given.full,
            rounds=1 if given.quick else given.rounds, seconds=1 if given.quick else given.seconds,
        )  # fmt: skip
        for name in given.scenarios or SCENARIOS:
            print(f"\n{name}", flush=True)
            importlib.import_module(f"benchmarks.scenarios.{name}").run(bench)
        rows = bench.rows
    print(f"\n{summary(rows)}")
    if not given.scenarios and not given.quick:
        write_report(rows, given.output, " ".join(["./dev bench", *arguments]))
        print(f"written: {given.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
