"""Files as they are published: each is served or refused in sentences, and what is served sends the right requests."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from naftiko_run.capability import load, serves_anything
from naftiko_run.document.reader import read_text
from naftiko_run.errors import DocumentErrors, MalformedRequest, OperationUnavailable, SpecError
from naftiko_run.flows.steps import CallStep
from plan import query_of, sent_by

pytestmark = pytest.mark.shared


@pytest.fixture(scope="session")
def files(shared: Path) -> list[Path]:
    found = sorted((shared / "corpus").rglob("*.y*ml"))
    assert len(found) > 400
    return found


def test_every_file_is_served_or_refused_in_sentences(files):
    refused = 0
    for file in files:
        try:
            capability = load(file)
        except DocumentErrors as error:
            refused += 1
            wrong = [finding for finding in error.findings if finding.severity == "error"]
            assert wrong, file
            assert all(finding.message and finding.at for finding in wrong), error
            continue
        assert serves_anything(capability), file
        for finding in capability.findings:
            assert finding.at is not None, finding
            assert finding.hint or finding.severity == "note", finding

    assert refused < 60  # what is no capability, exposes nothing, or was cut beyond use


def test_a_file_cut_anywhere_is_read_or_refused(files):
    chance = random.Random(7)
    for file in chance.sample(files, 40):
        text = file.read_text(encoding="utf-8")
        for _ in range(4):
            cut = text[: chance.randrange(len(text))]
            try:
                read_text(cut + "\n# --- truncated at 32 KB (78 KB total) ---\n", file="cut.yaml")
            except SpecError as error:
                assert error.code.startswith("E-"), (file, len(cut))


def test_a_damaged_file_is_served_or_refused(files, tmp_path):
    """Lines lost, doubled and swapped: whatever is left, loading ends in a plan or in findings."""
    chance = random.Random(11)
    for file in chance.sample(files, 40):
        lines = file.read_text(encoding="utf-8").splitlines()
        for _ in range(3):
            damaged = list(lines)
            for _ in range(3):
                one, other = chance.randrange(len(damaged)), chance.randrange(len(damaged))
                damaged[one], damaged[other] = damaged[other], damaged[one]
                del damaged[chance.randrange(len(damaged))]
            copy = tmp_path / "damaged.yaml"
            copy.write_text("\n".join(damaged), encoding="utf-8")
            try:
                load(copy)
            except DocumentErrors as error:
                assert error.findings


def test_loading_costs_no_more_than_twice_parsing(files):
    import yaml

    spread = files[::3]

    def parse() -> None:
        for file in spread:
            with suppress(yaml.YAMLError):
                yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    def compile_all() -> None:
        for file in spread:
            with suppress(DocumentErrors):
                load(file)

    def seconds(work) -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    compile_all()  # imports and caches
    ratios = [seconds(compile_all) / seconds(parse) for _ in range(2)]

    assert min(ratios) < 2, ratios


def test_every_input_reaches_the_query_parameter_of_its_own_name(files):
    """Names of all kinds: ``$top``, ``filter[rule][id]``, ``certificate.name``, ``fields[]``."""
    seen = odd = 0
    for file in files:
        with suppress(DocumentErrors):
            for flow in load(file).flows:
                step = flow.steps[0] if len(flow.steps) == 1 else None
                if flow.unavailable is not None or not isinstance(step, CallStep) or step.operation.consumer.base_uri.variables:
                    continue
                own = {
                    key: e
                    for key, e in step.arguments
                    if [".".join(r.path) for r in e.references if r.root == "input"] == [key]
                }
                values = {one.name: f"v{position}" for position, one in enumerate(flow.inputs)}
                with suppress(MalformedRequest, OperationUnavailable):
                    query = query_of(sent_by(flow, **values))
                    for parameter in step.operation.parameters:
                        if parameter.place == "query" and parameter.key in own and parameter.key in values:
                            assert (parameter.name, values[parameter.key]) in query, (file, flow.name, parameter.name)
                            seen += 1
                            odd += not parameter.name.isidentifier()

    assert seen > 3000
    assert odd > 150


def exchanged(shared: Path, tmp_path: Path, *options: str) -> dict[str, object]:
    """The outcome of the black-box check: what the upstream saw, for every operation and tool of every file."""
    report = tmp_path / "report.json"
    command = [sys.executable, str(shared / "checks" / "exchange_check.py"), "--command", f"{sys.executable} -m naftiko_run"]
    done = subprocess.run(
        [*command, "--wait", "60", "--out", str(report), *options, str(shared / "corpus")],
        capture_output=True,
        text=True,
        timeout=1700,
    )
    assert done.returncode in (0, 1), done.stderr[-2000:]
    found = json.loads(report.read_text())
    failures = [f"{one['file']}: {failure['what']}: {failure['why']}" for one in found for failure in one["failures"]]
    assert not failures, "\n".join(failures[:20])
    return {"files": len(found), "calls": sum(one["calls"] for one in found)}


@pytest.mark.timeout(600)
def test_files_spread_over_the_sample_send_the_right_requests(shared, tmp_path):
    done = exchanged(shared, tmp_path, "--limit", "60")

    assert done["files"] == 60
    assert done["calls"] > 300


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_all_files_send_the_right_requests(shared, tmp_path):
    assert exchanged(shared, tmp_path)["calls"] > 4900
