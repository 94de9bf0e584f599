"""Operations: arguments in, the exact upstream request out, without a network."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.errors import MalformedRequest
from plan import compile_text, header, path_of, query_of, service

FIND = """
- name: find
  method: GET
  inputParameters:
  - {name: $select, in: query, type: array}
  - {name: 'ids[]', in: query, type: array}
  - {name: tag, in: query, type: array}
  - {name: filter, in: query, type: object}
  - {name: q, in: query}
  - {name: X-Note, in: header}
  - {name: session, in: cookie}
"""


def find(**arguments: object):
    return compile_text(service(FIND)).request("shop.find", **arguments)


@pytest.mark.parametrize(
    ("name", "value", "raw"),
    [
        ("tag", ["a", "b c"], "tag=a&tag=b+c"),
        ("$select", ["id", "name"], "$select=id%2Cname"),
        ("ids[]", [1, 2], "ids[]=1&ids[]=2"),
        ("filter", {"a": [1]}, "filter=%7B%22a%22%3A%5B1%5D%7D"),
        ("q", "é&=+/ü", "q=%C3%A9%26%3D%2B%2F%C3%BC"),
        ("q", True, "q=true"),
        ("q", "", "q="),
    ],
)
def test_query_values_are_written_the_way_their_names_ask_for(name, value, raw):
    assert find(**{name: value}).target == f"/things?{raw}"


def test_what_nobody_gives_is_not_sent():
    request = find(q=None)

    assert (request.target, request.headers, request.body) == ("/things", [], None)


@settings(deadline=None)
@given(st.text())
def test_no_value_adds_a_query_pair(value):
    request = find(q=value, tag=["x"])

    assert [name for name, _ in query_of(request)] == ["tag", "q"]


@settings(deadline=None)
@given(st.text())
def test_header_values_are_printable_ascii_or_refused(value):
    try:
        sent = header(find(**{"X-Note": value}), "X-Note")
    except MalformedRequest:
        assert re.search(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]", value)
        return

    assert sent is not None
    assert re.fullmatch(r"[\t\x20-\x7e]*", sent)


def test_text_beyond_ascii_is_percent_encoded_in_headers_and_cookies():
    request = find(**{"X-Note": "é 1", "session": "a;b"})

    assert (header(request, "x-note"), header(request, "cookie")) == ("%C3%A9 1", "session=a%3Bb")


def test_an_argument_that_nothing_declares_becomes_query():
    assert query_of(find(page=2)) == [("page", "2")]


@pytest.mark.parametrize("name", ["Host", "Content-Length", "Connection", "Accept-Encoding", "Transfer-Encoding"])
def test_headers_of_the_connection_are_nobodys_input(name):
    operation = compile_text(service([{"name": "find", "inputParameters": [{"name": name, "in": "header"}]}])).operation(
        "shop.find"
    )

    assert operation.parameters == ()
    assert name.lower() in operation.withheld


@pytest.mark.parametrize(
    ("authentication", "declared"),
    [
        ({"type": "bearer", "token": "t"}, {"name": "Authorization", "in": "header", "required": True}),
        ({"type": "apikey", "key": "X-Key", "value": "t"}, {"name": "x-key", "in": "header", "required": True}),
        (
            {"type": "apikey", "in": "query", "name": "apikey", "value": "t"},
            {"name": "apikey", "in": "query", "required": True},
        ),
        ({"type": "apikey", "key": "id", "value": "t", "placement": "body"}, {"name": "id", "in": "body", "required": True}),
        ({"type": "apikey", "key": "sid", "value": "t", "placement": "cookie"}, {"name": "sid", "in": "cookie"}),
    ],
    ids=["bearer", "header", "query", "body", "cookie"],
)
def test_what_the_authentication_owns_is_asked_of_no_caller(authentication, declared):
    operation = {"name": "find", "method": "POST", "inputParameters": [declared, {"name": "q", "in": "query"}]}
    plan = compile_text(service([operation], authentication=authentication))

    assert [p.name for p in plan.operation("shop.find").parameters if p.declared] == ["q"]
    assert not any(one.required for one in plan.tool("find").flow.inputs)


@pytest.mark.parametrize("name", ["Accept", "Content-Type", "User-Agent"])
def test_a_header_that_the_client_sets_itself_is_never_required(name):
    declared = {"name": name, "in": "header", "required": True}
    tool = {
        "name": "find",
        "call": "shop.find",
        "with": {name: f"tools.{name}"},
        "inputParameters": [{"name": name, "required": True}],
    }
    plan = compile_text(service([{"name": "find", "inputParameters": [declared]}], tools=[tool]))

    assert [one.required for one in plan.tool("find").flow.inputs] == [False]
    assert header(plan.request("shop.find", **{name: "text/x"}), name) == "text/x"


def test_a_name_in_two_places_has_two_keys():
    operation = {"name": "find", "inputParameters": [{"name": "name", "in": "path"}, {"name": "name", "in": "query"}]}
    request = compile_text(service([operation], path="/x/{name}")).request("shop.find", name="a", name_query="b")

    assert (path_of(request), query_of(request)) == ("/x/a", [("name", "b")])


def test_an_undeclared_path_variable_is_a_required_input():
    (parameter,) = compile_text(service([{"name": "find"}], path="/x/{thing-id}")).operation("shop.find").parameters

    assert (parameter.name, parameter.place, parameter.required, parameter.declared) == ("thing-id", "path", True, False)


def test_a_path_input_fills_the_variable_that_is_spelt_otherwise():
    operation = {"name": "find", "inputParameters": [{"name": "thingId", "in": "path"}]}
    plan = compile_text(service([operation], path="/x/{thing_id}"))

    assert path_of(plan.request("shop.find", thing_id="7")) == "/x/7"


def test_a_discriminator_in_the_path_is_a_header_that_no_caller_sets():
    operation = {
        "name": "run",
        "method": "POST",
        "inputParameters": [{"name": "X-Amz-Target", "in": "header", "required": True}],
    }
    request = compile_text(service([operation], path="/#X-Amz-Target=Svc.Op")).request("shop.run", body={})

    assert (request.target, header(request, "x-amz-target")) == ("/", "Svc.Op")


def test_fixed_values_are_templates_over_arguments_and_variables():
    operation = {
        "name": "find",
        "inputParameters": [
            {"name": "v", "in": "query", "value": "1"},
            {"name": "by", "in": "query", "value": "{{tools.who}}-{{env.TEAM}}"},
        ],
    }
    request = compile_text(service([operation])).request("shop.find", {"TEAM": "red"}, who="ada")

    assert query_of(request) == [("v", "1"), ("by", "ada-red")]


def test_credentials_in_the_path_do_not_travel_as_query():
    plan = compile_text(
        service(
            [{"name": "find"}],
            path="/bot{token}/me",
            authentication={"type": "apikey", "key": "token", "value": "t", "placement": "path"},
        )
    )

    assert plan.request("shop.find", token="s3").target == "/bots3/me"  # what the engine adds to the arguments


def test_values_of_base_uri_variables_do_not_travel_as_query():
    assert (
        compile_text(service([{"name": "find"}], baseUri="https://{region}.api.test")).request("shop.find", region="eu").target
        == "/things"
    )


def test_static_headers_of_the_target_give_way_to_an_input():
    plan = compile_text(service([{"name": "find", "inputParameters": [{"name": "X-V", "in": "header"}]}]))
    operation = plan.operation("shop.find")
    from dataclasses import replace

    from plan import TARGET

    request = operation.request({"X-V": "2"}, replace(TARGET, headers=(("x-v", "1"),)), {})

    assert request.headers == [("X-V", "2")]


def test_a_body_template_is_filled_with_types_kept():
    operation = {
        "name": "add",
        "method": "POST",
        "body": {"type": "json", "data": {"n": "{{tools.n}}", "t": "a-{{tools.s}}", "gone": "{{tools.x}}"}},
    }
    request = compile_text(service([operation])).request("shop.add", n=7, s='"q"')

    assert json.loads(request.body or b"") == {"n": 7, "t": 'a-"q"'}
    assert header(request, "content-type") == "application/json"
