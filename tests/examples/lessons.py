"""Lessons as their pages tell them: a README in, the commands in its console blocks and what each printed out.

A command that starts the server is run as a process of its own, on free ports in the place of the page's; every other command
is run by a shell as it is written, with the ports put in.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
LESSONS = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "README.md").is_file())
PORTS = {"rest": 8080, "mcp": 9090, "skill": 8088, "control": 9099}

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Command:
    text: str
    output: str = ""

    @property
    def starts_the_server(self) -> bool:
        return "naftiko-run examples/" in self.text and self.text.endswith("--mock")


def read_commands(page: str) -> list[Command]:
    """The commands of all console blocks, each with the lines that follow it."""
    found: list[Command] = []
    for block in _BLOCK.findall(page):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            else:
                found[-1].output += line + "\n"
    return found


@dataclass
class Lesson:
    name: str
    ports: dict[int, int] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return EXAMPLES / self.name

    @property
    def commands(self) -> list[Command]:
        return read_commands((self.folder / "README.md").read_text(encoding="utf-8"))

    def run(self, command: Command) -> str:
        """What the command prints, with the page's ports where ours are."""
        text = command.text
        for declared, port in self.ports.items():
            text = text.replace(f"127.0.0.1:{declared}/", f"127.0.0.1:{port}/")
        done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, timeout=30, cwd=ROOT, check=False)
        assert done.returncode == 0, (text, done.stderr)
        return done.stdout


@contextmanager
def served(name: str) -> Iterator[Lesson]:
    """The lesson's server as a process, started with the words of its page."""
    lesson = Lesson(name)
    start = next(command for command in lesson.commands if command.starts_the_server)
    lesson.ports = {declared: _free_port() for declared in PORTS.values()}
    chosen = " ".join(f"--port {kind}={lesson.ports[declared]}" for kind, declared in PORTS.items())
    text = start.text.replace("naftiko-run", f"{sys.executable} -m naftiko_run", 1)
    with tempfile.TemporaryFile("w+") as said:
        # `exec`, so that the process we end is the server and no shell around it.
        command = ["sh", "-c", f"exec env {text} {chosen}"]
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            _wait(lesson, process, said)
            yield lesson
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """The second signal ends it at once; the built-in upstream goes with it."""
    for _ in range(2):
        process.terminate()
        try:
            process.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(lesson: Lesson, process: subprocess.Popen[bytes], said: IO[str]) -> None:
    document = (lesson.folder / "capability.yaml").read_text(encoding="utf-8")
    waiting = [port for declared, port in lesson.ports.items() if f"port: {declared}\n" in document]
    end = time.monotonic() + 30
    while waiting:
        if process.poll() is not None or time.monotonic() > end:
            said.seek(0)
            raise AssertionError(f"{lesson.name} does not serve: {said.read()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", waiting[0])) == 0:
                waiting.pop(0)
                continue
        time.sleep(0.05)
