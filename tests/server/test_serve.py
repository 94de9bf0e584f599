"""Serving as a process: an atomic start, and an orderly end on signals."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from naftiko_run.errors import BindingError
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.server.listener import Listener
from naftiko_run.server.serve import serve
from naftiko_run.server.server import Server

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"

PROGRAM = """
import asyncio, sys
from dataclasses import replace
from naftiko_run.exposes.messages import HttpAnswer
from naftiko_run.limits import DEFAULT_LIMITS
from naftiko_run.server.listener import Listener
from naftiko_run.server.serve import run, serve

def say(word):
    print(word, flush=True)

async def handler(request):
    if request.path == "/slow":
        say("busy")
        await asyncio.sleep(float(sys.argv[1]))
    return HttpAnswer(status=200, body=b"done")

async def stop():
    say("stopped")

limits = replace(DEFAULT_LIMITS, shutdown_grace=0.8, drain_time=1.0)
listeners = [Listener(port=0, handler=handler, is_exempt="probes" in sys.argv)]
sys.exit(run(serve(listeners, limits=limits, on_ready=lambda server: say(server.ports[0]),
                   on_drain=lambda: say("draining"), on_stop=stop)))
"""


async def plain(request: HttpRequest) -> HttpAnswer:
    return HttpAnswer(status=200, body=request.path.encode())


class Program:
    """The program above, running."""

    def __init__(self, *arguments: str) -> None:
        command = [sys.executable, "-c", PROGRAM, *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.connections: list[socket.socket] = []
        self.port = int(self.line())

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def connect(self, data: bytes = b"") -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=3)
        connection.sendall(data)
        self.connections.append(connection)
        return connection

    def clean(self) -> None:
        for connection in self.connections:
            connection.close()
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=5)
        return self.process.returncode, out, err


@pytest.fixture
def program() -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str) -> Program:
        started.append(Program(*arguments))
        return started[-1]

    yield start
    for running in started:
        running.clean()


def read_all(connection: socket.socket) -> bytes:
    data = b""
    while part := connection.recv(65536):
        data += part
    return data


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_requests_in_flight_end_and_the_exit_code_is_0(program, number):
    running = program("0.4")
    busy = [running.connect(GET.replace(b"GET /", b"GET /slow")) for _ in range(20)]
    for _ in busy:
        assert running.line() == "busy"
    idle = running.connect(GET)
    idle.recv(65536)

    running.process.send_signal(number)

    assert read_all(idle) == b""
    for connection in busy:
        answer = read_all(connection)
        assert answer.endswith(b"done")
        assert b"connection: close" in answer
    code, out, err = running.end()
    assert (code, out.split(), err) == (0, ["draining", "stopped"], "")


def test_what_does_not_end_in_time_is_cancelled_and_answered(program):
    running = program("60")
    busy = running.connect(GET.replace(b"GET /", b"GET /slow"))
    assert running.line() == "busy"
    begin = time.monotonic()

    running.process.send_signal(signal.SIGTERM)

    assert b"503" in read_all(busy).partition(b"\r\n")[0]
    code, _, _ = running.end()
    assert code == 0
    assert 0.9 < time.monotonic() - begin < 3


def test_a_second_signal_ends_at_once(program):
    running = program("60")
    running.connect(GET.replace(b"GET /", b"GET /slow"))
    assert running.line() == "busy"
    running.process.send_signal(signal.SIGTERM)
    assert running.line() == "draining"
    begin = time.monotonic()

    running.process.send_signal(signal.SIGTERM)

    assert running.end()[0] == 128 + signal.SIGTERM
    assert time.monotonic() - begin < 0.9


def test_where_probes_are_answered_new_connections_are_taken_for_the_time_of_grace(program):
    running = program("0", "probes")
    running.process.send_signal(signal.SIGTERM)
    assert running.line() == "draining"

    answer = read_all(running.connect(GET))

    assert answer.endswith(b"done")
    assert b"connection: close" in answer
    assert running.end()[0] == 0


def test_ctrl_c_has_no_time_of_grace(program):
    running = program("0", "probes")
    begin = time.monotonic()
    running.process.send_signal(signal.SIGINT)

    assert running.end()[0] == 0
    assert time.monotonic() - begin < 0.7


# ---- atomic start


async def test_when_one_port_is_taken_none_is_bound_and_nothing_starts():
    started = []

    async def start() -> None:
        started.append(True)

    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("127.0.0.1", 0)) as other:
        free = other.getsockname()[1]
        other.close()
        wanted = [Listener(port=free, handler=plain), Listener(port=taken.getsockname()[1], handler=plain)]

        with pytest.raises(BindingError):
            await serve(wanted, on_start=start)

    assert started == []
    socket.create_server(("127.0.0.1", free)).close()


async def test_when_the_start_fails_the_ports_are_given_back():
    async def start() -> None:
        raise BindingError("variable 'TOKEN' is not set")

    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    with pytest.raises(BindingError, match="TOKEN"):
        await serve([Listener(port=port, handler=plain)], on_start=start)

    socket.create_server(("127.0.0.1", port)).close()


# ---- replacing while serving


def named(name: str):
    async def handler(request: HttpRequest) -> HttpAnswer:
        await asyncio.sleep(0.05)
        return HttpAnswer(status=200, body=name.encode())

    return handler


@pytest.fixture
async def server():
    running = Server([Listener(port=free_port(), handler=named("old"))])
    running.bind()
    await running.accept()
    yield running
    await running.close()
    await asyncio.sleep(0.01)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


async def ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    answer = await reader.read()
    writer.close()
    return answer.partition(b"\r\n\r\n")[2]


async def test_a_replaced_handler_answers_the_next_request_and_the_old_one_ends_its_own(server):
    port = server.ports[0]
    before = asyncio.create_task(ask(port))
    await asyncio.sleep(0.02)

    await server.replace([Listener(port=port, handler=named("new"))])

    assert await ask(port) == b"new"
    assert await before == b"old"


async def test_a_changed_port_is_served_before_the_old_one_is_left(server):
    old, new = server.ports[0], free_port()
    before = asyncio.create_task(ask(old))
    await asyncio.sleep(0.02)

    await server.replace([Listener(port=new, handler=named("new"))])

    assert await ask(new) == b"new"
    assert await before == b"old"
    with pytest.raises(ConnectionRefusedError):
        await ask(old)


async def test_a_replacement_that_cannot_be_had_changes_nothing(server):
    port = server.ports[0]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wanted = [Listener(port=port, handler=named("new")), Listener(port=taken.getsockname()[1], handler=named("new"))]
        with pytest.raises(BindingError):
            await server.replace(wanted)

    assert await ask(port) == b"old"


async def test_replacing_under_load_fails_no_request(server):
    port = server.ports[0]
    names = [f"v{n}" for n in range(10)]

    async def load() -> list[bytes]:
        return [await ask(port) for _ in range(15)]

    loads = [asyncio.create_task(load()) for _ in range(5)]
    for name in names:
        await server.replace([Listener(port=port, handler=named(name))])
        await asyncio.sleep(0.04)

    answers = [answer for answers in await asyncio.gather(*loads) for answer in answers]
    assert {answer.decode() for answer in answers} <= {"old", *names}


def test_adapters_are_listened_for_here_alone():
    root = Path(__file__).parents[2] / "runtime" / "naftiko_run"
    opening = {path.relative_to(root).as_posix() for path in root.rglob("*.py") if "create_server(" in path.read_text()}
    upstreams_of_tests = {"mock/__main__.py", "authoring/exchanges/upstream.py"}

    assert opening - upstreams_of_tests == {"server/server.py"}
