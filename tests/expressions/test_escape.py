"""Escaping: a value cannot leave the place it was put in."""

from __future__ import annotations

import json
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.errors import MalformedRequest
from naftiko_run.expressions import escape

quick = settings(deadline=None, database=None)
text = st.text(alphabet=st.characters(exclude_categories=["Cs"]))
printable = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]))


@quick
@given(text)
def test_a_json_string_reads_back_as_the_text(value):
    assert json.loads(f'"{escape.json_string(value)}"') == value


@quick
@given(printable)
def test_xml_reads_back_as_the_text(value):
    if any(ord(character) in (0xFFFE, 0xFFFF) for character in value):
        return  # no XML document can hold these two

    document = ElementTree.fromstring(f'<a b="{escape.xml(value)}">{escape.xml(value)}</a>')

    assert (document.text or "", document.get("b")) == (value, value)


@quick
@given(printable)
def test_a_path_value_is_one_segment_and_reads_back(value):
    if value in ("", ".", ".."):
        return

    encoded = escape.path_segment(value)

    assert unquote(encoded) == value
    assert not set(encoded) & set("/?#&=;:@+$, \\%{}".replace("%", ""))


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "a\x00", "\x7f", "a\x85"])
def test_a_path_value_that_could_change_the_path_is_refused_by_name(value):
    with pytest.raises(MalformedRequest, match="path parameter 'id'"):
        escape.path_segment(value, "id")


def test_a_lone_surrogate_does_not_escape_our_errors():
    assert escape.path_segment("a\ud800") == "a%3F"
    assert escape.json_string("\ud800") == "\\ud800"


def test_only_a_name_with_a_plus_keeps_slashes():
    assert escape.path_segments("properties/12 34") == "properties/12%2034"
    for value in ("a//b", "../x", "a/./b", "/a", "a/"):
        with pytest.raises(MalformedRequest):
            escape.path_segments(value, "name")


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\x00", "\x7f", "a\u0085"])
def test_a_header_value_has_no_control_characters(value):
    with pytest.raises(MalformedRequest) as caught:
        escape.header_value(value, "X-K")

    assert value not in str(caught.value)


def test_a_header_value_beyond_ascii_is_percent_encoded():
    assert escape.header_value("é 100%", "X-K") == "%C3%A9 100%"


def test_a_good_header_value_is_unchanged():
    assert escape.header_value("Bearer a\t~ b", "X-K") == "Bearer a\t~ b"


@pytest.mark.parametrize(
    "name", ["Host", "content-length", "Transfer-Encoding", "Connection", "Upgrade", "a b", "", "x:y", "é"]
)
def test_headers_of_the_connection_and_malformed_names_cannot_be_set(name):
    assert not escape.settable_header(name)


def test_other_headers_can_be_set():
    assert escape.settable_header("X-Api-Key")


@quick
@given(st.text(alphabet="./%2e\\?#a;:\u2024\uff0f"))
def test_no_value_adds_or_removes_a_segment(value):
    try:
        path = f"/a/{escape.path_segment(value)}/b/{escape.path_segment(value)}.json"
    except MalformedRequest:
        return

    segments = path.split("/")
    assert (len(segments), segments[1], segments[3]) == (5, "a", "b")
    assert not set(path) & set("?#\\")
    assert segments[2] not in ("", ".", "..")
