"""What an operator can choose about MCP serving; the defaults suit most hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

from naftiko_run.records import record

if TYPE_CHECKING:
    from naftiko_run.telemetry.telemetry import Telemetry

LongNames = Literal["keep", "shorten"]
OnCall = Callable[[str, str, Mapping[str, str]], object]
"""``on_call(method, name, trace)``: ``trace`` holds those of traceparent, tracestate and baggage that the caller sent."""


@record
class McpSettings:
    """``tools_mode="search"`` lists three tools that find, describe and call the others: for files with hundreds of them.

    ``long_tool_names="shorten"`` publishes names beyond 64 characters with a hash at their end, because hosts refuse longer
    ones; the declared spelling can be called either way. ``keep_alive`` is how many seconds an event stream may be silent:
    proxies close what is for a minute, some for half of one.
    """

    tools_mode: Literal["all", "search"] = "all"
    long_tool_names: LongNames = "shorten"
    page_size: int = 1000
    keep_alive: float = 15.0
    on_call: OnCall | None = None
    telemetry: Telemetry | None = None
