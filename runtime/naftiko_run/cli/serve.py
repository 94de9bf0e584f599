"""``serve``: capability files in, live adapters out, until a signal ends them.

Start-up is atomic (requirement R10): every file is compiled, every variable resolved and every port bound before the first
request is answered, or one sentence is printed and the exit code is 2. What can be decided without a port is ``prepare``'s,
the work itself ``server``'s.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from naftiko_run import __version__
from naftiko_run.cli import options as shared
from naftiko_run.cli.prepare import Prepared, compile_all, find_files, prepare
from naftiko_run.cli.serve_options import parser
from naftiko_run.cli.serve_settings import assembly_settings, limits_of, load_options
from naftiko_run.errors import BindingError, NaftikoError
from naftiko_run.server.assembly import mcp_settings
from naftiko_run.server.instruments import attach_exporter
from naftiko_run.server.process import Process
from naftiko_run.server.reload import Reloader, reload_on_hangup, roll_workers

if TYPE_CHECKING:
    from naftiko_run.server.server import Server
    from naftiko_run.server.worker import Worker
    from naftiko_run.server.workers import Supervisor


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    if given.check:
        from naftiko_run.cli.inspect import show

        files, gathered = find_files(given)
        capabilities, findings = compile_all(files, load_options(given), gathered=gathered)
        return show(capabilities, findings, as_json=False, settings=assembly_settings(given, limits_of(given)))
    shared.configure_logging(given.log_format, given.log_level)
    try:
        if given.workers > 1 and not given.stdio:
            return _supervise(given, arguments)
        return _serve(given)
    except NaftikoError as error:
        if given.log_format != "json":
            raise
        refused = getattr(error, "findings", [error.finding])
        print(json.dumps({"event": "refused", "findings": [str(f) for f in refused]}), file=sys.stderr)
        return 2


def _serve(given: argparse.Namespace) -> int:
    service = Service(given)
    try:
        return service.serve()
    finally:
        service.stop()


class Service:
    """One process that serves."""

    def __init__(
        self,
        given: argparse.Namespace,
        *,
        mock_uris: Mapping[str, Mapping[str, str]] | None = None,
        worker: Worker | None = None,
    ) -> None:
        gc.disable()  # until it serves: what is made at the start stays
        self.given, self.worker, self.mock_uris = given, worker, mock_uris
        self.process = Process()
        shared.hide_secrets(self.process.redactor)
        shared.hear(self.process.logs, self.process.redactor)
        self.prepared = prepare(given, mock_uris, process=self.process)

    def stop(self) -> None:
        if self.prepared.mock is not None:
            self.prepared.mock.stop()

    def serve(self) -> int:
        from naftiko_run.server.serve import run as run_loop

        return run_loop(self.main())

    async def main(self) -> int:
        gc.freeze()  # the plan and all code
        gc.enable()
        if self.prepared.assembly.stdio and self.worker is None:
            return await self._with_stdio()
        return await self._listen()

    async def _listen(self) -> int:
        from naftiko_run.server.serve import serve

        prepared, worker, limits = self.prepared, self.worker, self.prepared.settings.limits
        process = self.process
        reloader = Reloader(prepared, self._prepare_again, process, limits, adopt=self._adopt)
        if worker is not None:
            process.reload = roll_workers(self._check_again)
        elif not prepared.assembly.stdio:  # a client on standard streams was told of this plan's tools
            process.reload = reloader.reload
            reload_on_hangup(reloader.reload)

        def ready(server: Server) -> None:
            process.server = server
            if worker is not None:
                worker.ready(server)
            else:
                self._announce(server)

        async def stop() -> None:
            await reloader.close()
            await self._end()

        return await serve(
            prepared.assembly.listeners, limits=limits, inherited=worker.sockets if worker is not None else (),
            on_start=self._begin, on_ready=ready, on_stop=stop, retired=worker.retired if worker is not None else None,
        )  # fmt: skip

    async def _begin(self) -> None:
        telemetry = self.process.telemetry
        if telemetry is not None:
            attach_exporter(telemetry, self.prepared.engine, self.process.redactor, __version__)
            telemetry.serves([capability.label for capability in self.prepared.capabilities])
            telemetry.start()

    async def _end(self) -> None:
        if self.process.telemetry is not None:
            await self.process.telemetry.close()

    def _prepare_again(self) -> Prepared:
        return prepare(self.given, self.mock_uris, process=self.process)

    def _check_again(self) -> None:
        """Whether the files could be served as they are now; nothing of it is kept."""
        files, gathered = find_files(self.given)
        compile_all(files, load_options(self.given), gathered=gathered, base_uris=self.mock_uris or {})

    def _adopt(self, prepared: Prepared) -> None:
        self.prepared = prepared
        gc.unfreeze()  # the plan that was frozen at the start is garbage soon
        if self.process.telemetry is not None:
            self.process.telemetry.serves([capability.label for capability in prepared.capabilities])

    def _announce(self, server: object) -> None:
        self.announce(getattr(server, "ports", []))

    def announce(self, ports: Sequence[int]) -> None:
        """Say what is served, with the ports really bound."""
        from naftiko_run.cli.banner import announce

        announce(self.prepared, ports, self.given)

    async def _with_stdio(self) -> int:
        """MCP on standard streams until they end; where the files name listeners as well, those decide when it ends.

        A service manager gives standard input that ends at once, and means the listeners to serve on.
        """
        import asyncio

        from naftiko_run.cli.streams import standard_streams
        from naftiko_run.exposes.exposure import McpExposure
        from naftiko_run.exposes.mcp.adapter import McpAdapter

        prepared = self.prepared
        exposures = [s.exposure for s in prepared.assembly.stdio if isinstance(s.exposure, McpExposure)]
        run = prepared.assembly.run or prepared.engine.run(prepared.capabilities[0])
        settings = mcp_settings(prepared.settings, self.process)
        adapter = McpAdapter(exposures, run, limits=prepared.settings.limits, settings=settings)
        listening = asyncio.create_task(self._listen()) if prepared.assembly.listeners else None
        talking = asyncio.create_task(adapter.serve_stdio(*await standard_streams()))
        if listening is None:
            await self._begin()
            self._announce(None)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, talking.cancel)
        try:
            await asyncio.wait({talking if listening is None else listening})
            if listening is not None:
                return listening.result()
            if not talking.cancelled():
                talking.result()
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            await adapter.close()
            if listening is None:
                await prepared.engine.close()
                await self._end()
        return 0


def _supervise(given: argparse.Namespace, arguments: list[str]) -> int:
    """Bind here, serve in workers. What is wrong with the files is said before the first worker starts."""
    from naftiko_run.server.serve import run as run_loop
    from naftiko_run.server.workers import supervise

    service = Service(given)
    gc.enable()
    prepared = service.prepared
    order = json.dumps({"arguments": arguments, "mock": prepared.mock_uris if prepared.mock is not None else None})
    addresses = [(listener.address, listener.port) for listener in prepared.assembly.listeners]
    if prepared.assembly.stdio:
        service.stop()
        raise BindingError(
            "standard input and output cannot be shared by several workers", code="E-USAGE",
            hint="leave --workers out, or serve the file's other adapters from a file of their own",
        )  # fmt: skip

    def announce(supervisor: Supervisor) -> None:
        service.announce([listening.getsockname()[1] for listening in supervisor.sockets])

    entry = "naftiko_run.cli.serve:serve_worker"
    limits = prepared.settings.limits
    work = supervise(addresses, workers=given.workers, entry=entry, argument=order, limits=limits, on_ready=announce)
    try:
        return run_loop(work)
    finally:
        service.stop()


async def serve_worker(argument: str, worker: Worker) -> int:
    """The entry of a worker process: the supervisor's words, its sockets."""
    order = json.loads(argument)
    given = parser().parse_args(order["arguments"])
    shared.configure_logging(given.log_format, given.log_level)
    service = Service(given, mock_uris=order["mock"], worker=worker)
    return await service.main()
