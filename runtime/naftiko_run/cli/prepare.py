"""Files and options in, a plan with its engine and adapters out: everything that is decided before a port is opened.

The same steps run at the start and for every reload, so what the one refuses the other refuses too.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.cli import options as shared
from naftiko_run.cli import trust
from naftiko_run.cli.serve_settings import assembly_settings, engine_settings, load_options
from naftiko_run.errors import BindingError, DocumentErrors, Finding, suggest
from naftiko_run.records import record, replace
from naftiko_run.server.assembly import connect
from naftiko_run.server.instruments import build_telemetry, instrumented
from naftiko_run.server.placement import DEFAULT_PORTS, KINDS, Assembly, AssemblySettings, kind_of, own_ports, place
from naftiko_run.server.process import Process

if TYPE_CHECKING:
    from naftiko_run.engine import Engine
    from naftiko_run.mock.upstream import MockUpstream
    from naftiko_run.server.listener import Listener


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


def find_files(given: argparse.Namespace) -> tuple[list[Path], bool]:
    """The files that are meant, and whether a folder or glob named them; what came from a URL makes the profile strict."""
    files, gathered = shared.find_files(given.files, networks=shared.networks(given.allow_net))
    given.strict = trust.is_strict(given, files)
    return files, gathered


@record(kw_only=False)
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

    files, gathered = find_files(given)
    options = load_options(given)
    limits = options.limits
    process = process or Process()
    process.options = options
    mock = None
    if given.mock:
        options = replace(options, mock=True)
    if given.mock and mock_uris is None:
        from naftiko_run.mock.capability import start_mock

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
            from naftiko_run.mock.capability import mock_environment

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
