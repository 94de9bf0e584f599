"""A capability file, compiled and ready to run once: what ``call``, ``explain`` and ``test`` share."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from naftiko_run.capability import Capability, LoadOptions, load
from naftiko_run.cli import options as shared
from naftiko_run.cli import trust
from naftiko_run.engine import EngineSettings
from naftiko_run.errors import BindingError, DocumentErrors, Problems
from naftiko_run.records import record, replace


@record
class Session:
    capability: Capability
    settings: EngineSettings


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """What running flows needs beyond compiling them."""
    shared.add_load_options(parser)
    parser.add_argument("--mock", action="store_true", help="call a built-in upstream instead; needs no key and no network")
    parser.add_argument(
        "--env-file", action="append", default=[], metavar="FILE", help="read variables from a file (repeatable)"
    )
    parser.add_argument(
        "--allow-net", action="append", default=[], metavar="CIDR", help="let calls reach these private addresses"
    )
    trust.add_grants(parser)
    parser.set_defaults(allow_public=True)  # nothing listens


def one_file(word: str) -> Path:
    files, gathered = shared.find_files([word])
    if gathered or len(files) != 1:
        raise BindingError(f"{word!r} is not one file", code="E-NO-FILE", hint="name a capability file")
    return files[0]


def load_options(given: argparse.Namespace) -> LoadOptions:
    return LoadOptions(
        base_uris=shared.base_uris(given.base_uri), expose_all=given.expose_all, strict=given.strict,
        credentials=shared.credentials(given.bearer, given.api_key),
    )  # fmt: skip


@contextmanager
def open_session(given: argparse.Namespace, file: Path) -> Iterator[Session]:
    """Compile ``file`` as the options say; with ``--mock`` its upstream runs until the context ends."""
    from naftiko_run.consumes.settings import ClientSettings

    given.strict = trust.is_strict(given, [file])
    options = load_options(given)
    client = ClientSettings(allow_net=shared.networks(given.allow_net), strict=given.strict)
    environment = shared.environment(given.env_file)
    if not given.mock:
        capability = load(file, options)
        trust.enforce([capability], given)
        yield Session(capability=capability, settings=EngineSettings(client=client, environment=environment, lenient=True))
        return
    from naftiko_run.mock.capability import capability_table, mock_environment
    from naftiko_run.mock.upstream import MockUpstream

    problems = Problems()
    declared = load(file, options)
    table = capability_table(declared, problems)
    if problems.errors:
        raise DocumentErrors(problems.findings)
    with MockUpstream(table) as mock:
        overrides = mock.base_uris({consumer.namespace for consumer in declared.consumers})
        capability = load(file, replace(options, base_uris={**overrides, **options.base_uris}))
        settings = EngineSettings(client=client, environment=mock_environment(declared, environment), lenient=True)
        yield Session(capability=capability, settings=settings)
