"""A server under test: started on its core, awaited until it answers, asked what it cost, ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.machine import cpu_seconds, resident_mib


class Server:
    """One process, and those it starts, pinned to ``cores``."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, *, cores: int | str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.port = name, port
        self._command = ["taskset", "-c", str(cores), *command]
        self._environment = {**os.environ, **(environment or {})}

    def __enter__(self) -> Self:
        logs = Path(__file__).parent / "out"
        logs.mkdir(exist_ok=True)
        self.log = logs / f"{self.name.replace(' ', '-')}.log"
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environment,
                start_new_session=True,
            )  # fmt: skip
        try:
            self._await_port()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def _await_port(self) -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} does not listen on {self.port}:\n{self.log.read_text()[-2000:]}")

    def stop(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is not None:
                return
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)

    @property
    def cpu(self) -> float:
        return cpu_seconds(self.process.pid)

    @property
    def memory(self) -> float:
        """MiB resident in the first process."""
        return resident_mib(self.process.pid)
