"""References: what each spelling refers to, and which value it finds."""

from __future__ import annotations

import pytest

from naftiko_run.errors import SpecError
from naftiko_run.expressions.reference import Names, Reference, parse_reference
from naftiko_run.expressions.scope import MISSING, Scope

NAMES = Names(
    own="shop",
    binds=frozenset({"API_KEY", "lower"}),
    bind_namespaces=frozenset({"env", "vault"}),
    steps=frozenset({"fetch-order", "list"}),
)


def reference(text: str, *, bare: bool = False) -> Reference:
    found = parse_reference(text, NAMES, bare=bare)
    assert found is not None
    return found


def value(text: str, inputs: dict[str, object] | None = None, *, bare: bool = False, **scope: dict[str, object]) -> object:
    return reference(text, bare=bare).evaluate(Scope(inputs or {}, **scope))


@pytest.mark.parametrize("word", ["rest", "tools", "mcp", "inputs", "input", "params", "args", "arguments", "request", "shop"])
def test_every_word_for_the_callers_input_reads_the_input(word):
    assert value(f"{word}.order", {"order": 7}) == 7


@pytest.mark.parametrize("text", ["$this.shop.order", "$this.order", "$.inputs.order"])
def test_the_longer_spellings_read_the_input_too(text):
    assert value(text, {"order": 7}) == 7


def test_an_input_that_nobody_supplied_is_missing_and_null_is_not():
    assert value("shop.order", {"other": 1}) is MISSING
    assert value("shop.order", {"order": None}) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "two words",
        "rest",
        "rest.",
        "rest..x",
        "rest.a b",
        "acme.example",
        "$.unknown.x",
        "$",
        "$.",
        "API_KEY",
        "https://rest.example/x y",
    ],
)
def test_anything_else_is_a_literal(text):
    assert parse_reference(text, NAMES) is None


def test_a_section_of_the_request_is_explicit():
    assert (reference("rest.path.id").place, reference("rest.path.id").name) == ("path", "id")
    assert reference("rest.headers.X-K").place == "header"
    assert reference("rest.cookies.sid").place == "cookie"
    assert value("rest.query.order", {"order": 7}) == 7


@pytest.mark.parametrize("name", ["query", "path", "params", "headers", "header", "cookie"])
def test_the_name_of_a_section_alone_is_a_parameter_of_that_name(name):
    found = reference(f"rest.{name}")

    assert (found.place, found.name) == ("", name)
    assert found.evaluate(Scope({name: "x"})) == "x"


def test_the_body_alone_is_the_whole_body():
    found = reference("rest.body")

    assert found.whole_body
    assert found.evaluate(Scope({"body": {"a": 1}})) == {"a": 1}
    assert found.evaluate(Scope({"a": 1})) is MISSING


def test_a_field_of_the_body_is_found_in_the_body_or_as_an_input_of_its_own():
    assert value("rest.body.a.b", {"body": {"a": {"b": 1}}, "a": {"b": 2}}) == 1
    assert value("rest.body.a.b", {"a": {"b": 2}}) == 2


def test_a_tool_has_no_sections():
    assert value("tools.query.x", {"query": {"x": 1}, "x": 2}) == 1
    assert not reference("tools.body").whole_body


def test_a_dotted_name_is_a_literal_name_first_and_a_field_second():
    assert value("rest.filter.gt", {"filter.gt": 1, "filter": {"gt": 2}}) == 1
    assert value("rest.filter.gt", {"filter": {"gt": 2}}) == 2


def test_numbers_and_brackets_index_lists():
    inputs = {"items": [{"id": 1}, {"id": 2}]}

    assert value("tools.items.1.id", inputs) == 2
    assert value("tools.items[0].id", inputs) == 1
    assert value("tools.items[-1].id", inputs) == 2
    assert value("tools.items[5].id", inputs) is MISSING


def test_brackets_may_be_part_of_the_name():
    assert value("tools.filter[status]", {"filter[status]": "open"}) == "open"


@pytest.mark.parametrize("name", ["paymentRef", "payment_ref", "Payment-Ref"])
def test_case_and_punctuation_do_not_keep_an_input_from_being_found(name):
    assert value(f"rest.{name}", {"paymentref": "p-1"}) == "p-1"
    assert value(f"rest.{name}.id", {"paymentref": {"id": 1}}) == 1


def test_the_exact_spelling_wins_over_another():
    assert value("rest.account_id", {"account-id": 1, "account_id": 2}) == 2


# ---- steps


@pytest.mark.parametrize("text", ["steps.fetch-order.total", "$.fetch-order.total", "fetch-order.total"])
def test_every_spelling_of_a_step_reads_its_result(text):
    assert value(text, steps={"fetch-order": {"total": 3}}) == 3


def test_a_step_result_is_walked_by_names_and_indexes():
    steps = {"list": [{"a": {"b": 1}}, {"a": {"b": 2}}]}

    assert value("$.list[1].a.b", steps=steps) == 2
    assert value("list.0.a.b", steps=steps) == 1
    assert value("steps.list", steps=steps) == steps["list"]
    assert value("$.list.7.a", steps=steps) is MISSING
    assert value("$.fetch-order.total", steps=steps) is MISSING


def test_a_step_result_is_searched_by_jsonpath():
    steps = {"list": {"items": [{"n": 1}, {"n": 2}], "a b": 3}}

    assert value("$.list.items[*].n", steps=steps) == [1, 2]
    assert value("$.list.items[?(@.n > 1)].n", steps=steps) == [2]
    assert value("$.list['a b']", steps=steps) == 3
    assert value("$.fetch-order[*].n", steps=steps) is MISSING


def test_a_word_for_the_result_itself_may_stand_before_the_field():
    assert value("steps.list.response.n", steps={"list": {"n": 1}}) == 1
    assert value("steps.list.response", steps={"list": {"n": 1}}) == {"n": 1}
    assert value("steps.list.response.n", steps={"list": {"n": 1, "response": {"n": 2}}}) == 2


def test_an_unreadable_path_into_a_step_is_the_authors_error():
    with pytest.raises(SpecError) as caught:
        parse_reference("$.list.items[?(", NAMES)

    assert caught.value.code == "E-JSONPATH"


@pytest.mark.parametrize("text", ["steps.list..n", "steps.[0", "$.steps.list..n"])
def test_a_step_reference_with_an_empty_name_is_a_literal(text):
    assert parse_reference(text, NAMES) is None


def test_the_longest_spelling_of_a_step_is_read_too():
    assert value("$.steps.list.n", steps={"list": {"n": 1}}) == 1


@pytest.mark.parametrize("text", ["list.²", "list.--1", "list." + "9" * 5000])
def test_an_odd_index_finds_nothing(text):
    assert value(text, steps={"list": [1, 2]}) is MISSING


# ---- variables


@pytest.mark.parametrize("text", ["env.API_KEY", "vault.API_KEY", "binds.API_KEY", "binds.env.API_KEY"])
def test_a_variable_is_read_by_its_namespace(text):
    found = reference(text)

    assert (found.root, found.name) == ("bind", "API_KEY")
    assert found.evaluate(Scope(binds={"API_KEY": "k"})) == "k"


def test_the_namespace_picks_between_variables_of_one_name():
    binds = {"API_KEY": "last", "env.API_KEY": "first", "vault.API_KEY": "last"}

    assert value("env.API_KEY", binds=binds) == "first"
    assert value("vault.API_KEY", binds=binds) == "last"


def test_a_caller_cannot_stand_in_for_a_variable_with_a_namespace():
    assert value("env.TOKEN", {"TOKEN": "mine", "env.TOKEN": "mine", "env": {"TOKEN": "mine"}}) is MISSING


def test_an_upper_case_name_is_a_variable_and_an_input_only_where_none_is_bound():
    assert reference("REGION", bare=True).root == "bind"
    assert value("REGION", {"REGION": "eu"}, bare=True, binds={"REGION": "us"}) == "us"
    assert value("REGION", {"REGION": "eu"}, bare=True) == "eu"


def test_a_bound_name_of_any_case_is_that_variable():
    assert value("lower", {"lower": "mine"}, bare=True, binds={"lower": "bound"}) == "bound"


def test_a_plain_name_is_an_input_then_a_step_then_a_variable_then_another_spelling():
    scope = {"steps": {"total": 2, "total_sum": 4}, "binds": {"total": "3"}}

    assert reference("total", bare=True).root == "any"
    assert value("total", {"total": 1}, bare=True, **scope) == 1
    assert value("total", {}, bare=True, **scope) == 2
    assert value("total", {}, bare=True, binds={"total": "3"}) == "3"
    assert value("total_sum", {"totalSum": 5}, bare=True, **scope) == 4
    assert value("total_sum", {"totalSum": 5}, bare=True) == 5
