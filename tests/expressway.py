"""One document served twice, with the ways without a task and without them: what differs between the two is a mistake."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from naftiko_run.capability import LoadOptions, load
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.engine import Engine, EngineSettings
from naftiko_run.exposes.messages import HttpRequest
from naftiko_run.flows.express import Caller, ExpressCall
from naftiko_run.limits import Limits
from naftiko_run.server.assembly import connect
from naftiko_run.server.placement import AssemblySettings, place
from naftiko_run.server.server import Server
from upstream import Upstream

LIMITS = Limits(
    rest_deadline=1.8, connect_time=0.5, idle_time=0.6, attempt_time=0.7, pool_wait=0.5, response_body=1 << 20,
    response_header_bytes=64 << 10,
)  # fmt: skip
PATIENT = replace(LIMITS, attempt_time=5.0, rest_deadline=5.0, idle_time=5.0)


@dataclass
class Served:
    server: Server
    upstream: Upstream
    engine: Engine
    port: int
    hits: list[str] = field(default_factory=list)

    async def ask(self, *requests: bytes, seconds: float = 4.0) -> list[bytes]:
        """Each request's answer on one connection, as far as it is kept; of the last all that comes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        answers = list[bytes]()
        async with asyncio.timeout(seconds):
            for request in requests[:-1]:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"content-length: (\d+)", head)
                answers.append(head + await reader.readexactly(int(length[1]) if length else 0))
            writer.write(requests[-1])
            answers.append(await _all(reader))
        writer.close()
        return [_normal(answer) for answer in answers]

    @property
    def is_quiet(self) -> bool:
        clients = [client.status() for live in self.engine.lives.values() for client in live.clients.values()]
        return self.server.state.admission.in_flight == 0 and all(client["inFlight"] == 0 for client in clients)

    async def until_quiet(self) -> None:
        async with asyncio.timeout(3):
            while not self.is_quiet:
                await asyncio.sleep(0.01)


async def _all(reader: asyncio.StreamReader) -> bytes:
    """What comes until nothing more does for longer than anything takes."""
    found, patience = b"", 2.5
    while True:
        try:
            data = await asyncio.wait_for(reader.read(1 << 16), patience)
        except TimeoutError:
            return found + b"|kept"
        except ConnectionError:
            return found + b"|reset"
        if not data:
            return found + b"|closed"
        found, patience = found + data, 0.15


def _normal(answer: bytes) -> bytes:
    """Without what differs from one answer to the next."""
    answer = re.sub(rb"(?m)^content-type:", b"Content-Type:", answer)
    answer = re.sub(rb"(date|x-request-id): (?!mine)[^\r]*\r\n", rb"\1\r\n", answer)
    answer = re.sub(rb'"requestId": ?"[0-9a-f]{12}-[0-9a-f]+"', b'"requestId":""', answer)
    answer = re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"uuid", answer)
    answer = re.sub(rb"in \d+(\.\d+)? s", b"in s", answer)
    return re.sub(rb"content-length: \d+", b"content-length", answer) if b"requestId" in answer else answer


@asynccontextmanager
async def serving(folder: Path, document: str, *, express: bool, limits: Limits = LIMITS) -> AsyncIterator[Served]:
    async with Upstream() as upstream:
        folder.mkdir(exist_ok=True)
        file = folder / f"{'express' if express else 'general'}-{upstream.port}.yaml"
        file.write_text(document.replace("UPSTREAM", upstream.url))
        capability = load(file, LoadOptions(limits=limits))
        settings = EngineSettings(environment={"ODD": ".."}, client=ClientSettings(limits=limits, random=lambda: 0.1))
        async with Engine(capability, settings) as engine:
            wanted = AssemblySettings(ports={"rest": 8080, "mcp": 8080}, limits=limits)
            assembly = place([capability], wanted)
            connect(assembly, engine, wanted)
            hits: list[str] = []
            (listener,) = assembly.listeners
            begin = listener.express
            assert begin is not None

            def counted(request: HttpRequest, caller: Caller) -> ExpressCall | None:
                call = begin(request, caller)
                if call is not None:
                    hits.append(request.path)
                return call

            server = Server([replace(listener, port=0, express=counted if express else None)], limits=limits)
            server.bind()
            await server.accept()
            served = Served(server, upstream, engine, server.ports[0], hits)
            try:
                yield served
            finally:
                await server.close()


@dataclass(frozen=True)
class Twice:
    """``document`` asked both ways. ``warm`` is a plain request, for the path at the upstream that ends in ``warm``."""

    folder: Path
    document: str
    warm: bytes

    async def differences(self, cases: dict[str, tuple[bytes, list[dict[str, Any]]]]) -> dict[str, object]:
        """The cases, a request and what the upstream answers, that the two ways do not answer, or ask an upstream, alike."""
        places = asyncio.Semaphore(10)
        found: dict[str, object] = {}

        async def compare(name: str, request: bytes, answers: list[dict[str, Any]]) -> None:
            async with places:
                pair = [await _asked(self, request, answers, express=express) for express in (False, True)]
            if pair[0] != pair[1]:
                found[name] = pair

        async with asyncio.TaskGroup() as group:
            for name, (request, answers) in cases.items():
                group.create_task(compare(name, request, answers))
        return found


async def _asked(what: Twice, request: bytes, answers: list[dict[str, Any]], *, express: bool) -> tuple[object, ...]:
    """Both ways start warm: with a kept connection, and heads that were seen before."""
    async with serving(what.folder, what.document, express=express) as served:
        served.upstream.replies(json={"id": "warm"}, path="/ships/warm")
        for answer in answers:
            served.upstream.replies(**answer)
        ways = [what.warm] * 3 + [request] if express else [what.warm, request]
        answered = (await served.ask(*ways))[-1]
        await served.until_quiet()
        sent = [(one.method, one.target, one.header("accept")) for one in served.upstream.requests if "warm" not in one.target]
        assert bool(served.hits) is express
        return answered, sent
