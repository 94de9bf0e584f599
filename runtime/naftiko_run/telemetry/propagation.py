"""Trace context in headers: what a caller sent becomes a parent, what we send tells the upstream of ours.

Both forms are understood on the way in, the configured one first; the configured one is sent. Anything malformed counts as
absent, as both specifications ask.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from naftiko_run.records import record
from naftiko_run.telemetry.spans import Span

Form = Literal["w3c", "b3"]
W3C_FIELDS = ("traceparent", "tracestate", "baggage")
B3_FIELDS = ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags")
FIELDS = frozenset((*W3C_FIELDS, *B3_FIELDS))
LONGEST = 8192

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_B3_SINGLE = re.compile(r"([0-9a-f]{16}|[0-9a-f]{32})-([0-9a-f]{16})(?:-([01d]))?(?:-[0-9a-f]{16})?")
_B3_TRACE = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
_B3_SPAN = re.compile(r"[0-9a-f]{16}")
_PRINTABLE = re.compile(r"[\x20-\x7e\t]*")


@record
class Remote:
    """The caller's span. ``sampled`` is its decision, ``None`` where it left that to us."""

    trace_id: int
    span_id: int
    sampled: bool | None
    state: str = ""
    baggage: str = ""


def extract(carrier: Mapping[str, str], form: Form = "w3c") -> Remote | None:
    """The caller's span from headers (lower-case names) or MCP ``_meta``; ``None`` where there is none."""
    readers = (_from_w3c, _from_b3) if form == "w3c" else (_from_b3, _from_w3c)
    return readers[0](carrier) or readers[1](carrier)


def _from_w3c(carrier: Mapping[str, str]) -> Remote | None:
    found = _TRACEPARENT.fullmatch(carrier.get("traceparent", "").strip())
    if found is None or found[1] == "ff" or (found[1] == "00" and found[5]):
        return None
    trace_id, span_id = int(found[2], 16), int(found[3], 16)
    if not trace_id or not span_id:
        return None
    return Remote(
        trace_id=trace_id, span_id=span_id, sampled=bool(int(found[4], 16) & 1),
        state=_passable(carrier.get("tracestate", "")), baggage=baggage_of(carrier),
    )  # fmt: skip


def _from_b3(carrier: Mapping[str, str]) -> Remote | None:
    found = _B3_SINGLE.fullmatch(carrier.get("b3", "").strip().lower())
    if found is not None:
        trace, span, decision = found[1], found[2], found[3] or ""
    else:
        trace, span = (carrier.get(name, "").strip().lower() for name in ("x-b3-traceid", "x-b3-spanid"))
        decision = "d" if carrier.get("x-b3-flags") == "1" else carrier.get("x-b3-sampled", "").strip().lower()
        if not _B3_TRACE.fullmatch(trace) or not _B3_SPAN.fullmatch(span):
            return None
    if not int(trace, 16) or not int(span, 16):
        return None
    sampled = {"1": True, "true": True, "d": True, "0": False, "false": False}.get(decision)
    return Remote(trace_id=int(trace, 16), span_id=int(span, 16), sampled=sampled, baggage=baggage_of(carrier))


def baggage_of(carrier: Mapping[str, str]) -> str:
    return _passable(carrier.get("baggage", ""))


def _passable(text: str) -> str:
    return text if len(text) <= LONGEST and _PRINTABLE.fullmatch(text) else ""


def outbound(span: Span, form: Form = "w3c") -> list[tuple[str, str]]:
    """The headers that tell an upstream whose work it does."""
    trace = span.trace
    if form == "b3":
        headers = [
            ("X-B3-TraceId", f"{trace.trace_id:032x}"),
            ("X-B3-SpanId", f"{span.span_id:016x}"),
            ("X-B3-Sampled", "1" if trace.sampled else "0"),
        ]
        return [*headers, ("X-B3-ParentSpanId", f"{span.parent_id:016x}")] if span.parent_id else headers
    headers = [("traceparent", f"00-{trace.trace_id:032x}-{span.span_id:016x}-{int(trace.sampled):02x}")]
    if trace.state:
        headers.append(("tracestate", trace.state))
    if trace.baggage:
        headers.append(("baggage", trace.baggage))
    return headers
