"""YAML bodies: the first document, typed as JSON; everything clever is refused."""

from __future__ import annotations

import time

import pytest

from naftiko_run.consumes.formats.registry import FormatSettings, compile_decoder
from naftiko_run.errors import UpstreamBroken


def decode(body: str) -> object:
    return compile_decoder("yaml", FormatSettings()).decode(body.encode())


def test_scalars_are_typed_as_json_has_them():
    body = """
    number: [1, -2, 1.5, 1e3, .5, 12345678901234567890123]
    text: ["1", yes, 2024-01-31, 0x1F, .inf, 1_000, ~x, !!str 5]
    words: [true, FALSE, null, ~, ]
    block: |
      line
    """
    assert decode(body) == {
        "number": [1, -2, 1.5, 1000.0, 0.5, 12345678901234567890123],
        "text": ["1", "yes", "2024-01-31", "0x1F", ".inf", "1_000", "~x", "5"],
        "words": [True, False, None, None],
        "block": "line\n",
    }


def test_only_the_first_document_counts():
    assert decode("---\na: 1\n---\nb: 2\n") == {"a": 1}
    assert decode("# nothing\n") is None
    assert decode("[]") == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("a: &x [1]\nb: *x\n", "alias"),
        ("a: &a [l,l]\nb: &b [*a,*a]\nc: [*b,*b]\n", "alias"),
        ("<<: {a: 1}\n", "merge key"),
        ("a: 1\na: 2\n", "repeated"),
        ("? [a]\n: 1\n", "key"),
        ("[" * 100 + "]" * 100, "deeper than 64"),
        ("- 1\n" * 300_000, "200,000"),
        ("[" * 500_000, "deeper"),
        ("{a: [}", "not readable"),
        ("a: \x01", "not readable"),
        ("\t- a", "not readable"),
    ],
    ids=["alias", "bomb", "merge", "repeated", "complex-key", "deep", "long", "open", "broken", "control", "tab"],
)
def test_what_is_refused(body: str, said: str):
    started = time.process_time()

    with pytest.raises(UpstreamBroken, match=said):
        decode(body)

    assert time.process_time() - started < 1


def test_a_tag_makes_no_object():
    assert decode("!!python/object/apply:os.system [echo]") == ["echo"]
