"""The options of ``serve`` as given become settings: of loading, of listening, of calling upstreams."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from naftiko_run.capability import LoadOptions
from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError, suggest
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import replace, values_of
from naftiko_run.server.placement import AssemblySettings

if TYPE_CHECKING:
    from naftiko_run.engine import EngineSettings


def limits_of(given: argparse.Namespace) -> Limits:
    changes: dict[str, float | int] = {"rest_deadline": given.rest_deadline, "mcp_deadline": given.mcp_deadline}
    for name, value in shared.pairs(given.limit, "--limit", "NAME=VALUE").items():
        field = name.replace("-", "_")
        known = list(values_of(DEFAULT_LIMITS))
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
    from naftiko_run.consumes.settings import ClientCertificate, ClientSettings
    from naftiko_run.engine import EngineSettings

    client = ClientSettings(
        limits=limits, allow_net=shared.networks(given.allow_net), ca_file=given.ca_file, proxy=given.proxy,
        http2=given.http2, strict=given.strict,
        client_cert=ClientCertificate(given.client_cert) if given.client_cert else None,
    )  # fmt: skip
    return EngineSettings(
        client=client, environment=shared.environment(given.env_file), lenient=lenient or given.allow_missing,
        relay_errors=given.relay_errors, own_ports=ports, allow_unfiltered_scripts=given.allow_unfiltered_scripts,
    )  # fmt: skip
