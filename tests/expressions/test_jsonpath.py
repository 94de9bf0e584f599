"""JSONPath: what each spelling selects, and that no document makes it fail."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonpath_ng.ext.parser import parse

from naftiko_run.errors import Location, MappingFailed, SpecError
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.expressions.scope import MISSING

SHOP = {
    "x": {"y": 1},
    "l": [{"name": "q", "n": 1}, {"n": 2}, {"name": "r", "n": 3, "tags": ["a", "b"]}],
    "full name": "Ann",
    "first-name": "Bo",
    "@id": "i",
    "a.b": "dotted",
    "empty": [],
    "null": None,
    "map": {"a": {"n": 1}, "b": {"n": 2}},
}


def find(path: str, document: object = SHOP) -> object:
    return compile_jsonpath(path).find(document)


@pytest.mark.parametrize("path", ["$", "$.", " $. "])
def test_the_whole_document(path):
    assert compile_jsonpath(path).is_whole
    assert find(path, [1]) == [1]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.x.y", 1),
        ("x.y", 1),
        ("$['x']['y']", 1),
        ('$["x"].y', 1),
        ("$.l[0].name", "q"),
        ("$.l[-1].n", 3),
        ("l[1].n", 2),
        ("$.full name", "Ann"),
        ("$['full name']", "Ann"),
        ("$.first-name", "Bo"),
        ("$.@id", "i"),
        ("$['a.b']", "dotted"),
        ("@.x.y", 1),
        ("$.x.", {"y": 1}),
        ("$.null", None),
        (".x.y", 1),
        ("$.map.values().length()", 2),
        ("$.l.`len`", 3),
        ("$.l.length", 3),
        ("$.l.length()", 3),
        ("$.map.keys()", ["a", "b"]),
        ("$.l[*].n.sum()", 6),
        ("$.l[*].n.max()", 3),
        ("$.l[*].n.avg()", 2),
        ("$.l[*].name.first()", "q"),
        ("$.l[*].name.last()", "r"),
    ],
)
def test_a_definite_path_gives_the_value(path, expected):
    assert compile_jsonpath(path).definite
    assert find(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.l[*].n", [1, 2, 3]),
        ("$.l[*].name", ["q", "r"]),
        ("$.l[*].tags[0]", ["a"]),
        ("$.l[*].tags[*]", ["a", "b"]),
        ("$.l[*].tags.length", [2]),
        ("$.l[0:2].n", [1, 2]),
        ("$.l[1:].n", [2, 3]),
        ("$.l[0,2].n", [1, 3]),
        ("$.map[*][0]", []),
        ("$.l[::2].n", [1, 3]),
        ("$.l[-1:].n", [3]),
        ("$.map.*.n", [1, 2]),
        ("$.map[*].n", [1, 2]),
        ("$..name", ["q", "r"]),
        ("$.l..n", [1, 2, 3]),
        ("$..tags[1]", ["b"]),
        ("$.l[?(@.n > 1)].n", [2, 3]),
        ("$.l[?(@.n > 1 && @.name == 'r')].n", [3]),
        ("$.l[?(@.n == 1 || @.n == 3)].n", [1, 3]),
        ("$.l[?(@.name =~ /^Q/i)].n", [1]),
        ("$.l[?(@.name =~ 'q|r')].n", [1, 3]),
        ("$.l[?(@.name)].name", ["q", "r"]),
        ("$.l[?(@.n > $.x.y)].n", [2, 3]),
        ("$['x','full name']", [{"y": 1}, "Ann"]),
        ("$..[?(@.name == 'q')].n", [1]),
    ],
)
def test_an_indefinite_path_gives_a_list(path, expected):
    assert not compile_jsonpath(path).definite
    assert find(path) == expected


@pytest.mark.parametrize(
    "path", ["$.z", "$.x.z", "$.l[9]", "$.x[0]", "$.full name.x", "$.z[*].n", "$.z[?(@.a)]", "$.x.y[*]", ""]
)
def test_what_is_not_there_is_missing(path):
    assert find(path) is MISSING


@pytest.mark.parametrize(
    "path", ["$.empty[*]", "$.empty[*].n", "$.empty[?(@.n == 1)]", "$.l[*].gone", "$.l[?(@.n > 9)].n", "$..gone"]
)
def test_nothing_selected_from_a_list_that_is_there_is_an_empty_list(path):
    assert find(path) == []


@pytest.mark.parametrize(
    "path",
    [
        "$.l[?(@.n >",
        "$[",
        "$.x.length()[*]",
        "$.a[?(@.x =~ '(?=x)')]",
        "$..[?(@..x)]..y",
        "$.l[?($..n == 1)]",
        "$.n.`sub(/a/, b)`",
    ],
)
def test_a_path_that_cannot_be_served_is_the_authors_error(path):
    place = Location(file="c.yaml", line=2, column=5)

    with pytest.raises(SpecError) as caught:
        compile_jsonpath(path, at=place)

    assert (caught.value.code, caught.value.at) == ("E-JSONPATH", place)
    assert repr(path) in caught.value.message
    assert caught.value.hint


def test_data_that_an_operator_cannot_take_is_no_match():
    assert find("$.l[*].n.`split(-, 0, -1)`") == []
    assert find("$.x & $.map") is MISSING


def test_an_overlong_path_is_refused():
    with pytest.raises(SpecError, match="longer than 512 characters"):
        compile_jsonpath("$." + "a" * 600)


def test_a_path_is_compiled_once_per_text():
    assert compile_jsonpath("$.a.b.c") is compile_jsonpath("$.a.b.c")


@pytest.mark.parametrize("path", ["$[*]", "$..a", "$..[?(@.a == 1)]", "$[?(@.a == 1)]"])
def test_visiting_more_values_than_the_limit_fails_the_mapping(path):
    with pytest.raises(MappingFailed, match="more than 100000 values"):
        find(path, [{}] * 100_001)


def test_repeated_descents_are_bounded_together():
    with pytest.raises(MappingFailed):
        find("$..*..*..*..*", {"a": [[[[[[0] * 20] * 5] * 5] * 5] * 5]})


def test_a_deep_document_is_searched_without_recursion():
    document: object = {"a": 1}
    for _ in range(5_000):
        document = [document]

    assert find("$..a", document) == [1]


def test_a_pattern_that_would_take_forever_elsewhere_is_quick():
    assert find("$.l[?(@.s =~ '^(a+)+$')]", {"l": [{"s": "a" * 5_000 + "b"}]}) == []


def test_plain_paths_do_not_load_the_library():
    program = (
        "import sys; from naftiko_run.expressions.jsonpath import compile_jsonpath as c;"
        "c('$.a[*].b'); c('$..a'); assert not [m for m in sys.modules if m.startswith(('jsonpath_ng', 're2'))]"
    )

    subprocess.run([sys.executable, "-c", program], check=True)


# ---- against the library, and against anything

names = st.text(alphabet="abc", min_size=1, max_size=2)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)
segments = st.lists(
    st.one_of(
        names.map(lambda name: f".{name}"), names.map(lambda name: f"['{name}']"), st.integers(-4, 4).map(lambda n: f"[{n}]")
    ),
    max_size=4,
)
quick = settings(deadline=None, database=None)


@quick
@given(documents, segments)
def test_definite_paths_agree_with_the_library(document, parts):
    path = "$" + "".join(parts)
    found = find(path, document)

    expected = [match.value for match in parse(path).find(document)]
    # The library takes a map's or a text's characters by number; a number indexes lists only.
    if not expected or found is not MISSING:
        assert ([] if found is MISSING else [found]) == expected


@quick
@given(st.lists(st.dictionaries(names, st.integers() | st.lists(st.integers(), max_size=3), max_size=4), max_size=5), names)
def test_wildcards_slices_and_descents_agree_with_the_library(rows, name):
    for path in (f"$.rows[*].{name}", f"$.rows[1:3].{name}", f"$..{name}"):
        found = find(path, {"rows": rows})

        assert found == [match.value for match in parse(path).find({"rows": rows})]


@quick
@given(
    documents,
    st.sampled_from(["$.a[?(@.b > 1)]", "$..[?(@.a < 'x')].b", "$.a[*].b.sum()", "$[0:2]..a", "$.a + $.b", "$[?(@.a =~ 'x')]"]),
)
def test_no_document_makes_a_path_fail(document, path):
    find(path, document)


@quick
@given(st.text(alphabet="$.[]'\"*?@()ab: ,<=~/1", max_size=16))
def test_any_text_compiles_or_is_an_error_of_ours(text):
    try:
        path = compile_jsonpath(text)
    except SpecError as problem:
        assert problem.code == "E-JSONPATH"
        return

    path.find(SHOP)
