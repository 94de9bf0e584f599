"""JSON written as text: whatever the values are, the result is the JSON the author drew."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.consumes.bodies import RawBody
from naftiko_run.errors import SpecError
from naftiko_run.expressions.json_text import compile_json_text
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def shown(text: str, **inputs: object) -> str:
    return compile_json_text(text, Names()).render_lenient(Scope(inputs))


def test_a_raw_value_is_json_of_its_type():
    assert shown('{"n":{{n}}}', n=3) == '{"n":3}'
    assert shown('{"ids": {{ids}}}', ids=["a"]) == '{"ids": ["a"]}'
    assert shown('{"n":{{n}}}', n="3") == '{"n":3}'


def test_text_where_a_value_belongs_becomes_a_string():
    assert shown('{"n":{{n}}}', n='1,"admin":true') == '{"n":"1,\\"admin\\":true"}'


def test_a_missing_value_is_null_and_a_missing_text_is_empty():
    assert shown('{"n":{{n}},"s":"<{{s}}>"}') == '{"n":null,"s":"<>"}'


def test_a_quote_behind_a_backslash_does_not_end_the_string():
    assert json.loads(shown(r'{"a":"\"{{x}}\\","b":{{x}}}', x='"')) == {"a": '"""\\'.replace('"""', '""'), "b": '"'}


def test_a_body_that_was_not_decoded_is_written_as_the_json_it_is():
    body = RawBody(b'{"a": 1}')

    assert shown('{"x": {{body}}}', body=body) == '{"x": {"a": 1}}'
    assert shown('{"x": "{{body}}"}', body=body) == '{"x": "{\\"a\\": 1}"}'


def test_sections_write_valid_json_too():
    text = '{"l":[{{#l}}{"n":"{{n}}","v":{{v}}}{{^-last}},{{/-last}}{{/l}}]}'

    assert json.loads(shown(text, l=[{"n": 'a"b', "v": 1}, {"n": "c"}])) == {"l": [{"n": 'a"b', "v": 1}, {"n": "c", "v": None}]}


def test_a_section_with_half_a_string_is_refused():
    with pytest.raises(SpecError, match="opens a JSON string"):
        compile_json_text('{"a":{{#x}}"{{/x}}b"}', Names())


@settings(deadline=None, database=None)
@given(values, values)
def test_no_value_changes_the_structure(first, second):
    read = json.loads(shown('{"a": "x{{a}}y", "b": [{{b}}], "c": 1}', a=first, b=second))

    assert list(read) == ["a", "b", "c"]
    assert isinstance(read["a"], str)
    assert len(read["b"]) == 1
    assert read["c"] == 1
