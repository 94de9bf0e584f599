"""``serve``: capability files in, live adapters out, until a signal ends them.

Start-up is atomic (requirement R10): every file is compiled, every variable resolved and every port bound before the first
request is answered, or one sentence is printed and the exit code is 2. The work itself is ``server``'s; this module reads
options and words the banner.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError, DocumentErrors, Finding, Problems
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.server.assembly import Assembly, AssemblySettings, connect, own_ports, place

if TYPE_CHECKING:
    from naftiko_run.engine import Engine, EngineSettings
    from naftiko_run.mock.upstream import MockUpstream
    from naftiko_run.server.worker import Worker


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
    listen.add_argument("--allow-origin", action="append", default=[], metavar="ORIGIN", help="accept this Origin (repeatable)")
    listen.add_argument(
        "--cors-origin", action="append", default=[], metavar="ORIGIN", help="let browsers of this origin call (repeatable)"
    )
    listen.add_argument("--workers", type=int, default=1, metavar="N", help="serve with N processes that share the ports")
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
    log = found.add_argument_group("output")
    log.add_argument("--check", action="store_true", help="compile, print the plan, and exit")
    log.add_argument("--log-format", choices=("text", "json"), default="text")
    log.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="warning")
    for name, default in (("rest-deadline", DEFAULT_LIMITS.rest_deadline), ("mcp-deadline", DEFAULT_LIMITS.mcp_deadline)):
        found.add_argument(
            f"--{name}", type=float, default=default, metavar="SECONDS", help=f"time for one request (default {default:g})"
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
    if given.workers > 1 and not given.stdio:
        return _supervise(given, arguments)
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
        if not hasattr(DEFAULT_LIMITS, field):
            from dataclasses import fields

            from naftiko_run.errors import suggest

            known = (one.name for one in fields(Limits))
            raise BindingError(f"unknown limit {name!r}", code="E-USAGE", hint=suggest(field, known))
        kind = type(getattr(DEFAULT_LIMITS, field))
        try:
            changes[field] = kind(value)
        except ValueError:
            raise BindingError(f"--limit {name}={value} is not a number", code="E-USAGE") from None
    return replace(DEFAULT_LIMITS, **changes)  # type: ignore[arg-type]  # names of fields


def load_options(given: argparse.Namespace) -> LoadOptions:
    ports = _ports(given)
    offset = given.port_offset
    return LoadOptions(
        base_uris=shared.base_uris(given.base_uri),
        limits=limits_of(given),
        expose_all=given.expose_all,
        strict=given.strict,
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

    return AssemblySettings(
        host=given.host, ports=_ports(given), port_offset=given.port_offset, allow_public=given.allow_public,
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


def compile_all(files: list[Path], options: LoadOptions, *, gathered: bool) -> tuple[list[Capability], list[Finding]]:
    """Compile files. One that cannot be served refuses the start, unless it came from a folder among others that can."""
    capabilities: list[Capability] = []
    findings: list[Finding] = []
    refused: list[DocumentErrors] = []
    for file in files:
        try:
            capability = load(file, options)
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


def prepare(given: argparse.Namespace, mock_port: Mapping[str, str] | None = None) -> Prepared:
    """Compile, place, resolve. ``mock_port`` are base URIs of a mock that runs elsewhere (a supervisor's)."""
    from naftiko_run.engine import Engine

    files, gathered = shared.find_files(given.files)
    options = load_options(given)
    limits = options.limits
    mock = None
    if given.mock:
        overrides = dict(mock_port or {})
        if not mock_port:
            mock, overrides = start_mock(files, options, gathered=gathered)
        options = replace(options, base_uris={**overrides, **options.base_uris})
    try:
        capabilities, findings = compile_all(files, options, gathered=gathered)
        settings = assembly_settings(given, limits)
        assembly = place(capabilities, settings, stdio=given.stdio)
        engine_options = engine_settings(given, limits, own_ports(assembly), lenient=gathered)
        if given.mock:
            engine_options = replace(engine_options, environment=_mock_environment(capabilities, engine_options.environment))
        engine = Engine(capabilities, engine_options)
        engine.resolve()
        connect(assembly, engine, settings)
    except BaseException:
        if mock is not None:
            mock.stop()
        raise
    return Prepared(capabilities, findings + assembly.findings, assembly, settings, engine, mock)


def start_mock(files: list[Path], options: LoadOptions, *, gathered: bool) -> tuple[MockUpstream, dict[str, str]]:
    """Start the built-in upstream for all files; the base URIs that point to it."""
    from naftiko_run.mock.document import mock_path, read_mock_document
    from naftiko_run.mock.operations import mock_table
    from naftiko_run.mock.sample import exposed_paths
    from naftiko_run.mock.table import MockTable
    from naftiko_run.mock.upstream import MockUpstream

    capabilities, _ = compile_all(files, options, gathered=gathered)
    problems = Problems()
    tables = []
    for capability in capabilities:
        document = read_mock_document(mock_path(capability.path), problems)
        paths = exposed_paths(capability.document) if capability.document is not None else {}
        tables.append(mock_table(capability.operations, document, paths, problems))
    if problems.errors:
        raise DocumentErrors(problems.findings)
    table = MockTable(
        operations=tuple(op for one in tables for op in one.operations),
        refusals={key: answer for one in reversed(tables) for key, answer in one.refusals.items()},
    )
    mock = MockUpstream(table)
    namespaces = {consumer.namespace for capability in capabilities for consumer in capability.consumers}
    return mock, mock.base_uris(namespaces)


def _mock_environment(capabilities: list[Capability], environment: Mapping[str, str]) -> Mapping[str, str]:
    """Variables that have no value get one: the built-in upstream only looks whether a credential is there."""
    names = {key for c in capabilities for binding in c.bindings for key in binding.keys.values()}
    names |= {name.rpartition(".")[2] for c in capabilities for name in c.uses}
    return {**{name: f"mock-{name.lower()}" for name in names}, **environment}


# ---- serving


class Service:
    """One process that serves."""

    def __init__(
        self, given: argparse.Namespace, *, mock_port: Mapping[str, str] | None = None, worker: Worker | None = None
    ) -> None:
        self.given, self.worker = given, worker
        self.prepared = prepare(given, mock_port)

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

        prepared, worker = self.prepared, self.worker
        return await serve(
            prepared.assembly.listeners,
            limits=prepared.settings.limits,
            inherited=worker.sockets if worker is not None else (),
            on_ready=worker.ready if worker is not None else self._announce,
            on_stop=prepared.engine.close,
            retired=worker.retired if worker is not None else None,
        )

    def _announce(self, server: object) -> None:
        from naftiko_run.cli.banner import announce

        announce(self.prepared, getattr(server, "ports", []), self.given)

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
        adapter = McpAdapter(exposures, run, limits=prepared.settings.limits, settings=prepared.settings.mcp)
        listening = asyncio.create_task(self._listen()) if prepared.assembly.listeners else None
        if listening is None:
            self._announce(None)
        talking = asyncio.create_task(adapter.serve_stdio(*await standard_streams()))
        try:
            await (talking if listening is None else listening)
        finally:
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
            await adapter.close()
            if listening is None:
                await prepared.engine.close()
        return 0


def _supervise(given: argparse.Namespace, arguments: list[str]) -> int:
    """Bind here, serve in workers. What is wrong with the files is said before the first worker starts."""
    from naftiko_run.server.serve import run as run_loop
    from naftiko_run.server.workers import supervise

    service = Service(given)
    prepared = service.prepared
    overrides = dict(shared.base_uris(given.base_uri))
    if prepared.mock is not None:
        overrides |= prepared.mock.base_uris({c.namespace for one in prepared.capabilities for c in one.consumers})
    order = json.dumps({"arguments": arguments, "mock": overrides if prepared.mock is not None else None})
    addresses = [(listener.address, listener.port) for listener in prepared.assembly.listeners]
    service._announce(None)  # the same process
    try:
        return run_loop(supervise(addresses, workers=given.workers, entry="naftiko_run.cli.serve:serve_worker", argument=order))
    finally:
        service.stop()


async def serve_worker(argument: str, worker: Worker) -> int:
    """The entry of a worker process: the supervisor's words, its sockets."""
    order = json.loads(argument)
    given = parser().parse_args(order["arguments"])
    shared.configure_logging(given.log_format, given.log_level)
    service = Service(given, mock_port=order["mock"], worker=worker)
    return await service.main()


def print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        print(finding, file=sys.stderr)
