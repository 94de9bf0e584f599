"""A loaded capability in, what playing its upstream takes out: the table of its operations, and stand-ins for its secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from naftiko_run.capability import Capability
from naftiko_run.errors import DocumentErrors, Problems
from naftiko_run.mock.document import mock_path, read_mock_document
from naftiko_run.mock.operations import mock_table
from naftiko_run.mock.sample import exposed_paths
from naftiko_run.mock.table import MockTable
from naftiko_run.mock.upstream import MockUpstream


def capability_table(capability: Capability, problems: Problems, *, owner: str = "") -> MockTable:
    """What the built-in upstream answers for ``capability``: its mock document, and samples for what that leaves out."""
    document = read_mock_document(mock_path(capability.path), problems)
    paths = exposed_paths(capability.document) if capability.document is not None else {}
    return mock_table(capability.operations, document, paths, problems, owner=owner)


def mock_environment(capability: Capability, environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with a stand-in for every variable the capability reads and nobody set."""
    bound = {key for binding in capability.bindings if binding.scheme == "env" for key in binding.keys.values()}
    used = {name.rpartition(".")[2] for name in capability.uses}
    return {**{name: f"mock-{name.lower()}" for name in bound | used}, **environment}


BaseUris = dict[str, dict[str, str]]
"""By file: where its consumed namespaces are served."""


def start_mock(capabilities: Sequence[Capability]) -> tuple[MockUpstream, BaseUris]:
    """One built-in upstream for all ``capabilities``; raises ``DocumentErrors`` for mistakes in their mock documents."""
    problems = Problems()
    owners = {str(c.path): "" if len(capabilities) == 1 else str(index) for index, c in enumerate(capabilities)}
    tables = [capability_table(c, problems, owner=owners[str(c.path)]) for c in capabilities]
    if problems.errors:
        raise DocumentErrors(problems.findings)
    mock = MockUpstream(
        MockTable(
            operations=tuple(operation for table in tables for operation in table.operations),
            refusals={key: refusal for table in reversed(tables) for key, refusal in table.refusals.items()},
        )
    )
    served = {
        str(c.path): mock.base_uris({consumer.namespace for consumer in c.consumers}, owners[str(c.path)]) for c in capabilities
    }
    return mock, served
