"""Reading: what a text becomes, where each value stands, and what is refused with which words."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.document.construction import Builder
from naftiko_run.document.reader import pure_event_source, read_document, read_text
from naftiko_run.errors import DocumentError
from naftiko_run.limits import DEFAULT_LIMITS, Limits

SMALL = replace(DEFAULT_LIMITS, file_bytes=1000, file_depth=5, file_events=50, file_scalar=40)


def refusal(text: str, limits: Limits = DEFAULT_LIMITS) -> DocumentError:
    with pytest.raises(DocumentError) as caught:
        read_text(text, file="cap.yaml", limits=limits)
    return caught.value


# ---- values


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("~", None), ("null", None), ("", None), ("true", True), ("False", False), ("yes", "yes"), ("on", "on"), ("off", "off"),
        ("12", 12), ("-3", -3), ("+3", 3), ("0x1F", 31), ("0o17", 15), ("-0x10", -16), ("1.5", 1.5),
        (".5", 0.5), ("1e3", 1000.0),
        ("2015-02-01", "2015-02-01"), ("12:30", "12:30"), ("1_000", "1_000"), (".inf", ".inf"), (".nan", ".nan"),
        ("1e999", "1e999"), ("1.2.3", "1.2.3"), ('"12"', "12"), ("'true'", "true"), ("9" * 65, "9" * 65), ("-.", "-."),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema(written, value):
    found = read_text(f"a: {written}\n", file="cap.yaml").plain()["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("written", ["1.10", "0123", "0x1F", "+3", "1e3"])
def test_a_number_reads_as_its_author_spelt_it(written):
    node = read_text(f"version: {written}\n", file="cap.yaml")

    assert node.get_text("version") == written


def test_keys_are_always_text():
    node = read_text("1: a\nnull: b\n2015-02-01: c\n1.0: d\n", file="x")

    assert list(node.value) == ["1", "null", "2015-02-01", "1.0"]


def test_a_mangled_on_key_stays_text_and_is_pointed_out():
    node = read_text("with:\n  true: '{{tools.on}}'\n", file="cap.yaml")

    assert node.plain() == {"with": {"true": "{{tools.on}}"}}
    assert str(node.findings[0]) == (
        "cap.yaml:2:3: warning W-YAML-KEY: the key 'true' is read as text\n"
        "  hint: it is probably 'on', mangled by a tool; quote the key to keep it"
    )


def test_a_quoted_true_key_is_not_pointed_out():
    assert read_text("'true': 1\n", file="cap.yaml").findings == []


# ---- places


def test_every_value_knows_its_line_column_and_path():
    text = "naftiko: '1'\ncapability:\n  exposes:\n    - type: rest\n      port: 8080\n    - {type: mcp, tools: [a, b]}\n"
    root = read_text(text, file="cap.yaml")
    exposes = root.get("capability").get("exposes")
    first, second = exposes.value

    assert str(first.get("port").location) == "cap.yaml:5:13"
    assert str(first.get("port").key_location) == "cap.yaml:5:7"
    assert first.get("port").path == "capability.exposes[0].port"
    assert str(second.get("tools").value[1].location) == "cap.yaml:6:30"
    assert second.get("tools").value[1].path == "capability.exposes[1].tools[1]"
    assert str(root.location) == "cap.yaml:1:1"
    assert root.path == ""


def test_columns_count_characters_not_bytes():
    root = read_text("é: {ü: 1, b: 2}\n", file="cap.yaml")

    assert root.get("é").get("b").location.column == 14


def test_both_parsers_build_the_same_tree():
    text = "a: [1, {b: 'x'}]\nc: |\n  block\nd: ~\n"

    pure = Builder(pure_event_source(text), "cap.yaml", DEFAULT_LIMITS).build()
    fast = read_text(text, file="cap.yaml")

    assert pure.plain() == fast.plain() == {"a": [1, {"b": "x"}], "c": "block\n", "d": None}
    assert [str(node.location) for node in pure.walk()] == [str(node.location) for node in fast.walk()]


# ---- refusals


@pytest.mark.parametrize(
    ("text", "code", "place", "said"),
    [
        ("a: 1\nb: &x 2\n", "E-ALIAS", "2:4", "anchors are not supported: '&x'"),
        ("a: &x {}\n", "E-ALIAS", "1:4", "anchors"),
        ("&k a: 1\n", "E-ALIAS", "1:1", "anchors"),
        ("a: *x\n", "E-ALIAS", "1:4", "aliases are not supported: '*x'"),
        ("a:\n  <<: {b: 1}\n", "E-ALIAS", "2:3", "merge keys"),
        ("a: 1\nb: 2\na: 3\n", "E-DUPLICATE-KEY", "3:1", "'a' is written twice"),
        ("a: !!str 1\n", "E-TAG", "1:4", "tags are not supported"),
        ("a: !mine {}\n", "E-TAG", "1:4", "tags"),
        ("!t a: 1\n", "E-TAG", "1:1", "tags"),
        ("a: 1\n---\nb: 2\n", "E-MULTI-DOCUMENT", "2:1", "more than one document"),
        ("", "E-EMPTY", "1:1", "empty"),
        ("# only words\n", "E-EMPTY", "1:1", "empty"),
        ("---\n...\n", "E-EMPTY", "1:1", "empty"),
        ("a: 1\nb: x\x00y\n", "E-CONTROL-CHARACTER", "2:5", "U+0000"),
        ("a: \x1b[1m\n", "E-CONTROL-CHARACTER", "1:4", "U+001B"),
        ('a: "x\\0"\n', "E-CONTROL-CHARACTER", "1:4", "control character"),
        ("a: \ud800\n", "E-CONTROL-CHARACTER", "1:4", "U+D800"),
        ("[a, b]: 1\n", "E-YAML", "1:1", "a key must be plain text"),
        ("a: b: c\n", "E-YAML", "1:5", "mapping values are not allowed"),
        ("a:\n\tb: 1\n", "E-YAML", "2:1", "cannot start any token"),
        ("a: [1, 2\n", "E-YAML", "2:1", "expected"),
        ("a: 'x\n", "E-YAML", "2:1", "quoted scalar"),
        ("a: @x\n", "E-YAML", "1:4", "cannot start any token"),
        ("%YAML 3.0\n---\na: 1\n", "E-YAML", "1:1", "incompatible YAML document"),
        ('a: "\\UFFFFFFFF"\n', "E-YAML", "1:7", "Unicode"),
    ],
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused_where_it_stands(text, code, place, said):
    error = refusal(text)

    assert error.code == code
    assert str(error.at) == f"cap.yaml:{place}"
    assert said in error.message


def test_a_duplicate_key_names_the_line_of_the_first():
    assert refusal("a: 1\nb: 2\na: 3\n").hint == "the first is at line 1, remove or rename one"


def test_a_line_that_is_indented_too_far_is_told_so():
    assert refusal("- name: find\n    method: GET\n").hint.startswith("indent this line like its neighbours, or quote")


def test_tabs_get_their_own_hint():
    assert refusal("a:\n\tb: 1\n").hint == "indent with spaces, YAML does not allow tabs"


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: " + "x" * 41, "1:4"),
        ("x" * 41 + ": 1", "1:1"),
        ("[" * 6 + "]" * 6, "1:6"),
        ("- " * 6 + "x", "1:11"),
        ("[" + "1," * 60 + "]", "1:102"),
        ("\n".join(f"k{n}: 1" for n in range(30)), "26:1"),
        ("# " + "é" * 600, "1:1"),
    ],
    ids=["text", "key", "depth", "block depth", "elements", "entries", "bytes"],
)
def test_every_limit_is_an_error_with_a_place(text, place):
    error = refusal(text, SMALL)

    assert error.code == "E-LIMIT"
    assert str(error.at) == f"cap.yaml:{place}"


@pytest.mark.parametrize(
    "text",
    ["[" * 200_000, "- " * 200_000, "{" * 200_000, "a: " * 100_000, "? " * 100_000, "'" * 300_000, "&a " * 100_000,
     "!" * 200_000, "[" + "a," * 500_000 + "]", "a:\n" * 100_000, "---\n" * 100_000,
     "\n" * 1_000_000, '"' + "\\n" * 500_000 + '"'],
    ids=["flow lists", "block lists", "flow maps", "colons", "question marks", "quotes", "anchors", "tags", "elements",
         "same key", "documents", "lines", "escapes"],
)  # fmt: skip
def test_hostile_texts_cost_no_hang_and_no_recursion(text):
    assert refusal(text).code.startswith("E-")


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.one_of(st.text(), st.text(alphabet="ab:-[]{}'\"&*!|>#%@`,?\n \t0.~<\\x\r\u2028\ufeff", max_size=80)))
def test_no_text_raises_anything_but_a_document_error(text):
    try:
        read_text(text, file="fuzz.yaml").plain()
    except DocumentError as error:
        assert str(error).startswith("fuzz.yaml:")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_document_error(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "fuzz.yaml"
    file.write_bytes(data)

    try:
        read_document(file)
    except DocumentError as error:
        assert error.code


# ---- files


def test_a_file_is_named_as_the_caller_likes(tmp_path):
    file = tmp_path / "cap.yaml"
    file.write_text("a: 1\n")

    root = read_document(file, display="shown.yaml")

    assert root.location.file == "shown.yaml"
    assert root.directory == tmp_path


@pytest.mark.parametrize("data", [b"\xef\xbb\xbfa: 1\n", b"a: 1\r\n"], ids=["byte order mark", "CRLF"])
def test_windows_files_are_read(tmp_path, data):
    file = tmp_path / "cap.yaml"
    file.write_bytes(data)

    assert read_document(file).plain() == {"a": 1}


def test_a_file_that_is_not_utf8_is_refused_at_the_character(tmp_path):
    file = tmp_path / "cap.yaml"
    file.write_bytes("a: 1\nb: é\n".encode("latin-1"))

    with pytest.raises(DocumentError) as caught:
        read_document(file, display="cap.yaml")

    assert (caught.value.code, str(caught.value.at)) == ("E-ENCODING", "cap.yaml:2:4")


def test_a_large_file_is_not_read_to_its_end(tmp_path):
    file = tmp_path / "cap.yaml"
    file.write_bytes(b"#" * 5000)

    with pytest.raises(DocumentError) as caught:
        read_document(file, limits=SMALL)

    assert caught.value.code == "E-LIMIT"


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    refused = {
        tmp_path: "is a directory",
        tmp_path / "none.yaml": "there is no file",
        tmp_path / "pipe": "not a regular file",
        tmp_path / ("x" * 300): "cannot be read",
        Path("\0"): "cannot be read",
    }
    for path, said in refused.items():
        with pytest.raises(DocumentError, match=said) as caught:
            read_document(path)
        assert caught.value.code == "E-FILE"
