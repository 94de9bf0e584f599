"""What travels to an upstream and back: plain values, whatever client sends them."""

from __future__ import annotations

import time

from naftiko_run.records import field, record


@record
class Origin:
    """Scheme, host and port of an upstream. ``literal`` says the document names the host itself (see egress rules)."""

    scheme: str
    host: str
    port: int
    literal: bool = True
    authority: str = field(init=False, repr=False, compare=False)
    """``host`` or ``host:port``, the port left out where it is the scheme's own; IPv6 in brackets."""
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        own = self.port == (443 if self.scheme == "https" else 80)
        object.__setattr__(self, "authority", host if own else f"{host}:{self.port}")
        object.__setattr__(self, "_hash", hash((self.scheme, self.host, self.port, self.literal)))

    def __hash__(self) -> int:
        return self._hash  # every request is looked up by its origin several times

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@record(frozen=False)
class UpstreamRequest:
    """One request, complete. ``target`` is the raw request target (``/path?query``), already percent-encoded.

    ``headers`` are names as the author wrote them with values that passed the header rule; ``Host``, ``Content-Length`` and
    hop-by-hop fields are the client's business. ``idempotent`` allows a retry after a failed attempt.
    """

    method: str
    origin: Origin
    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | None = None
    idempotent: bool = False
    operation: str = ""  # "namespace.operation", for logs and spans
    max_body: int | None = None  # a tighter response limit than the process's, in bytes
    block: bytes = b""  # its whole header block, checked and written before; see ``HttpClient.block``


@record(frozen=False)
class UpstreamReply:
    """One response, its body complete and inflated. ``headers`` have lower-case names, in order, duplicates kept."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str, default: str = "") -> str:
        for key, value in self.headers:
            if key == name:
                return value
        return default

    @property
    def media_type(self) -> str:
        """``Content-Type`` in lower case without parameters, ``""`` when there is none."""
        return self.header("content-type").partition(";")[0].strip().lower()


class Deadline:
    """A point in monotonic time that everything one request causes has to respect."""

    __slots__ = ("at",)

    def __init__(self, seconds: float) -> None:
        self.at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - time.monotonic())
