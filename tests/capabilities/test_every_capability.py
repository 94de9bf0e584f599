"""What holds for every capability we ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from naftiko_run.capability import Capability, load
from naftiko_run.errors import Problems
from naftiko_run.exposes.exposure import McpExposure, RestExposure
from naftiko_run.mock.capability import capability_table
from naftiko_run.mock.document import mock_path, read_mock_document

CAPABILITIES = Path(__file__).parent.parent.parent / "capabilities"
FILES = sorted(path for path in CAPABILITIES.glob("*.yaml") if not path.name.endswith(".mock.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def capability(request: pytest.FixtureRequest) -> Capability:
    return load(request.param)


def test_there_are_four():
    assert [path.stem for path in FILES] == ["runtools-billing", "runtype-model-usage", "training-billing", "venice-billing"]


def test_it_loads_without_a_finding(capability):
    assert [str(finding) for finding in capability.findings] == []


def test_every_flow_can_be_called(capability):
    assert [flow.name for flow in capability.flows if flow.unavailable] == []


def test_every_operation_has_answers_of_its_own(capability):
    problems = Problems()

    document = read_mock_document(mock_path(capability.path), problems)

    assert set(document.answers) == {operation.ref for operation in capability.operations}
    assert problems.findings == []


def test_its_mock_document_fits_it(capability):
    problems = Problems()

    capability_table(capability, problems)

    assert problems.findings == []


def test_it_is_served_over_rest_and_mcp(capability):
    assert {type(exposure) for exposure in capability.exposures} == {RestExposure, McpExposure}


def test_what_a_tool_does_and_takes_is_described(capability):
    if capability.name == "training-billing":
        pytest.skip("published as it is: its one input has no description")
    tools = [tool for exposure in capability.exposures if isinstance(exposure, McpExposure) for tool in exposure.tools]

    assert [tool.name for tool in tools if len(tool.description) < 40 or "readOnlyHint" not in tool.hints] == []
    assert [(tool.name, given.name) for tool in tools for given in tool.flow.inputs if not given.description] == []
