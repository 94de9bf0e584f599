"""What scenarios share: settings of the run, the upstreams, the servers they start, and the rows they report."""

from __future__ import annotations

import operator
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.compare import Contender, Measured, compare
from benchmarks.documents import write_document
from benchmarks.machine import SERVER_CORE, free_port
from benchmarks.processes import Server
from benchmarks.upstream import fixed_upstream, nginx_proxy, slow_upstream

HERE = Path(__file__).parent
COMMAND = str(Path(sys.executable).with_name("naftiko-run"))
PEERS = HERE / ".venv-peers" / "bin" / "python"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the report. ``wanted`` is a bound with its direction, such as ``>= 0.4``; empty where there is none."""

    title: str
    value: float
    wanted: str = ""
    unit: str = "x"
    ours: str = ""
    other: str = ""

    @property
    def verdict(self) -> str:
        if not self.wanted:
            return ""
        relation, bound = self.wanted.split()
        holds = {">=": operator.ge, "<=": operator.le}[relation](self.value, float(bound))
        return "met" if holds else "missed"

    @property
    def shown(self) -> str:
        text = f"{self.value:.0f}" if self.value >= 100 else f"{self.value:.1f}" if self.value >= 10 else f"{self.value:.2f}"
        return text + ("" if self.unit == "x" else f" {self.unit}")


@dataclass(slots=True, kw_only=True)
class Bench:
    folder: Path
    stack: ExitStack
    rounds: int
    seconds: float
    quick: bool = False
    full: bool = False
    rows: list[Row] = field(default_factory=list)
    _upstream: Server | None = None

    @property
    def upstream(self) -> Server:
        """The quick upstream, started when first asked for."""
        if self._upstream is None:
            self._upstream = self.stack.enter_context(fixed_upstream(self.folder))
        return self._upstream

    def slow_upstream(self, stack: ExitStack) -> Server:
        return stack.enter_context(slow_upstream())

    def ours(
        self, stack: ExitStack, name: str = "ours", *, operations: int = 1, rest: bool = True, mcp: bool = False,
        upstream: Server | None = None, options: Sequence[str] = (), cores: int | str = SERVER_CORE,
    ) -> Server:  # fmt: skip
        """The runtime, serving a document written for this."""
        port = free_port()
        target = (upstream or self.upstream).port
        file = write_document(self.folder, target, port, operations=operations, rest=rest, mcp=mcp)
        return stack.enter_context(Server(name, [COMMAND, str(file), *options], port, cores=cores))

    def proxy(self, stack: ExitStack, upstream: Server | None = None) -> Server:
        return stack.enter_context(nginx_proxy(self.folder, (upstream or self.upstream).port))

    def peer(self, stack: ExitStack, name: str, script: str, *arguments: str, upstream: Server | None = None) -> Server:
        """A program of ``peers/``; its last arguments are its port and the upstream."""
        port = free_port()
        address = f"http://127.0.0.1:{(upstream or self.upstream).port}"
        command = [str(PEERS), str(HERE / "peers" / script), *arguments, str(port), address]
        return stack.enter_context(Server(name, command, port, cores=SERVER_CORE))

    def compare(self, contenders: Sequence[Contender], connections: int = 32) -> dict[str, Measured]:
        found = compare(contenders, rounds=self.rounds, seconds=self.seconds, connections=connections)
        for one in found.values():
            print(f"    {one.name:32} {one}", flush=True)
        return found

    def ratio(self, title: str, ours: Measured, other: Measured, wanted: str = "") -> None:
        """Throughput of ours as a multiple of another's."""
        self.add(Row(title=title, wanted=wanted, value=ours.rate / other.rate, ours=str(ours), other=f"{other.name}: {other}"))

    def add(self, row: Row) -> None:
        self.rows.append(row)
        print(f"  {row.title}: {row.shown} {f'({row.wanted}: {row.verdict})' if row.wanted else ''}", flush=True)
