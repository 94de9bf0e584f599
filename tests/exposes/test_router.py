"""The router: exact before variable, one value per variable whatever it holds, and no slower for being large."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.exposes.router import Router, Unroutable


def router(*paths: str) -> Router[str]:
    found: Router[str] = Router()
    for path in paths:
        found.add("GET", path, path)
    return found


def found(routes: Router[str], path: str) -> tuple[str, dict[str, str]] | None:
    match = routes.find(path)
    return None if match is None else (match.methods["GET"], match.values("GET"))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/list", ("/a/list", {})),
        ("/a/7", ("/a/{id}", {"id": "7"})),
        ("/a/7:cancel", ("/a/{id}:cancel", {"id": "7"})),
        ("/a/7.json", ("/a/{id}.json", {"id": "7"})),
        ("/a/x-y.tgz", ("/a/{n}-{v}.tgz", {"n": "x", "v": "y"})),
        ("/a/7/b", ("/a/{{id}}/b", {"id": "7"})),
        ("/a/list/b", ("/a/{{id}}/b", {"id": "list"})),
        ("/a/p%2F1", ("/a/{id}", {"id": "p/1"})),
        ("/a/%6Cist", ("/a/list", {})),
        ("/f/x/y/z", ("/f/{path}", {"path": "x/y/z"})),
        ("/g/x/y", ("/g/{rest+}", {"rest": "x/y"})),
        ("/f/x", ("/f/x", {})),
        ("/a/7/", ("/a/{id}", {"id": "7"})),
        ("/slash", ("/slash/", {})),
        ("/nothing", None),
        ("/a/7/c", None),
    ],
)
def test_the_most_exact_route_is_found(path, expected):
    routes = router(
        "/a/{id}", "/a/list", "/a/{id}:cancel", "/a/{id}.json", "/a/{n}-{v}.tgz", "/a/{{id}}/b", "/f/{path}", "/f/x",
        "/g/{rest+}", "/slash/",
    )  # fmt: skip

    assert found(routes, path) == expected


def test_of_two_routes_of_one_shape_the_first_stays():
    routes = router("/a/{id}")

    assert routes.add("GET", "/a/{other}", "second") == "/a/{id}"
    assert routes.add("POST", "/a/{other}", "post") is None
    match = routes.find("/a/7")
    assert match is not None
    assert (match.values("GET"), match.values("POST")) == ({"id": "7"}, {"other": "7"})


@pytest.mark.parametrize("path", ["/a#b", "/a?b=1"])
def test_what_never_arrives_as_a_path_cannot_be_routed(path):
    with pytest.raises(Unroutable):
        router(path)


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_value_comes_back_whole(value):
    routes = router("/a/{id}/b", "/a/list/c")
    encoded = quote(value.encode("utf-8", "replace"), safe="")

    assert found(routes, f"/a/{encoded}/b") == ("/a/{id}/b", {"id": value.encode("utf-8", "replace").decode()})


SEGMENTS = st.lists(st.sampled_from(["a", "b", "{x}", "{y}.json", "c:do"]), min_size=1, max_size=4)


@settings(deadline=None)
@given(st.lists(SEGMENTS, min_size=1, max_size=12))
def test_a_static_path_always_finds_itself(paths):
    routes = router(*("/" + "/".join(segments) for segments in paths))

    for segments in paths:
        path = "/" + "/".join(segments)
        if "{" not in path:
            assert found(routes, path) == (path, {})


def test_a_look_up_costs_the_same_among_a_thousand_routes():
    def steps(routes: Router[str], path: str) -> int:
        import sys

        count = 0

        def trace(*_: object) -> object:
            nonlocal count
            count += 1
            return trace

        sys.settrace(trace)  # type: ignore[arg-type]  # counts calls only
        try:
            routes.find(path)
        finally:
            sys.settrace(None)
        return count

    few = router("/a/{id}/x1", "/a/{id}/x2")
    many = router(*(f"/a/{{id}}/x{n}" for n in range(1000)), *(f"/s{n}/{{id}}" for n in range(1000)))

    assert steps(many, "/a/7/x2") == steps(few, "/a/7/x2")
