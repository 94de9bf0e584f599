"""The scope: what a name finds in it."""

from __future__ import annotations

from types import MappingProxyType

from naftiko_run.expressions.names import fold
from naftiko_run.expressions.scope import MISSING, dig, pick


def test_missing_is_not_null_and_counts_as_false():
    assert MISSING is not None
    assert not MISSING
    assert repr(MISSING) == "MISSING"


def test_names_fold_to_letters_and_digits():
    assert fold("account-id") == fold("accountId") == fold("Account_ID") == "accountid"
    assert fold("$$") == "$$"


def test_picking_prefers_the_exact_name():
    assert pick({"a-b": 1, "a_b": 2}, "a_b") == 2
    assert pick({"a-b": 1}, "aB") == 1
    assert pick({"a-b": 1}, "ab1") is MISSING
    assert pick({}, "a") is MISSING


def test_digging_follows_any_mapping_and_lists():
    value = MappingProxyType({"a": [{"b": 1}, {"b": None}]})

    assert dig(value, ("a", "0", "b")) == 1
    assert dig(value, ("a", "-1", "b")) is None
    assert dig(value, ("a", "2", "b")) is MISSING
    assert dig(value, ("a", "x")) is MISSING
    assert dig(value, ("a", "0", "b", "c")) is MISSING
