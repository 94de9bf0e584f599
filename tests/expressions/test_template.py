"""Templates: what each tag shows, what is no tag, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.errors import Location, MalformedRequest, SpecError, UnsupportedFeature
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import compile_template, literal
from naftiko_run.limits import Limits

NOTHING = Names()
quick = settings(deadline=None, database=None)


def shown(text: str, inputs: dict[str, object], names: Names = NOTHING) -> str:
    return compile_template(text, names).render_lenient(Scope(inputs))


# ---- the language's own vectors


def test_a_missing_name_beside_others_is_empty():
    assert shown("a{{x}}b", {"y": 1}) == "ab"


@pytest.mark.parametrize(
    ("text", "inputs", "expected"),
    [
        pytest.param("{{o.k}}", {"o": {"k": 2}}, "2", id="a dotted name goes into a map"),
        pytest.param("{{a.b}}", {"a.b": 1, "a": {"b": 2}}, "1", id="the whole dotted name comes first"),
        pytest.param('{"ids":{{ids}}}', {"ids": ["a", "b"]}, '{"ids":["a","b"]}', id="a list is JSON"),
        pytest.param("{{#o}}{{k}}{{/o}}{{^o}}none{{/o}}", {"o": {"k": 1}}, "1", id="a section opens a map"),
        pytest.param("{{#o}}{{k}}{{/o}}{{^o}}none{{/o}}", {}, "none", id="an inverted section shows for nothing"),
        pytest.param('{"n":{{n}}}', {"n": 3}, '{"n":3}', id="a raw number"),
        pytest.param("{{o}}", {"o": {"k": 1}}, '{"k":1}', id="a map is JSON"),
        pytest.param("{{t}} {{f}} {{n}} {{d}}", {"t": True, "f": False, "n": None, "d": 3.5}, "true false  3.5", id="scalars"),
        pytest.param("{{n}}", {"n": 2**70}, str(2**70), id="a number beyond 64 bits"),
        pytest.param("{{n}}", {"n": [2**70]}, f"[{2**70}]", id="one inside a list"),
    ],
)
def test_a_template_shows(text, inputs, expected):
    assert shown(text, inputs) == expected


# ---- tags


@pytest.mark.parametrize("text", ["{{x}}", "{{ x }}", "{{{x}}}", "{{{ x }}}", "{{&x}}", "{{& x }}", "{{=<% %>=}}<% x %>"])
def test_every_spelling_of_a_tag_is_the_same_tag(text):
    template = compile_template(text, NOTHING)

    assert template.render(Scope({"x": "<&>"})) == "<&>"
    assert template.whole is not None


@pytest.mark.parametrize("name", ["$filter", "filter[status]", "id:in", "x~neq", "@id", "account-id", "a_b", "größe"])
def test_a_tag_takes_any_parameter_name(name):
    assert shown("<{{" + name + "}}>", {name: 1}) == "<1>"


def test_a_list_repeats_its_section_and_knows_first_last_and_number():
    text = "{{#l}}{{-index}}={{.}}{{^-last}}, {{/-last}}{{#-first}}(first) {{/-first}}{{/l}}"

    assert shown(text, {"l": ["a", "b"]}) == "1=a, (first) 2=b"


def test_a_section_may_read_a_step_and_values_that_are_no_maps():
    text = "{{#l}}{{#.}}{{x}}{{tools.y}}{{/.}};{{/l}}"

    assert shown(text, {"l": [1, {"x": 2}], "x": "o", "y": "!"}) == "o!;2!;"


def test_inside_a_section_its_own_values_come_first_and_outer_ones_next():
    text = "{{#people}}{{name}} of {{city}} ({{#address}}{{street}} {{name}}{{/address}}); {{/people}}"
    people = [{"name": "Ann", "address": {"street": "High"}}, {"name": "Bo", "city": "Oslo", "address": {"street": "Low"}}]

    assert shown(text, {"people": people, "city": "Bern"}) == "Ann of Bern (High Ann); Bo of Oslo (Low Bo); "


@pytest.mark.parametrize("value", [None, False, "", []])
def test_null_false_and_empty_values_show_no_section(value):
    assert shown("{{#x}}yes{{/x}}{{^x}}no{{/x}}", {"x": value}) == "no"


@pytest.mark.parametrize("value", [0, True, "text", {}, {"a": 1}, [None]])
def test_any_other_value_shows_it(value):
    assert shown("{{#x}}yes{{/x}}{{^x}}no{{/x}}", {"x": value}) == "yes"


def test_a_field_that_one_element_lacks_is_empty_there():
    template = compile_template("{{#l}}<{{a}}>{{/l}}", NOTHING)

    assert template.render(Scope({"l": [{"a": 1}, {}]})) == "<1><>"


def test_a_section_alone_on_its_line_leaves_no_empty_line():
    assert shown("a\n  {{#x}}\nb\n  {{/x}}\n{{! note }}\nc", {"x": 1}) == "a\nb\nc"


def test_a_comment_shows_nothing():
    assert shown("a{{! whatever, 'it' says }}b", {"x": 1}) == "ab"


def test_names_a_section_may_supply_are_not_asked_of_the_caller():
    template = compile_template("{{a}}{{#l}}{{b}}{{tools.c}}{{/l}}{{a}}", NOTHING)

    assert [reference.name for reference in template.references] == ["a", "l", "c"]


# ---- what is missing


def test_rendering_strictly_a_missing_name_gives_missing():
    template = compile_template("a{{x}}b", NOTHING)

    assert template.render(Scope({"y": 1})) is MISSING
    assert template.render(Scope({"x": None})) == "ab"


def test_rendering_strictly_a_missing_name_beside_a_section_gives_missing():
    template = compile_template("{{x}}{{#s}}{{gone}}{{/s}}", NOTHING)

    assert template.render(Scope({"s": [1]})) is MISSING
    assert template.render(Scope({"x": 1})) == "1"
    assert compile_template("{{#s}}{{/s}}{{x}}", NOTHING).render(Scope({"s": 1})) is MISSING


def test_a_whole_tag_keeps_the_type_of_its_value():
    template = compile_template("{{x}}", NOTHING)

    assert template.value(Scope({"x": [1, 2]})) == [1, 2]
    assert template.value(Scope({})) is MISSING
    assert compile_template("n={{x}}", NOTHING).value(Scope({"x": 3})) == "n=3"


def test_a_text_without_tags_is_literal():
    assert compile_template("plain { text }", NOTHING).is_literal
    assert compile_template("", NOTHING).render(Scope()) == ""
    assert not compile_template("{{x}}", NOTHING).is_literal
    assert literal("{{x}}").render(Scope({"x": 1})) == "{{x}}"


# ---- what is no tag


@pytest.mark.parametrize(
    "text",
    [
        "query { user(id: 1) { name } }",
        'query {{ user(id: "1") { name }}',
        '{"a":{"b":{}}}',
        "{a}",
        "${HOME} $input",
        "}} {",
        "{{ { user { id } } }}",
        "mutation($id: ID!) {{\n  drop\n}}",
    ],
)
def test_braces_of_other_languages_stay_as_they_are(text):
    assert shown(text, {"user": "x", "a": "x"}) == text


def test_a_tag_amid_json_braces_is_found():
    assert shown('{"a":{"b":{{n}}}}', {"n": 1}) == '{"a":{"b":1}}'
    assert shown("{{{n}}}}", {"n": 1}) == "1}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a{{x", "tag '{{x' is not closed", id="unclosed"),
        pytest.param("{{ x } b", "tag '{{x' is not closed", id="half closed"),
        pytest.param("{{}}", "empty tag '{{}}'", id="empty"),
        pytest.param("{{ user name }}", "'{{ user name }}' is not a tag", id="two words"),
        pytest.param("{{#a}}x", "section '{{#a}}' is not closed", id="open section"),
        pytest.param("x{{/a}}", "unexpected '{{/a}}'", id="close without open"),
        pytest.param("{{#a}}{{#b}}{{/a}}{{/b}}", "unexpected '{{/a}}'", id="crossed"),
        pytest.param("{{steps.s.x[0:n]}}", "JSONPath '$.x[0:n]' cannot be read", id="path into a step"),
        pytest.param("{{.}}", "'{{.}}' is not a name", id="element outside a section"),
        pytest.param("{{-first}}", "'{{-first}}' is not a name", id="position outside a section"),
        pytest.param("{{=<%=}}", "'{{=<%=}}' does not name two delimiters", id="delimiters"),
        pytest.param("{{#a}}" * 40 + "{{/a}}" * 40, "sections are nested deeper than 32", id="too deep"),
    ],
)
def test_a_malformed_tag_is_reported_where_it_is_written(text, message):
    place = Location(file="c.yaml", line=3, column=7)

    with pytest.raises(SpecError) as caught:
        compile_template(text, NOTHING, at=place)

    assert caught.value.code in ("E-TEMPLATE", "E-JSONPATH")
    assert caught.value.at == place
    assert caught.value.message == message


def test_a_malformed_tag_comes_with_a_hint():
    with pytest.raises(SpecError) as caught:
        compile_template("{{x", NOTHING)

    assert caught.value.hint == "a tag holds one name: '{{name}}'"


def test_partials_are_refused():
    with pytest.raises(UnsupportedFeature, match="partial"):
        compile_template("{{> header}}", NOTHING)


# ---- safety and limits


def test_values_are_escaped_for_where_they_land_and_literal_text_is_not():
    template = compile_template("<{{x}}{{{y}}}{{#l}}{{.}}{{/l}}>", NOTHING)

    assert template.render(Scope({"x": "a", "y": "b", "l": ["c"]}), str.upper) == "<ABC>"


@quick
@given(st.text(), st.text(alphabet="{}#/^&!=> x", max_size=30))
def test_a_value_is_never_read_as_a_template(before, value):
    text = before.replace("{", "") + "{{x}}"

    assert compile_template(text, NOTHING).render(Scope({"x": value})) == text[: -len("{{x}}")] + value


@quick
@given(st.text(alphabet="{}#/^&!=>\"' ax.$\n", max_size=60))
def test_any_text_compiles_or_is_an_error_of_ours(text):
    try:
        template = compile_template(text, NOTHING)
    except SpecError:
        return

    assert isinstance(template.render_lenient(Scope({"a": [1], "x": {"a": "y"}})), str)


@quick
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=6,
    )
)
def test_lists_and_maps_are_shown_as_their_json(value):
    text = shown("{{x}}", {"x": [value]})

    assert json.loads(text) == [value]


def test_more_text_than_the_limit_is_refused():
    template = compile_template("{{x}}{{x}}", NOTHING, limits=Limits(template_output=10))

    assert template.render(Scope({"x": "12345"})) == "1234512345"
    with pytest.raises(MalformedRequest, match="more than 10 characters"):
        template.render(Scope({"x": "123456"}))


def test_more_text_from_sections_than_the_limit_is_refused():
    template = compile_template("{{#l}}12{{/l}}", NOTHING, limits=Limits(template_output=10))

    with pytest.raises(MalformedRequest, match="more than 10 characters"):
        template.render(Scope({"l": [1] * 6}))


def test_sections_that_multiply_are_stopped():
    template = compile_template("{{#l}}{{#l}}{{#l}}{{/l}}{{/l}}{{/l}}", NOTHING)

    with pytest.raises(MalformedRequest, match="elements"):
        template.render(Scope({"l": [1] * 100}))


@pytest.mark.parametrize("text", ["{" * 60_000, "{{ " * 20_000 + "}}", "{{=" * 20_000 + "}}", "{{!" * 20_000])
def test_a_text_of_braces_compiles_in_linear_time(text):
    try:
        compile_template(text, NOTHING)
    except SpecError as problem:
        assert problem.code == "E-TEMPLATE"
