"""Workers: one port, several processes; killed ones come back, all of them can be replaced, and they end together."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ENTRY = """
import asyncio, json, os, sys
from naftiko_run.errors import BindingError
from naftiko_run.exposes.messages import HttpAnswer
from naftiko_run.server.listener import Listener
from naftiko_run.server.serve import serve

async def handler(request):
    if request.path == "/slow":
        await asyncio.sleep(0.1)
    return HttpAnswer(status=200, body=str(os.getpid()).encode())

async def work(argument, worker):
    order = json.loads(argument)
    if os.path.exists(order["broken"]):
        raise BindingError("variable 'TOKEN' is not set")
    return await serve([Listener(port=order["port"], handler=handler)], inherited=worker.sockets,
                       on_ready=worker.ready, retired=worker.retired)
"""

PROGRAM = """
import asyncio, json, sys
from naftiko_run.server.workers import supervise
port, broken = int(sys.argv[1]), sys.argv[2]
argument = json.dumps({"port": port, "broken": broken})
code = asyncio.run(supervise([("127.0.0.1", port)], workers=2, entry="worker_entry:work", argument=argument,
                             on_ready=lambda _: print("ready", flush=True)))
sys.exit(code)
"""


class Supervised:
    """The program above, running."""

    def __init__(self, directory: Path) -> None:
        (directory / "worker_entry.py").write_text(ENTRY)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.broken = directory / "broken"
        environment = {**os.environ, "PYTHONPATH": str(directory)}
        command = [sys.executable, "-c", PROGRAM, str(self.port), str(self.broken)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, path: str = "/") -> int:
        """The process that answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", path)
        body = connection.getresponse().read()
        connection.close()
        return int(body)

    def workers(self, seconds: float = 3) -> set[int]:
        """The processes that answer, two when all is well."""
        seen: set[int] = set()
        end = time.monotonic() + seconds
        while len(seen) < 2 and time.monotonic() < end:
            held = [self._held() for _ in range(4)]  # connections kept open spread over the workers
            seen |= {int(connection.getresponse().read()) for connection in held}
            for connection in held:
                connection.close()
        return seen

    def _held(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("GET", "/slow")
        return connection

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, err = self.process.communicate(timeout=15)
        return self.process.returncode, err


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Supervised]]:
    started: list[Supervised] = []

    def begin() -> Supervised:
        started.append(Supervised(tmp_path))
        return started[-1]

    yield begin
    for running in started:
        running.process.kill()  # its workers notice, and end themselves
        running.process.communicate()


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_two_workers_share_a_port_a_killed_one_is_replaced_and_all_end_together(start):
    running = start()
    running.wait_until_ready()
    before = running.workers()
    assert len(before) == 2

    victim = before.pop()
    os.kill(victim, signal.SIGKILL)
    begin = time.monotonic()
    assert running.ask() == before.pop()  # the other one serves on
    after = running.workers()
    took = time.monotonic() - begin

    assert len(after) == 2
    assert victim not in after
    assert took < 3
    assert running.end()[0] == 0
    assert not any(map(is_alive, after))


@pytest.mark.slow
def test_a_rolling_restart_under_load_fails_no_request(start):
    running = start()
    running.wait_until_ready()
    before = running.workers()
    answered: list[int] = []
    failed: list[Exception] = []
    is_over = threading.Event()

    def load() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=5)
        while not is_over.is_set():
            try:
                connection.request("GET", "/")
                answered.append(int(connection.getresponse().read()))
            except Exception as exc:
                failed.append(exc)
                connection.close()
            time.sleep(0.02)
        connection.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    running.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + 12
    while any(map(is_alive, before)) and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(0.2)
    is_over.set()
    for thread in threads:
        thread.join()

    assert failed == []
    assert not any(map(is_alive, before))
    assert set(answered) - before
    assert running.end() == (0, "")


def test_when_no_worker_can_start_the_supervisor_ends_with_its_code(start):
    running = start()
    running.broken.touch()
    _, err = running.process.communicate(timeout=15)

    assert running.process.returncode == 2
    assert "variable 'TOKEN' is not set" in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_a_rolling_restart_that_cannot_start_leaves_the_old_workers_serving(start):
    running = start()
    running.wait_until_ready()
    before = running.workers()
    running.broken.touch()

    running.process.send_signal(signal.SIGHUP)
    assert running.process.stderr is not None
    while "keep serving" not in running.process.stderr.readline():
        pass

    assert running.workers() == before


@pytest.mark.slow
def test_workers_end_when_their_supervisor_is_gone(start):
    running = start()
    running.wait_until_ready()
    workers = running.workers()

    running.process.kill()
    end = time.monotonic() + 5
    while any(map(is_alive, workers)) and time.monotonic() < end:
        time.sleep(0.05)

    assert not any(map(is_alive, workers))
