"""The pages that come with the project: links lead somewhere, every word and option is named, and nothing of one machine."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

import naftiko_run.bind_providers
import naftiko_run.cli
from naftiko_run.authoring.importers.draft import IMPORTERS
from naftiko_run.authoring.importers.run import IMPORTER_MODULES
from naftiko_run.bind_providers.provider import BIND_PROVIDERS
from naftiko_run.checks.reports.report import REPORT_FORMATS
from naftiko_run.checks.reports.write import FORMAT_MODULES
from naftiko_run.cli.main import VERBS
from naftiko_run.cli.serve_options import parser
from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES
from naftiko_run.consumes.body_templates import BODY_TYPES
from naftiko_run.consumes.formats.registry import FORMATS
from naftiko_run.deploy.run import TARGET_MODULES
from naftiko_run.deploy.target import DEPLOY_TARGETS
from naftiko_run.exposes.exposure_types import EXPOSURE_TYPES
from naftiko_run.exposes.guards.guard import CALLER_AUTH
from naftiko_run.flows.compile_steps import STEP_TYPES
from naftiko_run.registry import Registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *(ROOT / "examples").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
)
EVERY_DOC = "\n".join(page.read_text() for page in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))])

for found in pkgutil.iter_modules(naftiko_run.bind_providers.__path__):
    importlib.import_module(f"naftiko_run.bind_providers.{found.name}")
assert all((FORMAT_MODULES, IMPORTER_MODULES, TARGET_MODULES))  # whose words are registered

REGISTRIES: list[tuple[str, Registry[object]]] = [
    ("Authentication of calls", AUTH_SCHEMES),
    ("Authentication of callers", CALLER_AUTH),
    ("Bodies", BODY_TYPES),
    ("Formats of answers", FORMATS),
    ("Steps", STEP_TYPES),
    ("Adapters", EXPOSURE_TYPES),
    ("Places of variables", BIND_PROVIDERS),
    ("On the command line", REPORT_FORMATS),
    ("On the command line", IMPORTERS),
    ("On the command line", DEPLOY_TARGETS),
]  # type: ignore[list-item]  # a registry of anything


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """A page without its blocks of code, where brackets are no links."""
    return re.sub(r"^( *)```.*?^\1```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What headings can be linked as, the way forges make it."""
    headings = re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


# ---- links


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page):
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        path, _, anchor = unquote(target).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        file = (page.parent / path) if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)

    assert lost == []


def test_the_index_links_every_page():
    linked = set(re.findall(r"\]\(([^)#\s]+\.md)\)", (DOCS / "index.md").read_text()))

    assert [page.name for page in sorted(DOCS.glob("*.md")) if page.name not in {*linked, "index.md"}] == []


# ---- words and options


@pytest.mark.parametrize(("section", "registry"), REGISTRIES, ids=[registry.kind for _, registry in REGISTRIES])
def test_every_word_of_the_language_is_documented(section, registry):
    text = (DOCS / "words.md").read_text().partition(f"## {section}\n")[2].partition("\n## ")[0]
    words = {word.lower() for word in re.findall(r"`([^`\n]+)`", text)}

    assert words
    assert [word for word in registry if word not in words] == []


def test_every_option_of_serving_is_documented():
    options = [option for action in parser()._actions for option in action.option_strings]

    assert "--base-uri" in options
    text = (DOCS / "serve.md").read_text()
    assert [option for option in options if not re.search(rf"`{option}(?![\w-])", text)] == []


def test_every_verb_is_documented():
    assert [verb for verb in VERBS if not re.search(rf"naftiko-run {verb}(?![\w-])", EVERY_DOC)] == []


def test_every_option_that_is_documented_for_serving_exists():
    options = {option for action in parser()._actions for option in action.option_strings}
    text = (DOCS / "serve.md").read_text()

    assert sorted(set(re.findall(r"^\| `(--[\w-]+)", text, re.MULTILINE)) - options) == []


@pytest.mark.parametrize("name", sorted(one.name for one in pkgutil.iter_modules(naftiko_run.cli.__path__)))
def test_every_option_says_what_it_is_for(name):
    parser = getattr(importlib.import_module(f"naftiko_run.cli.{name}"), "parser", None)
    if not callable(parser):
        return  # no verb, or one whose options are those of all verbs that ask a running process

    assert [action.dest for action in parser()._actions if not action.help] == []


# ---- nothing of one machine


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_names_nothing_that_only_one_machine_has(page):
    text = page.read_text()

    assert re.findall(r"(?<![\w.])/(?:home|root|work|Users|tmp)/[\w.-]+", text) == []
    assert re.findall(r"\.\./shared\b", text) == []
    assert re.findall(r"(?:^|\s)#\d+\b|\bissue \d+\b", text) == []
    assert re.findall(r"\b(?:[\w-]+\.)?(?:pypi|pythonhosted|npmjs|crates|rubygems|docker|ghcr)\.(?:org|com|io)\b", text) == []
