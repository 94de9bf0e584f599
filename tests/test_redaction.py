"""Redaction: a registered value disappears from every text, whatever form it took on its way there."""

from __future__ import annotations

import base64
import io
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naftiko_run.redaction import RedactionFilter, Redactor

SECRET = "s3cr3t/+value ü&?"


def redactor(*texts: str) -> Redactor:
    made = Redactor()
    made.register_all(texts)
    return made


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        quote(SECRET, safe="").replace("%2F", "%2f").replace("%2B", "%2b").replace("%C3%BC", "%c3%bc").replace("%3F", "%3f"),
        json.dumps(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode(),
    ],
)
def test_every_form_is_masked(form: str):
    assert redactor(SECRET).clean(f"<{form}>").replace("***", "") in ("<>", "<%26%3f>")


@given(before=st.text(max_size=8), secret=st.text(min_size=6, max_size=40), after=st.text(max_size=8))
@settings(max_examples=60, deadline=None)
def test_a_secret_inside_base64_of_something_longer_is_masked(before: str, secret: str, after: str):
    encoded = base64.b64encode(f"{before}:{secret}:{after}".encode()).decode()

    cleaned = redactor(secret).clean(encoded)

    assert "***" in cleaned
    assert secret not in cleaned


def test_a_value_that_contains_another_is_masked_whole():
    assert redactor("abcd", "abcdefgh").clean("abcdefgh abcd") == "*** ***"


def test_very_short_values_are_left_alone():
    assert redactor("", "1", "eu").clean("eu-1") == "eu-1"


def test_a_log_record_is_cleaned_with_its_arguments_and_traceback():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(RedactionFilter(redactor("canary-4711")))
    logger = logging.Logger("redaction-test")
    logger.addHandler(handler)

    try:
        raise ValueError("canary-4711 in an exception")
    except ValueError:
        logger.exception("failed with %s and %d", "canary-4711", 3, stack_info=True)

    written = stream.getvalue()
    assert "canary" not in written
    assert "failed with *** and 3" in written
    assert "ValueError: *** in an exception" in written
