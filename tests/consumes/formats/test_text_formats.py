"""JSON, text, binary, CSV and XML: the JSON value that each upstream body becomes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.consumes.formats.binary import parse_binary_size
from naftiko_run.consumes.formats.json import ROUNDED, compile_read_copied
from naftiko_run.consumes.formats.registry import FormatSettings, compile_decoder
from naftiko_run.errors import SpecError, UnresolvedReference, UpstreamBroken
from naftiko_run.limits import Limits
from naftiko_run.values import dump_json


def decode(name: str, body: bytes | str, content_type: str = "", **limits: int) -> object:
    settings = FormatSettings(limits=Limits(**limits))
    return compile_decoder(name, settings).decode(body.encode() if isinstance(body, str) else body, content_type)


def refused(name: str, body: bytes | str, **limits: int) -> str:
    started = time.process_time()
    with pytest.raises(UpstreamBroken) as caught:
        decode(name, body, **limits)
    assert time.process_time() - started < 1
    return caught.value.message


# ---- json


def test_integers_of_any_size_stay_exact():
    assert decode("json", '{"id": 12345678901234567890123, "n": -9223372036854775809, "f": 1.5}') == {
        "id": 12345678901234567890123,
        "n": -9223372036854775809,
        "f": 1.5,
    }


@pytest.mark.parametrize("body", ["NaN", "[Infinity]", "1e999", '{"a": NaN, "b": 11111111111111111111}', "{", "[1,]", "nul"])
def test_what_is_no_json_is_refused(body: str):
    assert refused("json", body) == "the upstream's body is not readable as json"


def test_the_last_of_a_repeated_key_wins():
    assert decode("json", '{"a": 1, "a": 2}') == {"a": 2}


def test_json_is_read_in_the_charset_it_is_sent_in():
    assert decode("json", '"é"'.encode("latin-1"), "application/json; charset=ISO-8859-1") == "é"
    assert decode("json", b"\xef\xbb\xbf[1]") == [1]
    assert decode("json", '["é"]'.encode("utf-16")) == ["é"]


def test_nesting_is_bounded_wherever_it_hides():
    assert decode("json", "[" * 128 + "]" * 128) is not None
    assert "deeper than 128" in refused("json", "[" * 129 + "]" * 129)
    assert "deeper than 128" in refused("json", '{"a":' * 129 + "1" + "}" * 129)
    assert "deeper than 128" in refused("json", "[" * 200_000)
    assert "deeper than 3" in refused("json", '["[", [[[ ]]]]', response_json_depth=3)


def test_brackets_inside_strings_are_not_nesting():
    assert decode("json", '["' + "[" * 500 + r"\"[\\" + '", {}]') == ["[" * 500 + '"[\\', {}]


def test_a_flood_of_empty_objects_is_refused():
    assert "1,000,000 objects" in refused("json", "[" + "{}," * 3_000_000 + "{}]")


@given(st.integers(min_value=2**64) | st.integers(max_value=-(2**63) - 1))
def test_an_integer_that_a_quick_reading_rounds_shows_when_it_is_written(number: int):
    try:
        document = compile_read_copied(9)(b'{"a": [%d]}' % number)
    except ValueError:  # beyond any double: read in full
        return
    assert ROUNDED in dump_json(document)


@given(st.integers(min_value=-(2**63), max_value=2**64 - 1))
def test_any_other_integer_is_read_exactly(number: int):
    assert compile_read_copied(9)(b'{"a": [%d]}' % number) == {"a": [number]}


def test_a_quick_reading_holds_the_same_limits():
    with pytest.raises(UpstreamBroken, match="deeper than 3"):
        compile_read_copied(3)(b"[[[[]]]]")
    assert compile_read_copied(3)(b"[[], [], [], [], []]") == [[], [], [], [], []]


# ---- text and binary


def test_text_is_one_string_in_the_named_charset():
    assert decode("text", "naïve".encode("cp1252"), "text/plain; charset=windows-1252") == "naïve"
    assert decode("text", b"\xff\xfea\x00") == "a"


def test_a_charset_this_runtime_does_not_read_counts_as_utf_8():
    assert decode("text", "é", "text/plain; charset=punycode") == "é"
    assert decode("text", "é", 'text/plain; charset="../../etc"') == "é"


def test_binary_stays_the_bytes_it_is():
    decoder = compile_decoder("BINARY", FormatSettings())

    assert decoder.binary
    assert decoder.decode(b"\x00\xff", "image/png") == b"\x00\xff"


@pytest.mark.parametrize(
    ("text", "size"), [("10MiB", 10 << 20), ("1.5KiB", 1536), ("100B", 100), ("7", 7), ("2 GiB", 2 << 30), (" 1KiB ", 1024)]
)
def test_binary_sizes_are_read(text: str, size: int):
    assert parse_binary_size(text) == size


@pytest.mark.parametrize("text", ["", "MiB", "10MB", "-1B", "0", "1e9", "10 mib", "9" * 400])
def test_what_is_no_size_is_the_authors_mistake(text: str):
    with pytest.raises(SpecError) as caught:
        parse_binary_size(text)

    assert caught.value.code == "E-BINARY-SIZE"


# ---- csv, tsv, psv


def test_a_header_row_gives_the_names():
    assert decode("csv", "id,name\n1,Ada\n") == [{"id": "1", "name": "Ada"}]
    assert decode("tsv", 'a\tb\r\n1\t"x\ty"\r\n') == [{"a": "1", "b": "x\ty"}]


def test_values_are_neither_trimmed_nor_typed():
    assert decode("psv", "a|b\n1| 2") == [{"a": "1", "b": " 2"}]


def test_quotes_hold_separators_line_ends_and_quotes():
    assert decode("csv", 'a,b\n"x,1","line\nend ""q"""\n') == [{"a": "x,1", "b": 'line\nend "q"'}]


def test_a_short_row_leaves_names_out_and_a_long_one_is_refused():
    assert decode("csv", "a,b\n1\n\n2,3\n") == [{"a": "1"}, {"a": "2", "b": "3"}]
    assert refused("csv", "a,b\n1,2,3\n") == "row 2 of the upstream's table has 3 cells and the header 2"


def test_tables_are_bounded_in_rows_columns_cells_and_length():
    assert "rows" in refused("csv", "a\n" + "1\n" * 100_001)
    assert "columns" in refused("csv", "," * 1_000)
    assert "cells" in refused("csv", ("," * 999 + "\n") * 10_000)
    assert "longer than" in refused("csv", "a\n" + "x" * 70_000)
    assert "cannot be read" in refused("csv", "a\n" + "x" * 200_000)


# ---- xml


def test_the_shape_of_xml():
    assert decode("xml", '<r n="2"><i k="a">x</i><i k="b">y</i><e/></r>') == {
        "n": "2",
        "i": [{"k": "a", "": "x"}, {"k": "b", "": "y"}],
        "e": "",
    }


def test_one_element_is_no_array_and_text_is_no_number():
    assert decode("xml", "<list><item>1</item></list>") == {"item": "1"}
    assert decode("xml", "<n>42</n>") == "42"
    assert decode("xml", "<n/>") == ""


def test_prefixes_comments_and_instructions_are_dropped():
    body = '<?xml version="1.0"?><a:r xmlns:a="u" xmlns="v" a:k="1"><!-- c --><?p i?><a:b><![CDATA[<x>]]></a:b>\n</a:r>'

    assert decode("xml", body) == {"k": "1", "b": "<x>"}


def test_xml_is_read_in_its_own_charset():
    assert decode("xml", '<?xml version="1.0" encoding="ISO-8859-1"?><a>é</a>'.encode("latin-1")) == "é"
    assert decode("xml", "<a>é</a>".encode("latin-1"), "text/xml; charset=iso-8859-1") == "é"


@pytest.mark.parametrize(
    "body",
    [
        '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><x/>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "http://127.0.0.1/">]><r>&x;</r>',
        "<!DOCTYPE html><html/>",
    ],
    ids=["entities", "system", "external", "html"],
)
def test_a_document_type_is_refused(body: str):
    assert "document type" in refused("xml", body)


def test_xml_is_bounded_in_depth_and_number():
    assert decode("xml", "<a>" * 128 + "</a>" * 128) is not None
    assert "deeper than 128" in refused("xml", "<a>" * 129 + "</a>" * 129)
    assert "400,000" in refused("xml", "<a>" + "<b/>" * 2_000_000 + "</a>")


@pytest.mark.parametrize("body", ["<a>", "<a></b>", "plain", "<a/><b/>", "<a>&nbsp;</a>", "<a b=1/>", "\x00"])
def test_what_is_not_well_formed_is_refused(body: str):
    assert refused("xml", body) == "the upstream's body is not well-formed XML"


# ---- all


@pytest.mark.parametrize("name", ["json", "text", "binary", "xml", "csv", "yaml"])
def test_an_empty_body_is_nothing(name: str):
    assert decode(name, b"") is None


def test_an_unknown_format_is_reported_with_the_nearest():
    with pytest.raises(UnresolvedReference) as caught:
        compile_decoder("jsn", FormatSettings())

    assert caught.value.message == "unknown raw format 'jsn'"
    assert caught.value.hint == "did you mean 'json'?"
