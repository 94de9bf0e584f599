"""What a caller sends over HTTP and what it gets back: plain values between the listener and an adapter.

The listener (``server``) parses, limits and frames; an adapter only sees complete requests and returns complete answers, so
every adapter can be called in a test without a socket.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from naftiko_run.records import field, record


@record(frozen=False)
class HttpRequest:
    """One inbound request. ``path`` and ``query`` are raw (still percent-encoded); header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    peer: str = ""  # the caller's address, without port
    request_id: str = ""
    on_disconnect: Callable[[], object] | None = None  # set by an adapter that wants to know; called at most once
    noted: dict[str, object] | None = None  # what adapters found out about the headers; requests with the same ones share it

    def header(self, name: str, default: str = "") -> str:
        """The first header of that (lower-case) name."""
        for key, value in self.headers:
            if key == name:
                return value
        return default


@record(frozen=False)
class HttpAnswer:
    """One outbound answer. With ``stream`` the body is sent in chunks as they come and ``body`` is ignored."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    stream: AsyncIterator[bytes] | None = None


Handler = Callable[[HttpRequest], Awaitable[HttpAnswer]]
