"""JSON in and out: exact where JSON is exact, refused where it is not JSON, and never half a document."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.values import depth_exceeds, dump_json, load_json

LONG = 12345678901234567890123
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(VALUES)
def test_what_is_written_is_read_again(value):
    assert load_json(dump_json(value)) == value


@pytest.mark.parametrize("text", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "[1,]", "", "{'a':1}", "\ufeff1", "01"])
@pytest.mark.parametrize("beside", ["%s", "[%s,12345678901234567890123]"], ids=["alone", "beside a long integer"])
def test_what_is_not_json_or_no_double_is_refused(beside, text):
    with pytest.raises(ValueError):
        load_json(beside % text if text else text)


@pytest.mark.parametrize("raw", [b'[12345678901234567890123,"\xff"]', "[12345678901234567890123]".encode("utf-16")], ids=repr)
def test_bytes_that_are_no_utf_8_are_refused(raw):
    with pytest.raises(ValueError):
        load_json(raw)


@pytest.mark.parametrize("digits", [5000, 100_000])
def test_an_integer_of_thousands_of_digits_is_refused(digits):
    with pytest.raises(ValueError):
        load_json("1" * digits)


def test_depth_is_refused_with_and_without_long_integers():
    for inner in ("1", str(LONG)):
        with pytest.raises(ValueError):
            load_json("[" * 100_000 + inner + "]" * 100_000)


@pytest.mark.parametrize("number", [2**53 + 1, 2**63, 2**64, 2**64 + 1, -(2**63) - 1, LONG, 10**18, 10**19])
def test_integers_stay_exact(number):
    assert load_json(str(number)) == number
    assert dump_json([number]) == b"[%d]" % number


def test_doubles_beside_long_integers_are_read_as_doubles():
    assert load_json(f"[1.5,1e308,{LONG}]") == [1.5, 1e308, LONG]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a\ud800b", "a\ufffdb"),
        ("\udc00", "\ufffd"),
        ("\ud83d\ude00", "\U0001f600"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\u20ac\ud800", "\u20ac\ufffd"),
    ],
    ids=ascii,
)
def test_half_a_surrogate_pair_is_replaced(text, written):
    assert json.loads(dump_json({text: [text, 1]})) == {written: [written, 1]}


def test_what_is_no_number_is_null_whatever_stands_beside_it():
    values = [float("nan"), float("inf"), (1.5, {"a": -float("inf")})]

    assert dump_json(values) == b'[null,null,[1.5,{"a":null}]]'
    assert dump_json([*values, LONG]) == b'[null,null,[1.5,{"a":null}],%d]' % LONG


def test_keys_that_are_no_text_become_text():
    assert dump_json({1: "a", None: "c", 2: LONG}) == b'{"1":"a","null":"c","2":%d}' % LONG


def test_what_json_cannot_hold_is_a_type_error():
    with pytest.raises(TypeError):
        dump_json({"a": object()})


@pytest.mark.parametrize(
    ("raw", "deepest"),
    [(b"1", 0), (b"[]", 1), (b'{"a":[{}]}', 3), (b'"[[["', 0), (b'["\\"[[["]', 1), (b"[[],[],[]]", 2), (b"[" * 50, 50)],
    ids=repr,
)
def test_depth_counts_brackets_outside_strings(raw, deepest):
    assert [depth_exceeds(raw, limit) for limit in range(deepest + 2)] == [True] * deepest + [False] * 2
