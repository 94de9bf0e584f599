"""The pages about checking say what the code does: every limit, every lint rule, every flag that grants."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from naftiko_run.authoring.importers.draft import IMPORTERS
from naftiko_run.authoring.importers.run import IMPORTER_MODULES
from naftiko_run.checks.lint import RULE_MODULES
from naftiko_run.checks.lint_rule import RULES
from naftiko_run.cli.main import VERBS
from naftiko_run.deploy.run import TARGET_MODULES
from naftiko_run.deploy.target import DEPLOY_TARGETS
from naftiko_run.limits import DEFAULT_LIMITS, Limits

DOCS = Path(__file__).parent.parent.parent / "docs"


def test_every_limit_is_documented_with_its_default():
    rows = re.findall(r"^\| `(\w+)` \| ([0-9.,]+) \|", (DOCS / "limits.md").read_text(), re.MULTILINE)

    documented = {name: float(value.replace(",", "")) for name, value in rows}
    assert documented == {one.name: float(getattr(DEFAULT_LIMITS, one.name)) for one in fields(Limits)}


def test_every_lint_rule_is_documented_with_its_severity():
    assert RULE_MODULES
    rows = re.findall(r"^\| `(L-[A-Z0-9-]+)` \| (\w+) \|", (DOCS / "validate.md").read_text(), re.MULTILINE)

    assert dict(rows) == {rule.code: rule.severity for rule in map(RULES.lookup, RULES)}


def test_every_importer_and_deploy_target_is_documented():
    assert IMPORTER_MODULES
    assert TARGET_MODULES
    page = (DOCS / "authoring.md").read_text()

    assert [name for name in (*IMPORTERS, *DEPLOY_TARGETS) if f"`{name}`" not in page] == []


def test_every_verb_of_authoring_is_documented():
    page = (DOCS / "authoring.md").read_text() + (DOCS / "security.md").read_text() + (DOCS / "validate.md").read_text()
    verbs = {"new", "create", "import", "export", "upgrade", "diff", "explain", "call", "test", "deploy", "lock", "validate"}

    assert verbs <= set(VERBS)
    assert [verb for verb in verbs if f"naftiko-run {verb}" not in page] == []


def test_every_flag_that_grants_is_documented():
    page = (DOCS / "security.md").read_text()

    assert [
        flag for flag in ("--env ", "--allow-path", "--allow-script", "--allow-public", "--allow-net") if flag not in page
    ] == []


def test_every_requirement_that_the_source_cites_is_explained():
    rows = re.findall(r"^\| ([A-Z]\d+[^|]*) \|", (DOCS / "security.md").read_text(), re.MULTILINE)
    explained = set()
    for row in rows:
        for first, last in re.findall(r"([A-Z]\d+)(?:–[A-Z](\d+))?", row):
            explained |= {f"{first[0]}{number}" for number in range(int(first[1:]), int(last or first[1:]) + 1)}

    cited = {
        one
        for file in (DOCS.parent / "runtime" / "naftiko_run").rglob("*.py")
        for sentence in re.findall(r"requirements? ((?:[A-Z]\d+(?:, | and | to )?)+)", file.read_text())
        for one in re.findall(r"[A-Z]\d+", sentence)
    }
    assert cited
    assert sorted(cited - explained) == []
