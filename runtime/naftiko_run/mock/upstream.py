"""The built-in upstream seen from outside: a table in, a running process with a port out.

It runs apart so that it takes no time from the event loop it is measured against, and so that what is called is a real HTTP
service. Its input is held open for as long as it shall live.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from types import TracebackType

from naftiko_run.errors import BindingError
from naftiko_run.mock.table import MockTable, dump_table, namespace_prefix
from naftiko_run.values import dump_json

START_SECONDS = 10.0
# Bound secrets stay with the runtime: the process gets what starting Python takes, and nothing else.
_ENVIRONMENT = (
    "PATH",
    "PYTHONPATH",
    "PYTHONHOME",
    "VIRTUAL_ENV",
    "LANG",
    "LC_ALL",
    "SYSTEMROOT",
    "COVERAGE_PROCESS_START",
    "COVERAGE_PROCESS_CONFIG",
)


class MockUpstream:
    """A running upstream; ``with`` stops it."""

    def __init__(self, table: MockTable) -> None:
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self._process = subprocess.Popen(  # our own interpreter and module
            [sys.executable, "-m", "naftiko_run.mock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, env=environment, start_new_session=True,
        )  # fmt: skip
        self.port = self._start(table)

    def _start(self, table: MockTable) -> int:
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise BindingError("the built-in upstream has no pipes", code="E-MOCK")
        overdue = threading.Timer(START_SECONDS, self._process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            stdin.write(dump_json(dump_table(table)) + b"\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = b""
        finally:
            overdue.cancel()
        if not line.strip().isdigit():
            self.stop()
            raise BindingError(
                "the built-in upstream did not start", hint="run `python -m naftiko_run.mock` to see why", code="E-MOCK"
            )
        return int(line)

    def base_uris(self, namespaces: Iterable[str], owner: str = "") -> dict[str, str]:
        """Where each consumed namespace is served: overrides for the consumers' base URIs."""
        return {name: f"http://127.0.0.1:{self.port}{namespace_prefix(name, owner)}" for name in namespaces}

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process and wait for it; twice is fine."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def __enter__(self) -> MockUpstream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()
