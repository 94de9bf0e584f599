"""``serve``: capability files in, live adapters out, until a signal ends them.

Start-up is atomic (requirement R10): every file is compiled, every variable resolved and every port bound before the first
request is answered, or one sentence is printed and the exit code is 2. The work itself is ``server``'s; this module reads
options and words the banner.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run import __version__
from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.cli import options as shared
from naftiko_run.cli import trust
from naftiko_run.errors import BindingError, DocumentErrors, Finding, NaftikoError, suggest
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.assembly import (
    DEFAULT_PORTS,
    KINDS,
    Assembly,
    AssemblySettings,
    connect,
    kind_of,
    mcp_settings,
    own_ports,
    place,
)
from naftiko_run.server.instruments import attach_exporter, build_telemetry, instrumented
from naftiko_run.server.process import Process
from naftiko_run.server.reload import Reloader, reload_on_hangup, roll_workers

if TYPE_CHECKING:
    from naftiko_run.engine import Engine, EngineSettings
    from naftiko_run.mock.upstream import MockUpstream
    from naftiko_run.server.listener import Listener
    from naftiko_run.server.server import Server
    from naftiko_run.server.worker import Worker
    from naftiko_run.server.workers import Supervisor


def parser() -> argparse.ArgumentParser:
    found = shared.Parser(prog="naftiko-run serve", description="Serve capability files: REST and MCP adapters, at once.")
    found.add_argument("files", nargs="+", metavar="FILE", help="a capability file, a folder of them, or a glob")
    shared.add_load_options(found)
    listen = found.add_argument_group("listening")
    listen.add_argument("--host", default="", help="listen on this address instead of the declared ones")
    listen.add_argument(
        "--port", action="append", default=[], metavar="WHAT=PORT",
        help="port of an adapter: by namespace, by type (rest, mcp, skill, control) or by declared port (repeatable)",
    )  # fmt: skip
    listen.add_argument("--port-offset", type=int, default=0, metavar="N", help="add N to every declared port")
    listen.add_argument(
        "--allow-public", action="store_true", help="let adapters without authentication listen beyond loopback"
    )
    listen.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="accept this Host header (repeatable)"
    )
    listen.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        type=shared.origin,
        metavar="ORIGIN",
        help="accept this Origin (repeatable)",
    )
    listen.add_argument(
        "--cors-origin", action="append", default=[], type=shared.origin, metavar="ORIGIN",
        help="let browsers of this origin call (repeatable)",
    )  # fmt: skip
    listen.add_argument(
        "--workers", type=shared.process_count, default=1, metavar="N", help="serve with N processes that share the ports"
    )
    listen.add_argument("--stdio", action="store_true", help="serve MCP on standard input and output, and nothing else")
    listen.add_argument(
        "--tools", choices=("all", "search"), default="all", help="list all tools, or three that search, describe and call them"
    )
    listen.add_argument(
        "--long-tool-names", choices=("shorten", "keep"), default="shorten",
        help="publish tool names beyond 64 characters with a hash at their end, or whole",
    )  # fmt: skip
    up = found.add_argument_group("upstreams")
    up.add_argument(
        "--mock", action="store_true", help="point every consumer at a built-in upstream; needs no key and no network"
    )
    up.add_argument("--env-file", action="append", default=[], metavar="FILE", help="read variables from a file (repeatable)")
    up.add_argument(
        "--allow-missing", action="store_true", help="start without variables that have no value; calls that need them fail"
    )
    up.add_argument("--relay-errors", action="store_true", help="pass error answers of upstreams on, body included")
    up.add_argument("--ca-file", default="", metavar="FILE", help="trust this certificate authority too")
    up.add_argument(
        "--client-cert", default="", metavar="FILE", help="present this PEM certificate (with its key) to upstreams"
    )
    up.add_argument("--proxy", default="", metavar="URL", help="reach upstreams through this proxy")
    up.add_argument("--http2", action="store_true", help="speak HTTP/2 with upstreams that offer it")
    up.add_argument(
        "--allow-net", action="append", default=[], metavar="CIDR", help="let calls reach these private addresses (repeatable)"
    )
    up.add_argument(
        "--allow-unfiltered-scripts", action="store_true", help="run scripts where the system-call filter is unavailable"
    )
    trust.add_grants(found)
    log = found.add_argument_group("output")
    log.add_argument("--check", action="store_true", help="compile, print the plan, and exit")
    log.add_argument("--log-format", choices=("text", "json"), default="text", help="lines for people, or one object a line")
    log.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="warning",
        help="what is written while serving (default warning); info tells why requests failed",
    )
    for face, default in (("rest", DEFAULT_LIMITS.rest_deadline), ("mcp", DEFAULT_LIMITS.mcp_deadline)):
        found.add_argument(
            f"--{face}-deadline",
            type=shared.positive,
            default=default,
            metavar="SECONDS",
            help=f"time for one {face.upper()} request and all it causes (default {default:g})",
        )
    found.add_argument(
        "--limit", action="append", default=[], metavar="NAME=VALUE", help="change a limit by its name (see docs/limits.md)"
    )
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    if given.check:
        from naftiko_run.cli.inspect import show

        files, gathered = shared.find_files(given.files)
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


# ---- settings


def limits_of(given: argparse.Namespace) -> Limits:
    changes: dict[str, float | int] = {"rest_deadline": given.rest_deadline, "mcp_deadline": given.mcp_deadline}
    for name, value in shared.pairs(given.limit, "--limit", "NAME=VALUE").items():
        field = name.replace("-", "_")
        known = [one.name for one in fields(Limits)]
        if field not in known:
            raise BindingError(f"unknown limit {name!r}", code="E-USAGE", hint=suggest(field, known))
        kind = type(getattr(DEFAULT_LIMITS, field))
        try:
            changes[field] = kind(shared.amount(value))
        except (ValueError, argparse.ArgumentTypeError):
            raise BindingError(f"--limit {name}={value} is not a number from 0 up", code="E-USAGE") from None
    return replace(DEFAULT_LIMITS, **changes)  # type: ignore[arg-type]  # names of fields


def load_options(given: argparse.Namespace) -> LoadOptions:
    ports = _ports(given)
    offset = given.port_offset
    return LoadOptions(
        base_uris=shared.base_uris(given.base_uri),
        limits=limits_of(given),
        expose_all=given.expose_all,
        strict=given.strict,
        granted_paths=tuple(map(Path, given.allow_path)),
        port_of=lambda declared: ports.get(str(declared), declared + offset),
        credentials=shared.credentials(given.bearer, given.api_key),
    )


def _ports(given: argparse.Namespace) -> dict[str, int]:
    found = {}
    for name, value in shared.pairs(given.port, "--port", "WHAT=PORT").items():
        if not value.isdigit() or int(value) > 65535:
            raise BindingError(f"--port {name}={value} is not a port", code="E-USAGE", hint="a number from 0 to 65535")
        found[name] = int(value)
    return found


def assembly_settings(given: argparse.Namespace, limits: Limits) -> AssemblySettings:
    from naftiko_run.exposes.mcp.settings import McpSettings

    public = given.allow_public or os.environ.get("NAFTIKO_ALLOW_PUBLIC") == "1"
    return AssemblySettings(
        host=given.host, ports=_ports(given), port_offset=given.port_offset, allow_public=public,
        strict=given.strict,
        hosts=tuple(given.allow_host), origins=tuple(given.allow_origin), cors=tuple(given.cors_origin),
        mcp=McpSettings(tools_mode=given.tools, long_tool_names=given.long_tool_names), limits=limits,
    )  # fmt: skip


def engine_settings(given: argparse.Namespace, limits: Limits, ports: frozenset[int], *, lenient: bool) -> EngineSettings:
    from ipaddress import ip_network

    from naftiko_run.consumes.settings import ClientCertificate, ClientSettings
    from naftiko_run.engine import EngineSettings

    try:
        networks = tuple(ip_network(text) for text in given.allow_net)
    except ValueError as error:
        raise BindingError(f"--allow-net: {error}", code="E-USAGE", hint="write it like 10.0.0.0/8") from None
    client = ClientSettings(
        limits=limits, allow_net=networks, ca_file=given.ca_file, proxy=given.proxy, http2=given.http2, strict=given.strict,
        client_cert=ClientCertificate(given.client_cert) if given.client_cert else None,
    )  # fmt: skip
    return EngineSettings(
        client=client, environment=shared.environment(given.env_file), lenient=lenient or given.allow_missing,
        relay_errors=given.relay_errors, own_ports=ports, allow_unfiltered_scripts=given.allow_unfiltered_scripts,
    )  # fmt: skip


# ---- compiling


def compile_all(
    files: list[Path], options: LoadOptions, *, gathered: bool, base_uris: Mapping[str, Mapping[str, str]] | None = None
) -> tuple[list[Capability], list[Finding]]:
    """Compile files. One that cannot be served refuses the start, unless it came from a folder among others that can.

    ``base_uris`` are further overrides by file; those of ``options`` win.
    """
    more = base_uris or {}
    capabilities: list[Capability] = []
    findings: list[Finding] = []
    refused: list[DocumentErrors] = []
    for file in files:
        try:
            capability = load(file, replace(options, base_uris={**more.get(str(file), {}), **options.base_uris}))
        except DocumentErrors as error:
            refused.append(error)
            findings += error.findings
            continue
        capabilities.append(capability)
        findings += capability.findings
    if refused and (not gathered or not capabilities or options.strict):
        raise DocumentErrors([f for error in refused for f in error.findings])
    if not capabilities:
        raise BindingError(
            "no capability file was found", code="E-NO-FILE", hint="name a .yaml file, or a folder that holds some"
        )
    if not refused:
        shared.check_namespaces([*options.base_uris, *options.credentials], capabilities)
    wrong = [f for f in findings if f.severity == "error"]
    if options.strict and wrong:
        raise DocumentErrors(wrong)
    return capabilities, findings


@dataclass(frozen=True, slots=True)
class Prepared:
    """Everything that is decided before something is opened."""

    capabilities: list[Capability]
    findings: list[Finding]
    assembly: Assembly
    settings: AssemblySettings
    engine: Engine
    mock: MockUpstream | None
    mock_uris: Mapping[str, Mapping[str, str]]

    @property
    def listeners(self) -> list[Listener]:
        return self.assembly.listeners

    async def close(self) -> None:
        await self.engine.close()
        if self.mock is not None:
            self.mock.stop()


def prepare(
    given: argparse.Namespace, mock_uris: Mapping[str, Mapping[str, str]] | None = None, *, process: Process | None = None
) -> Prepared:
    """Compile, place, resolve. ``mock_uris`` are base URIs, by file, of a mock that runs elsewhere (a supervisor's).

    ``process`` is what stays when another plan is prepared later; the first plan gives it its telemetry.
    """
    from naftiko_run.engine import Engine
    from naftiko_run.mock.capability import mock_environment, start_mock

    files, gathered = shared.find_files(given.files, networks=shared.networks(given.allow_net))
    given.strict = trust.is_strict(given, files)
    options = load_options(given)
    limits = options.limits
    process = process or Process()
    process.options = options
    mock = None
    if given.mock:
        options = replace(options, mock=True)
    if given.mock and mock_uris is None:
        mock, mock_uris = start_mock(compile_all(files, options, gathered=gathered)[0])
    try:
        capabilities, findings = compile_all(files, options, gathered=gathered, base_uris=mock_uris or {})
        trust.enforce(capabilities, given)
        settings = assembly_settings(given, limits)
        assembly = place(capabilities, settings, stdio=given.stdio)
        _check_ports(settings, capabilities)
        if given.stdio and not assembly.stdio:
            raise BindingError(
                "--stdio serves MCP, and no file exposes it",
                code="E-USAGE",
                hint="expose tools under `type: mcp`, or leave --stdio out",
            )
        engine_options = engine_settings(given, limits, own_ports(assembly), lenient=gathered)
        if given.mock:
            environment = engine_options.environment
            for capability in capabilities:
                environment = mock_environment(capability, environment)
            engine_options = replace(engine_options, environment=environment)
        if process.telemetry is None:
            process.telemetry = build_telemetry(capabilities, engine_options.environment, process.redactor.clean)
        engine = Engine(capabilities, instrumented(engine_options, process.telemetry, process.redactor))
        engine.resolve()
        connect(assembly, engine, settings, process)
    except BaseException:
        if mock is not None:
            mock.stop()
        raise
    return Prepared(capabilities, findings + assembly.findings, assembly, settings, engine, mock, mock_uris or {})


def _check_ports(settings: AssemblySettings, capabilities: list[Capability]) -> None:
    """Refuse ``--port`` for something that no file exposes."""
    exposures = [exposure for capability in capabilities for exposure in capability.exposures]
    known = {name for e in exposures for name in (e.namespace, kind_of(e), str(e.port or DEFAULT_PORTS.get(type(e), 0)))}
    for name in settings.ports:
        if name not in known and name not in KINDS.values():
            raise BindingError(f"--port {name}=... names no adapter of these files", code="E-USAGE", hint=suggest(name, known))


# ---- serving


class Service:
    """One process that serves."""

    def __init__(
        self,
        given: argparse.Namespace,
        *,
        mock_uris: Mapping[str, Mapping[str, str]] | None = None,
        worker: Worker | None = None,
    ) -> None:
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
        import gc

        gc.collect()
        gc.freeze()
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
        files, gathered = shared.find_files(self.given.files)
        compile_all(files, load_options(self.given), gathered=gathered, base_uris=self.mock_uris or {})

    def _adopt(self, prepared: Prepared) -> None:
        import gc

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
