"""Consumed paths: the many published spellings, and values that never change a path's shape (requirement S32)."""

from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.consumes.paths import compile_path, join_paths
from naftiko_run.errors import MalformedRequest


def rendered(path: str, **values: object) -> str:
    return compile_path(path).render(values, {})


@pytest.mark.parametrize(
    ("path", "values", "expected"),
    [
        ("/a/{id}", {"id": "7"}, "/a/7"),
        ("/a/{{ id }}", {"id": 7}, "/a/7"),
        ("/a/{{tools.id}}", {"id": 7}, "/a/7"),
        ("/me/{drive-id}/x", {"drive-id": "d"}, "/me/d/x"),
        ("/f(k='{x}')", {"x": "a'b/c"}, "/f(k='a%27b%2Fc')"),
        ("/jobs/{id}:cancel", {"id": "j 1"}, "/jobs/j%201:cancel"),
        ("/:search", {}, "/:search"),
        ("/{a}-{b}.tgz", {"a": "x", "b": "1.2"}, "/x-1.2.tgz"),
        ("/geo:{lat};{lng}", {"lat": 1.5, "lng": -2}, "/geo:1.5;-2"),
        ("/{a.b}", {"a.b": "c"}, "/c"),
        ("/{x}/and/{x}", {"x": "1"}, "/1/and/1"),
        ("/{name+}", {"name": "properties/12 34"}, "/properties/12%2034"),
        ("/{rest*}", {"rest": "a/b"}, "/a/b"),
        ("items", {}, "/items"),
        ("/items/", {}, "/items/"),
        ("//items", {}, "//items"),
        ("/two words/é", {}, "/two%20words/%C3%A9"),
        ("/a/{ids}", {"ids": ["1", 2]}, "/a/1%2C2"),
        ("/a/{yes}", {"yes": True}, "/a/true"),
    ],
)
def test_every_published_spelling_is_filled(path, values, expected):
    assert rendered(path, **values) == expected


@pytest.mark.parametrize("value", ["", ".", "..", "a\nb", "a\x00", "a\x7f", "a\u0085b"])
def test_a_value_that_would_change_the_path_is_refused_by_name(value):
    with pytest.raises(MalformedRequest, match="'id'"):
        rendered("/a/{id}/b", id=value)


@pytest.mark.parametrize("value", ["a//b", "../b", "a/../b", "a/"])
def test_each_segment_of_a_spanning_value_is_held_to_the_same_rule(value):
    with pytest.raises(MalformedRequest):
        rendered("/{name+}", name=value)


def test_a_missing_value_is_named():
    with pytest.raises(MalformedRequest, match="path variable 'id' has no value"):
        rendered("/a/{id}")


@settings(deadline=None)
@given(st.text())
def test_whatever_the_value_the_segments_stay(value):
    try:
        path = rendered("/a/{id}/b/{id}.json", id=value)
    except MalformedRequest:
        return

    segments = path.split("/")
    assert (len(segments), segments[1], segments[3], segments[4][-5:]) == (5, "a", "b", ".json")
    assert unquote(segments[2]) == value.encode("utf-8", "replace").decode()


def test_a_query_in_the_path_is_split_off_and_filled():
    path = compile_path("/items?type=a&acl&id={id}")

    assert path.render({"id": "x y"}, {}) == "/items"
    assert path.render_query({"id": "x y"}, {}) == [("type", "a"), ("acl", ""), ("id", "x y")]
    assert path.render_query({}, {}) == [("type", "a"), ("acl", "")]


@pytest.mark.parametrize(
    ("path", "headers", "query"),
    [
        ("/#X-Amz-Target=Svc.Op", (("X-Amz-Target", "Svc.Op"),), []),
        ("/#Action=Op", (), [("Action", "Op")]),
        ("/?Version=1#Action=Op", (), [("Version", "1"), ("Action", "Op")]),
        ("/#Name", (), []),
        ("/#a&b", (), []),
    ],
)
def test_a_fragment_is_never_sent_but_what_it_means_is(path, headers, query):
    compiled = compile_path(path)

    assert compiled.render({}, {}) == "/"
    assert (compiled.headers, compiled.render_query({}, {})) == (headers, query)


@pytest.mark.parametrize("path", ["/{{ACCOUNT}}", "/{{env.ACCOUNT}}", "/{ACCOUNT}"])
def test_an_upper_case_name_is_the_bound_variable(path):
    compiled = compile_path(path, is_bind=frozenset({"ACCOUNT"}))

    assert compiled.render({"ACCOUNT": "caller's"}, {"ACCOUNT": "bound"}) == "/bound"


@pytest.mark.parametrize(
    ("resource", "operation", "expected"),
    [
        ("/a", "", "/a"), ("/a", "/a", "/a"), ("/a", "/a/b", "/a/b"), ("/a", "/b", "/a/b"), ("", "/b", "/b"), ("/", "b", "/b"),
        ("a", "", "/a"), ("", "", ""),
    ],
)  # fmt: skip
def test_an_operations_own_path_replaces_or_extends_its_resources(resource, operation, expected):
    assert join_paths(resource, operation) == expected
