"""Records hold what the standard library promises of dataclasses, and cost nothing before they are made."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import Generic, TypeVar

import pytest

from naftiko_run.records import field, record, replace, values_of

T = TypeVar("T")


@pytest.fixture(params=["the first few", "all others"], autouse=True)
def _made(request: pytest.FixtureRequest) -> None:
    """Everything holds for the first records of a class and for those after its ``__init__`` was written."""
    if request.param == "all others":
        for _ in range(10):
            Route(path="/"), Guarded(), Pair(1, 2), Count(), Circle(radius=1), Nothing(), Named(name="a")


@record
class Route:
    path: str
    methods: tuple[str, ...] = ("GET",)
    headers: dict[str, str] = field(default_factory=dict)
    note: str = field(default="", repr=False, compare=False)


@record
class Guarded(Route):
    guard: str = "open"
    path: str = "/"


@record(kw_only=False)
class Pair(Generic[T]):
    left: T
    right: T


@record(frozen=False)
class Count:
    value: int = 0


@record
class Circle:
    radius: int
    area: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "area", 3 * self.radius**2)


@record
class Nothing:
    pass


@record
class Named:
    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named)

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "named"


def test_a_record_is_made_by_keywords_and_has_its_defaults():
    route = Route(path="/a")
    assert (route.path, route.methods, route.headers) == ("/a", ("GET",), {})
    assert Route(path="/b", headers={"a": "b"}).headers == {"a": "b"}


def test_each_record_has_a_default_of_its_own_where_a_factory_makes_it():
    assert Route(path="/a").headers is not Route(path="/a").headers


@pytest.mark.parametrize("wrong", [{}, {"path": "/", "other": 1}])
def test_missing_and_unknown_fields_are_refused(wrong: dict[str, str]):
    with pytest.raises(TypeError, match=r"Route.__init__\(\)"):
        Route(**wrong)


def test_a_field_is_not_given_twice():
    with pytest.raises(TypeError, match="multiple values"):
        Pair(1, 2, left=1)  # type: ignore[misc]
    with pytest.raises(TypeError, match="positional arguments"):
        Pair(1, 2, 3)  # type: ignore[call-arg]


def test_fields_are_not_given_by_place_unless_the_record_says_so():
    with pytest.raises(TypeError):
        Route("/a")  # type: ignore[misc]
    assert Pair(1, right=2).right == 2


def test_a_record_cannot_be_changed():
    route = Route(path="/a")
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'path'"):
        route.path = "/b"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        del route.path
    with pytest.raises(AttributeError):
        route.unheard_of = 1  # type: ignore[attr-defined]
    assert route.path == "/a"


def test_one_that_is_not_frozen_can_be_changed_and_has_no_hash():
    count = Count()
    count.value += 1
    assert count == Count(value=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(count)
    with pytest.raises(AttributeError):
        count.other = 1  # type: ignore[attr-defined]


def test_records_are_equal_when_class_and_fields_are():
    assert Route(path="/a") == Route(path="/a", note="not compared")
    assert Route(path="/a") != Route(path="/b")
    assert Route(path="/a") != Guarded(path="/a")
    assert Route(path="/a") != "/a"
    assert Nothing() == Nothing()


def test_equal_records_have_equal_hashes():
    assert len({Pair(1, 2), Pair(1, 2), Pair(2, 1)}) == 2
    assert hash(Nothing()) == hash(Nothing())


def test_methods_that_are_written_out_stay():
    assert Named(name="a") == Named(name="b")
    assert hash(Named(name="a")) == 7
    assert repr(Named(name="a")) == "named"


def test_what_is_shown_leaves_out_what_should_not_be():
    assert repr(Route(path="/a", note="secret")) == "Route(path='/a', methods=('GET',), headers={})"


def test_a_record_that_holds_itself_can_be_shown():
    route = Route(path="/a")
    route.headers["self"] = route  # type: ignore[assignment]
    assert repr(route) == "Route(path='/a', methods=('GET',), headers={'self': ...})"


def test_a_record_inherits_fields_and_may_give_them_another_default():
    guarded = Guarded(methods=("PUT",))
    assert values_of(guarded) == {"path": "/", "methods": ("PUT",), "headers": {}, "note": "", "guard": "open"}
    assert isinstance(guarded, Route)
    assert not hasattr(guarded, "__dict__")


def test_what_is_worked_out_from_fields_is_set_after_them():
    assert Circle(radius=2).area == 12
    with pytest.raises(TypeError):
        Circle(radius=2, area=1)  # type: ignore[call-arg]


def test_replace_makes_a_changed_copy_and_works_out_the_rest_again():
    assert replace(Route(path="/a", note="n"), path="/b") == Route(path="/b", note="n")
    assert replace(Circle(radius=1), radius=3).area == 27


def test_positional_fields_are_matched():
    match Pair("a", "b"):
        case Pair(left, right):
            assert (left, right) == ("a", "b")


def test_records_can_be_copied_and_sent_to_another_process():
    route = Route(path="/a", headers={"a": "b"})
    assert copy.deepcopy(route) == route
    assert copy.copy(route).headers is route.headers
    assert pickle.loads(pickle.dumps(route)) == route


def test_the_standard_library_takes_them_for_dataclasses():
    assert dataclasses.is_dataclass(Route)
    assert [one.name for one in dataclasses.fields(Guarded)] == ["path", "methods", "headers", "note", "guard"]
    assert dataclasses.asdict(Route(path="/a")) == {"path": "/a", "methods": ("GET",), "headers": {}, "note": ""}
    assert dataclasses.replace(Route(path="/a"), path="/b") == Route(path="/b")


def test_making_records_does_not_load_dataclasses():
    program = (
        "import sys, naftiko_run.errors as e; e.Location(file='', line=1, column=1); sys.exit('dataclasses' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
