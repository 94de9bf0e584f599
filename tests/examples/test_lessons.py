"""Every lesson under examples/ does what its page says: started as a process, called with the page's own commands."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from lessons import EXAMPLES, LESSONS, served

from naftiko_run.capability import load


def meaning(output: str) -> object:
    """JSON as data, so that a page may be laid out for reading; anything else as text."""
    try:
        return json.loads(output)
    except ValueError:
        return output.strip()


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_answers_as_its_page_says(name):
    with served(name) as lesson:
        asked = [command for command in lesson.commands if not command.starts_the_server]
        for command in asked:
            assert meaning(lesson.run(command)) == meaning(command.output), command.text

    assert len(asked) > 1


@pytest.mark.parametrize("name", LESSONS)
def test_a_lesson_has_nothing_to_be_said_about_it(name):
    assert [str(finding) for finding in load(EXAMPLES / name / "capability.yaml").findings] == []


def test_the_lessons_are_numbered_and_lead_to_each_other():
    assert [name.partition("-")[0] for name in LESSONS] == [f"{number:02}" for number in range(1, 12)]
    index = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    for name, following in zip(LESSONS, [*LESSONS[1:], ""], strict=True):
        page = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
        assert f"({name}/README.md)" in index
        assert f"(../{following}/README.md)" in page if following else "docs/language.md" in page


def test_every_link_of_a_page_leads_somewhere():
    for page in EXAMPLES.rglob("README.md"):
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"
