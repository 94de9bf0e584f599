"""Trace context read from headers: both forms, and everything malformed counts as absent."""

from __future__ import annotations

import pytest

from naftiko_run.telemetry.propagation import extract

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("carrier", "sampled"),
    [
        pytest.param({"traceparent": f"00-{TRACE}-{SPAN}-01"}, True, id="w3c"),
        pytest.param({"traceparent": f"00-{TRACE}-{SPAN}-00"}, False, id="w3c, not sampled"),
        pytest.param({"traceparent": f"cc-{TRACE}-{SPAN}-01-more"}, True, id="w3c, a later version"),
        pytest.param({"b3": f"{TRACE}-{SPAN}-1"}, True, id="b3 in one header"),
        pytest.param({"b3": f"{TRACE}-{SPAN}"}, None, id="b3, undecided"),
        pytest.param({"b3": f"{TRACE}-{SPAN}-d-{SPAN}"}, True, id="b3, debug, with a parent"),
        pytest.param({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "0"}, False, id="b3 in several"),
        pytest.param({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1"}, True, id="b3, debug flag"),
    ],
)
def test_a_callers_span_is_read(carrier, sampled):
    found = extract(carrier)

    assert found is not None
    assert (f"{found.trace_id:032x}", f"{found.span_id:016x}", found.sampled) == (TRACE, SPAN, sampled)


@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"traceparent": ""},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{'0' * 16}-01"},
        {"traceparent": f"ff-{TRACE}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{SPAN}-01-more"},
        {"traceparent": f"00-{TRACE.upper()}-{SPAN}-01"},
        {"traceparent": f"00-{TRACE}-{SPAN}"},
        {"b3": "0"},
        {"b3": f"{'0' * 32}-{SPAN}-1"},
        {"x-b3-traceid": TRACE},
        {"x-b3-traceid": TRACE, "x-b3-spanid": "xyz"},
    ],
)
def test_what_is_malformed_counts_as_absent(carrier):
    assert extract(carrier) is None


def test_the_configured_form_is_looked_for_first():
    carrier = {"traceparent": f"00-{TRACE}-{SPAN}-01", "b3": f"{'1' * 32}-{SPAN}-1"}

    assert f"{extract(carrier, 'b3').trace_id:032x}" == "1" * 32
    assert f"{extract(carrier, 'w3c').trace_id:032x}" == TRACE


@pytest.mark.parametrize("text", ["x" * 9000, "a=\u00e9", "a=1\r\nevil: 1"])
def test_baggage_that_cannot_be_a_header_is_dropped(text):
    assert extract({"traceparent": f"00-{TRACE}-{SPAN}-01", "baggage": text}).baggage == ""
