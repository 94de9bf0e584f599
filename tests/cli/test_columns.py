"""Two columns of a listing: texts stand under each other, whatever the names are."""

from __future__ import annotations

from naftiko_run.cli.columns import two_columns


def test_texts_stand_under_each_other():
    assert two_columns([("a", "x"), ("longer", "y")], "  ") == ["  a       x", "  longer  y"]


def test_one_very_long_name_does_not_push_the_others_aside():
    short, long = two_columns([("a", "x"), ("n" * 100, "y")])

    assert short == "a".ljust(60) + "  x"
    assert long == "n" * 100 + "  y"


def test_nothing_is_written_after_a_name_without_a_text():
    assert two_columns([("a", "")]) == ["a"]
