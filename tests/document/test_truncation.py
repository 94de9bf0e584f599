"""Files that were cut when they were published: refused with the whole one's address, or served without the damaged unit."""

from __future__ import annotations

import pytest

from naftiko_run.document.reader import read_text
from naftiko_run.errors import DocumentError

MARK = "# --- truncated at 32 KB (78 KB total) ---\n# Full source: https://files.test/full.yaml\n"
TOOLS = """capability:
  exposes:
    - type: mcp
      tools:
        - name: one
          call: a.one
        - name: two
          call: a.two
          with:
            id: to
"""


def test_a_cut_file_that_does_not_parse_names_the_full_source():
    with pytest.raises(DocumentError) as caught:
        read_text("a:\n  b: 'cut in the mid\n" + MARK, file="cap.yaml")

    assert str(caught.value) == (
        "cap.yaml:3:1: error E-TRUNCATED: the file was cut at 32 KB when it was published (marker at line 3)\n"
        "  hint: get the full file from https://files.test/full.yaml"
    )


def test_a_cut_file_that_parses_loses_the_tool_it_was_cut_in():
    root = read_text(TOOLS + MARK, file="cap.yaml")

    assert [name for name, _ in root.get("capability").get("exposes").value[0].named("tools")] == ["one"]
    finding = root.findings[0]
    assert (finding.code, finding.severity, finding.at.line) == ("W-TRUNCATED", "warning", 11)
    assert "capability.exposes[0].tools[1] is incomplete and ignored" in finding.message
    assert finding.hint == "get the full file from https://files.test/full.yaml"


@pytest.mark.parametrize(
    ("tail", "left"),
    [
        ("    inputParameters: [{name: x, type: s}]\n", {"inputParameters": []}),
        ("    inputParameters:\n      x: {type: s}\n", {}),
        ("    outputParameters:\n    - type: obj\n", {"outputParameters": []}),
    ],
    ids=["an input", "inputs by name", "an output"],
)
def test_a_tool_cut_after_its_call_while_it_was_described_loses_only_that(tail, left):
    root = read_text("tools:\n  - name: one\n    call: a.one\n" + tail + MARK, file="cap.yaml")

    assert root.plain() == {"tools": [{"name": "one", "call": "a.one", **left}]}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a:\n- {b: 1}\n- {b: 2, c: {d: que}}\n", {"a": [{"b": 1}]}),
        ("info:\n  label: X\n  description: Ha\n", {"info": {"label": "X"}}),
        ("resources:\n- name: a\n  operations:\n  - name: b\n    inputParameters:\n    - {name: c, in: que}\n",
         {"resources": [{"name": "a", "operations": []}]}),
        ("tools:\n  one: {call: a.b}\n  two: {cal: a}\n", {"tools": {"one": {"call": "a.b"}}}),
    ],
    ids=["list element", "key", "operation rather than its input", "map of tools"],
)  # fmt: skip
def test_the_smallest_unit_that_could_mislead_is_left_out(text, left):
    assert read_text(text + MARK, file="cap.yaml").plain() == left


def test_a_cut_without_a_source_still_says_so():
    root = read_text("a: [1]\n# --- truncated at 32 KB (40 KB total) ---\n", file="cap.yaml")

    assert root.findings[0].hint == "get the full file from its author"


def test_a_file_that_is_cut_to_nothing_is_read():
    assert read_text("[]\n" + MARK, file="cap.yaml").plain() == []
