"""A caller's raw values become typed inputs, or one error that names every wrong one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.errors import InvalidInputs, MalformedRequest
from naftiko_run.flows.binding import HttpInputs, bind_arguments, bind_http, compile_binder, parse_query
from naftiko_run.flows.inputs import InputParameter, Source
from naftiko_run.limits import Limits


@pytest.mark.parametrize(
    ("kind", "given_", "value"),
    [
        ("string", 7, "7"),
        ("string", True, "true"),
        ("integer", "7", 7),
        ("integer", "-7", -7),
        ("integer", 7.0, 7),
        ("number", "1.5e3", 1500.0),
        ("number", 3, 3),
        ("boolean", "true", True),
        ("boolean", "0", False),
        ("boolean", 1, True),
        ("array", '["a"]', ["a"]),
        ("array", "a", ["a"]),
        ("object", '{"a": 1}', {"a": 1}),
        ("object", [1], [1]),
        ("any", None, None),
    ],
)
def test_text_that_is_the_declared_type_is_accepted(kind, given_, value):
    assert bind_arguments([InputParameter(name="x", type=kind)], {"x": given_}) == {"x": value}


@pytest.mark.parametrize(
    ("kind", "given_", "message"),
    [
        ("integer", "7a", "must be an integer"),
        ("integer", 1.5, "must be an integer"),
        ("integer", True, "must be an integer"),
        ("number", "x", "must be a number"),
        ("boolean", "maybe", "must be true or false"),
        ("object", "x", "must be an object"),
        ("string", {"a": 1}, "must be text"),
        ("array", {"a": 1}, "must be an array"),
        ("integer", "٣", "must be an integer"),
    ],
)
def test_anything_else_is_an_error(kind, given_, message):
    with pytest.raises(InvalidInputs, match=message):
        bind_arguments([InputParameter(name="x", type=kind)], {"x": given_})


def test_every_wrong_input_is_named_at_once():
    inputs = [
        InputParameter(name="a", required=True),
        InputParameter(name="b", type="integer"),
        InputParameter(name="c", enum=("x", "y")),
        InputParameter(name="d", pattern="^a+$"),
        InputParameter(name="e", type="number", minimum=1, maximum=2),
    ]
    with pytest.raises(InvalidInputs) as caught:
        bind_arguments(inputs, {"b": "x", "c": "z", "d": "b", "e": 3})

    assert caught.value.message == (
        "a: is required; b: must be an integer; c: must be one of x, y; d: must match ^a+$; e: must be at most 2"
    )


def test_defaults_and_constants_are_filled_in():
    inputs = [InputParameter(name="a", default=5), InputParameter(name="b", constant="fixed")]

    assert bind_arguments(inputs, {"b": "caller's"}) == {"a": 5, "b": "fixed"}


def test_a_null_for_an_optional_input_counts_as_absent():
    assert bind_arguments([InputParameter(name="a")], {"a": None}) == {}


def rest(*inputs: InputParameter, **sent: object) -> dict[str, object]:
    request = {"path": {}, "query": "", "headers": [], "body": b"", **sent}
    return bind_http(compile_binder(inputs), HttpInputs(**request))  # type: ignore[arg-type]  # fields by name


def one(place: str, kind: str = "string", **more: object) -> InputParameter:
    return InputParameter(name="x", type=kind, sources=(Source(place=place, key="x"),), **more)  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        ("path", {"path": {"x": "v"}}),
        ("query", {"query": "x=v"}),
        ("header", {"headers": [("x", "v")]}),
        ("cookie", {"headers": [("cookie", "a=b; x=v")]}),
        ("body", {"body": b'{"x": "v"}'}),
        ("body", {"body": b"x=v", "headers": [("content-type", "application/x-www-form-urlencoded")]}),
    ],
)
def test_an_input_is_read_from_its_place(place, sent):
    assert rest(one(place), **sent) == {"x": "v"}


@pytest.mark.parametrize(("query", "value"), [("x=1&x=2", ["1", "2"]), ("x=1", ["1"]), ("x=%5B1%5D", [1])])
def test_an_array_repeats_its_key_or_is_json(query, value):
    assert rest(one("query", "array"), query=query) == {"x": value}


def test_a_jsonpath_reads_out_of_the_body():
    assert rest(InputParameter(name="x", type="any", json_path="$.a.b"), body=b'{"a": {"b": [1]}}') == {"x": [1]}


@pytest.mark.parametrize("body", [b"{", b"nope", b"[" * 100 + b"]" * 100], ids=["cut", "text", "too deep"])
def test_a_body_that_cannot_be_read_is_malformed(body):
    with pytest.raises(MalformedRequest):
        rest(one("body"), body=body)


def test_too_many_form_fields_are_refused():
    sent = HttpInputs({}, "", [("content-type", "application/x-www-form-urlencoded")], b"a=1&b=2&c=3")

    with pytest.raises(MalformedRequest, match="more than 2 fields"):
        bind_http(compile_binder([one("body")]), sent, Limits(form_fields=2))


def test_an_error_says_where_the_input_was_looked_for():
    with pytest.raises(InvalidInputs) as caught:
        rest(one("query", required=True))

    assert caught.value.errors == [{"name": "x", "in": "query", "message": "is required"}]


@settings(deadline=None)
@given(st.text(alphabet="ab&=+%20;é", max_size=40))
def test_no_query_makes_reading_fail(text):
    assert all(isinstance(value, str) for values in parse_query(text).values() for value in values)
