"""``with`` and what it leaves out: the inputs a tool or a REST operation asks for, and the request they become."""

from __future__ import annotations

import json

import pytest

from naftiko_run.errors import InvalidInputs, MalformedRequest
from naftiko_run.exposes.mcp.schemas import input_schema
from naftiko_run.flows.binding import HttpInputs, bind_arguments, bind_http, compile_binder
from plan import Plan, compile_text, path_of, query_of, sent_by, service

FIND = {
    "name": "find",
    "method": "GET",
    "inputParameters": [
        {"name": "$filter", "in": "query", "type": "string", "description": "What to keep."},
        {"name": "limit", "in": "query", "type": "integer", "required": True},
        {"name": "X-Trace", "in": "header", "type": "string"},
    ],
}
ADD = {"name": "add", "method": "POST", "inputParameters": [{"name": "body", "in": "body", "type": "object", "required": True}]}


def tool(operation: object, path: str = "/things/{thingId}", **declared: object) -> Plan:
    return compile_text(service([operation], path=path, tools=[{"name": "t", "call": f"shop.{operation['name']}", **declared}]))  # type: ignore[index]  # a mapping


def route(
    operation: object,
    exposed: str = "/v1/things/{thing-id}",
    path: str = "/things/{thingId}",
    method: str = "GET",
    **declared: object,
):
    resource = {"path": exposed, "operations": [{"method": method, "call": f"shop.{operation['name']}", **declared}]}  # type: ignore[index]  # a mapping
    return compile_text(service([operation], path=path, tools=[], routes=[resource])).route(f"{method} {exposed}")


def called(
    found,
    path: dict[str, str] | None = None,
    query: str = "",
    headers: list[tuple[str, str]] | None = None,
    body: object = None,
):
    """What a REST caller's request becomes upstream."""
    content = b"" if body is None else json.dumps(body).encode()
    sent = HttpInputs(path or {}, query, headers or [], content)
    return sent_by(found.flow, **bind_http(compile_binder(found.flow.inputs), sent))


# ---- tools


def test_a_tool_that_declares_nothing_asks_for_what_its_operation_takes():
    schema = input_schema(tool(FIND).tool("t").flow)

    assert schema["properties"] == {
        "filter": {"type": "string", "description": "What to keep."},
        "limit": {"type": "integer"},
        "X-Trace": {"type": "string"},
        "thingId": {"type": "string"},
    }
    assert schema["required"] == ["limit", "thingId"]


def test_an_alias_and_the_name_are_both_accepted():
    flow = tool(FIND).tool("t").flow

    for spelling in ("filter", "$filter"):
        request = sent_by(flow, **bind_arguments(flow.inputs, {spelling: "a eq 1", "limit": 1, "thingId": "7"}))
        assert ("$filter", "a eq 1") in query_of(request)


def test_aliases_are_noted_once_for_a_unit():
    operation = {"name": "find", "inputParameters": [{"name": n, "in": "query"} for n in ("$top", "top", "filter[a]", "@id")]}
    plan = tool(operation, path="/things")

    assert [one.published for one in plan.tool("t").flow.inputs] == ["top_2", "top", "filter_a", "id"]
    assert "'$top' as 'top_2', 'filter[a]' as 'filter_a', '@id' as 'id'" in plan.finding("W-PARAM-ALIASED").message


def test_names_that_differ_only_in_punctuation_stay_apart():
    operation = {"name": "find", "inputParameters": [{"name": n, "in": "query"} for n in ("$top", "top")]}
    flow = tool(operation, path="/things").tool("t").flow

    assert query_of(sent_by(flow, top="1")) == [("top", "1")]
    assert query_of(sent_by(flow, **{"$top": "2"})) == [("$top", "2")]


@pytest.mark.parametrize(
    ("declared", "required"),
    [
        ({"name": "limit", "type": "integer"}, True),
        ({"name": "limit", "type": "integer", "required": False}, False),
        ({"name": "$filter"}, False),
        ({"name": "$filter", "required": True}, True),
        ({"name": "thingId"}, True),
    ],
    ids=["required upstream", "declared optional", "optional upstream", "declared required", "path variable"],
)
def test_required_is_what_the_tool_says_or_else_what_the_operation_says(declared, required):
    flow = tool(FIND, inputParameters=[declared]).tool("t").flow

    assert next(one for one in flow.inputs if one.name == declared["name"]).required is required


def test_a_declared_input_learns_type_and_description_from_what_it_feeds():
    flow = tool(FIND, **{"with": {"limit": "tools.n"}}, inputParameters=[{"name": "n"}]).tool("t").flow

    assert next(one.type for one in flow.inputs if one.name == "n") == "integer"


@pytest.mark.parametrize(
    ("value", "given", "sent"),
    [
        ("tools.other", {"other": 5}, "5"),
        ("mcp.other", {"other": 5}, "5"),
        ("{{tools.other}}", {"other": 5}, "5"),
        ("tools.a.b", {"a.b": 5}, "5"),
        (7, {}, "7"),
        ("{{env.LIMIT}}", {}, "9"),
        ("env.LIMIT", {}, "9"),
    ],
)
def test_with_renames_fixes_and_binds(value, given, sent):
    flow = tool(FIND, **{"with": {"limit": value}}).tool("t").flow

    assert ("limit", sent) in query_of(sent_by(flow, {"LIMIT": "9", "env.LIMIT": "9"}, thingId="x", **given))


def test_a_null_in_with_counts_as_absent():
    assert "limit" in [one.name for one in tool(FIND, **{"with": {"limit": None}}).tool("t").flow.inputs]


def test_lists_and_maps_in_with_are_filled():
    flow = tool(ADD, path="/things", **{"with": {"body": {"a": ["tools.x", "tools.y"]}}}).tool("t").flow

    assert json.loads(sent_by(flow, x=1, y="b").body or b"") == {"a": [1, "b"]}


@pytest.mark.parametrize(
    ("method", "place"),
    [("GET", [("extra", "1")]), ("DELETE", [("extra", "1")]), ("POST", {"extra": 1}), ("PATCH", {"extra": 1})],
)
def test_a_key_that_the_operation_does_not_know_is_query_or_field(method, place):
    flow = tool({"name": "run", "method": method}, path="/things", **{"with": {"extra": "tools.extra"}}).tool("t").flow
    request = sent_by(flow, extra=1)

    assert (query_of(request) if isinstance(place, list) else json.loads(request.body or b"")) == place


def test_with_writes_the_fields_of_a_body_that_is_not_declared():
    flow = tool({"name": "run", "method": "POST"}, path="/things", **{"with": {"a": "tools.a"}}).tool("t").flow

    assert [one.name for one in flow.inputs] == ["a"]


def test_one_key_fills_both_places_of_a_name():
    operation = {"name": "find", "inputParameters": [{"name": "name", "in": "path"}, {"name": "name", "in": "query"}]}
    flow = tool(operation, path="/x/{name}", **{"with": {"name": "tools.name"}}).tool("t").flow
    request = sent_by(flow, name="a")

    assert (path_of(request), query_of(request)) == ("/x/a", [("name", "a")])


def test_two_places_of_a_name_are_two_inputs_where_with_says_nothing():
    operation = {"name": "find", "inputParameters": [{"name": "name", "in": "path"}, {"name": "name", "in": "query"}]}

    assert [one.name for one in tool(operation, path="/x/{name}").tool("t").flow.inputs] == ["name", "name_query"]


@pytest.mark.parametrize(
    ("mapping", "sent"),
    [
        ("body.name", {"name": "n"}),
        ("$.body.name", {"name": "n"}),
        ("shop.run.name", {"name": "n"}),
        ("queryParameters.name", {"name": "n"}),
    ],
)
def test_an_input_may_say_itself_where_it_goes(mapping, sent):
    declared = [{"name": "label", "required": True, "mapping": mapping}]
    flow = tool({"name": "run", "method": "POST"}, path="/things", inputParameters=declared).tool("t").flow

    assert json.loads(sent_by(flow, label="n").body or b"") == sent
    assert not flow.inputs[0].required  # nothing upstream asks for it


def test_what_the_authentication_owns_is_dropped_from_with_and_inputs():
    declared = {
        "with": {"key": "tools.key", "q": "tools.q"},
        "inputParameters": [{"name": "key", "required": True}, {"name": "q"}],
    }
    operation = {"name": "find", "inputParameters": [{"name": "key", "in": "query"}, {"name": "q", "in": "query"}]}
    authentication = {"type": "apikey", "in": "query", "name": "key", "value": "s"}
    plan = compile_text(
        service([operation], authentication=authentication, tools=[{"name": "t", "call": "shop.find", **declared}])
    )

    assert [one.name for one in plan.tool("t").flow.inputs] == ["q"]
    assert query_of(sent_by(plan.tool("t").flow, key="forged", q="1")) == [("q", "1")]


def test_an_unknown_argument_names_the_nearest_input():
    flow = tool(FIND).tool("t").flow

    with pytest.raises(InvalidInputs, match="did you mean 'thingId'"):
        bind_arguments(flow.inputs, {"thing_id": "7", "limit": 1})


# ---- REST


def test_a_variable_of_the_exposed_path_is_matched_whatever_its_spelling():
    found = route(FIND, **{"with": {"thingId": "rest.thingId"}})

    assert path_of(called(found, {"thing-id": "p/1"}, "limit=1")) == "/things/p%2F1"


def test_what_with_does_not_mention_is_found_by_name():
    request = called(route(FIND), {"thing-id": "7"}, "limit=3&%24filter=a", [("x-trace", "t")])

    assert (path_of(request), query_of(request), request.headers) == (
        "/things/7",
        [("$filter", "a"), ("limit", "3")],
        [("X-Trace", "t")],
    )


@pytest.mark.parametrize("place", ["query", "header", "body", "formData"])
def test_a_name_in_the_exposed_path_is_found_there_whatever_its_place_upstream(place):
    operation = {"name": "run", "method": "POST", "inputParameters": [{"name": "GraphArn", "in": place, "required": True}]}
    found = route(operation, "/v1/graphs/{graphArn}", "/run", "GET", **{"with": {"GraphArn": "rest.graphArn"}})

    request = called(found, {"graphArn": "g1"})
    assert b"g1" in (request.body or b"") + request.target.encode() + repr(request.headers).encode()


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"query": "q=a", "headers": [("q", "b")], "body": {"q": "c"}}, "a"),
        ({"headers": [("q", "b")], "body": {"q": "c"}}, "b"),
        ({"body": {"q": "c"}}, "c"),
    ],
    ids=["query", "header", "field"],
)
def test_inputs_are_looked_for_in_a_fixed_order(sent, expected):
    operation = {"name": "find", "inputParameters": [{"name": "q", "in": "header"}]}

    assert called(route(operation, "/v1", "/"), **sent).headers == [("q", expected)]


@pytest.mark.parametrize("word", ["query", "path", "params", "headers"])
def test_rest_query_is_a_parameter_called_query(word):
    operation = {"name": "find", "inputParameters": [{"name": "x", "in": "query"}]}

    assert query_of(called(route(operation, "/v1", "/", **{"with": {"x": f"rest.{word}"}}), query=f"{word}=1")) == [("x", "1")]


@pytest.mark.parametrize(
    ("reference", "sent"),
    [
        ("rest.path.x", {"path": {"x": "1"}}),
        ("rest.query.x", {"query": "x=1"}),
        ("rest.header.x", {"headers": [("x", "1")]}),
        ("rest.body.x", {"body": {"x": "1"}}),
        ("rest.x.y", {"query": "x.y=1"}),
    ],
)
def test_a_section_may_be_named(reference, sent):
    operation = {"name": "find", "inputParameters": [{"name": "q", "in": "query"}]}

    assert query_of(called(route(operation, "/v1/{x}", "/", **{"with": {"q": reference}}), **sent)) == [("q", "1")]


def test_rest_body_is_the_whole_body_byte_for_byte():
    found = route(ADD, "/v1", "/", "POST", **{"with": {"body": "rest.body"}})
    sent = HttpInputs({}, "", [("content-type", "application/json")], b'{"a":  1.50}')

    assert sent_by(found.flow, **bind_http(compile_binder(found.flow.inputs), sent)).body == b'{"a":  1.50}'


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_an_undeclared_body_is_passed_through(method):
    assert json.loads(called(route({"name": "run", "method": method}, "/v1", "/", method), body={"a": 1}).body or b"") == {
        "a": 1
    }


@pytest.mark.parametrize(
    "body", [{"location": "eu"}, {"parameters": {"location": "eu"}}], ids=["the resource itself", "as a field"]
)
def test_the_one_body_input_is_the_whole_body_or_a_field_of_it(body):
    operation = {
        "name": "put",
        "method": "PUT",
        "inputParameters": [{"name": "parameters", "in": "body", "type": "string", "required": True}],
    }
    found = route(operation, "/v1", "/", "PUT", **{"with": {"parameters": "rest.parameters"}})

    assert json.loads(called(found, body=body).body or b"") == {"location": "eu"}


def test_query_values_feed_a_template_with_their_declared_types():
    operation = {
        "name": "search",
        "method": "POST",
        "inputParameters": [{"name": "n", "in": "body", "type": "integer"}],
        "body": {"type": "json", "data": {"count": "{{tools.n}}", "q": "{{tools.q}}"}},
    }
    request = called(route(operation, "/v1", "/"), query="n=3&q=x")

    assert json.loads(request.body or b"") == {"count": 3, "q": "x"}


def test_a_missing_path_value_is_the_callers_error():
    flow = tool({"name": "find"}, path="/things/{id}").tool("t").flow

    with pytest.raises(InvalidInputs, match="id: is required"):
        bind_arguments(flow.inputs, {})
    with pytest.raises(MalformedRequest):
        sent_by(flow)


def test_an_input_whose_path_cannot_be_read_is_a_finding_of_its_unit_alone():
    broken = {"name": "broken", "call": "shop.add", "inputParameters": [{"name": "x", "in": "body", "value": "$..["}]}
    routes = [{"path": "/x", "operations": [{"method": "POST", **broken}]}]
    plan = compile_text(service([ADD], tools=[{"name": "sound", "call": "shop.add"}], routes=routes))

    assert plan.finding("E-JSONPATH").at.path.endswith("operations[0].inputParameters[0].value")
    assert plan.route("POST /x").flow.unavailable is not None
    assert plan.tool("sound").flow.unavailable is None
