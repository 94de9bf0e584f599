"""The errors this package raises on purpose, and the findings a document collects.

Whose fault decides the branch::

    NaftikoError
    |-- SpecError            the author's: the document is wrong; found before anything is served
    |   |-- DocumentError        it cannot be read at all
    |   |-- UnresolvedReference  a name that nothing declares
    |   `-- UnsupportedFeature   a word the language knows and this runtime does not serve
    |-- BindingError         the operator's: a variable, file, port or option, found at start
    `-- RequestError         one request's: the caller's input, or what the upstream did with it

A *finding* is one mistake with its place. Compiling never stops at the first: every package hands its findings to one
``Problems``, and all of them are reported together. Nothing here knows HTTP framing or MCP; the two tables that translate
``RequestError`` outward are in ``exposes/answers.py``.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, Protocol

from naftiko_run.records import record

Severity = Literal["error", "warning", "note"]


@record
class Location:
    """A place in a file: 1-based ``line`` and ``column``, and the document path (``capability.exposes[0].port``)."""

    file: str
    line: int
    column: int
    path: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Located(Protocol):
    """Anything that knows where it was written: a ``Node``."""

    @property
    def location(self) -> Location: ...


Place = Location | Located | None


def location_of(place: Place) -> Location | None:
    """The location behind a node, a location or nothing."""
    return place if place is None or isinstance(place, Location) else place.location


@record
class Finding:
    """One thing to say about a document. ``code`` is stable (``E-CALL-UNRESOLVED``, ``W-PORT-IN-USE``)."""

    code: str
    severity: Severity
    message: str
    at: Location | None = None
    hint: str = ""

    def __str__(self) -> str:
        return render(self.severity, self.code, self.message, self.at, self.hint)


def render(severity: str, code: str, message: str, at: Location | None, hint: str) -> str:
    """The printed form of a finding or an error: place, severity, code and text, then path and hint, indented."""
    head = f"{at}: " if at else ""
    inside = f"\n  in {at.path}" if at and at.path else ""
    advice = f"\n  hint: {hint}" if hint else ""
    return f"{head}{severity} {code}: {message}{inside}{advice}"


class Problems:
    """Collects findings while a document is read and compiled; the order is the order of discovery."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def error(self, code: str, message: str, at: Place = None, hint: str = "") -> None:
        self._add("error", code, message, at, hint)

    def warn(self, code: str, message: str, at: Place = None, hint: str = "") -> None:
        self._add("warning", code, message, at, hint)

    def note(self, code: str, message: str, at: Place = None, hint: str = "") -> None:
        self._add("note", code, message, at, hint)

    def add(self, error: NaftikoError) -> None:
        """Record an exception raised while compiling one unit."""
        self.findings.append(error.finding)

    def _add(self, severity: Severity, code: str, message: str, at: Place, hint: str) -> None:
        found = Finding(code=code, severity=severity, message=message, at=location_of(at), hint=hint)
        self.findings.append(found)

    @property
    def errors(self) -> list[Finding]:
        return [f for f in self.findings if f.severity == "error"]


class NaftikoError(Exception):
    """Base of every error this package raises on purpose."""

    code = "E-INTERNAL"

    def __init__(self, message: str, *, at: Place = None, hint: str = "", code: str = "") -> None:
        super().__init__(message)
        self.message, self.at, self.hint = message, location_of(at), hint
        if code:
            self.code = code

    @property
    def finding(self) -> Finding:
        return Finding(code=self.code, severity="error", message=self.message, at=self.at, hint=self.hint)

    def __str__(self) -> str:
        return str(self.finding)


# ---- the author's


class SpecError(NaftikoError):
    """The document is wrong; its author can fix it before anything is served."""

    code = "E-SPEC"


class DocumentError(SpecError):
    """The file cannot be read as a capability document (``E-YAML``, ``E-TRUNCATED``, ``E-NOT-CAPABILITY``, limits)."""

    code = "E-YAML"


class DocumentErrors(DocumentError):
    """Several findings that together refuse a document."""

    def __init__(self, findings: list[Finding]) -> None:
        first = next((f for f in findings if f.severity == "error"), findings[0])
        super().__init__(first.message, at=first.at, hint=first.hint, code=first.code)
        self.findings = findings

    def __str__(self) -> str:
        return "\n".join(map(str, self.findings))


class UnresolvedReference(SpecError):
    """A name that nothing in the document, or in a registry, declares."""

    code = "E-UNRESOLVED"

    def __init__(self, kind: str, name: str, *, known: Iterable[str], at: Place = None, code: str = "") -> None:
        super().__init__(f"unknown {kind} {name!r}", at=at, hint=suggest(name, known), code=code)


class UnsupportedFeature(SpecError):
    """A word the language knows and this runtime does not serve; the hint says what to use instead."""

    code = "E-UNSUPPORTED"


def suggest(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name: the nearest known one, else the list of them (at most ten)."""
    names = sorted(set(known))
    import difflib

    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    listed = ", ".join(names[:10]) + (f", ... ({len(names)} in all)" if len(names) > 10 else "")
    return f"known: {listed}" if names else "none is declared"


# ---- the operator's


class BindingError(NaftikoError):
    """Something the operator supplies is missing or unusable: a variable, a file, a port, an option."""

    code = "E-BINDING"


# ---- one request's


class RequestError(NaftikoError):
    """One request failed. ``status`` is the HTTP answer of SECURITY requirements, table of failures to answers."""

    code = "E-REQUEST"
    status = 500
    title = "Request failed"

    def __init__(
        self, message: str, *, hint: str = "", code: str = "", retry_after: float | None = None,
        extra: dict[str, object] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message, hint=hint, code=code)
        self.retry_after = retry_after
        self.extra = extra or {}


class InvalidInputs(RequestError):
    """The caller's inputs are wrong; ``errors`` holds one ``{name, place, message}`` per wrong input."""

    code, status, title = "E-INPUT", 400, "Invalid request"

    def __init__(self, errors: list[dict[str, str]]) -> None:
        text = "; ".join(f"{e['name']}: {e['message']}" for e in errors)
        super().__init__(text, extra={"errors": errors})
        self.errors = errors


class MalformedRequest(RequestError):
    """The request cannot be read: broken JSON, an unusable path value."""

    code, status, title = "E-MALFORMED", 400, "Malformed request"


class Unauthenticated(RequestError):
    """The caller gave no valid credential; ``challenge`` is the ``WWW-Authenticate`` value."""

    code, status, title = "E-UNAUTHENTICATED", 401, "Authentication required"

    def __init__(self, message: str, *, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class Forbidden(RequestError):
    """The caller is known and may not do this (scope, origin)."""

    code, status, title = "E-FORBIDDEN", 403, "Forbidden"

    def __init__(self, message: str, *, challenge: str = "") -> None:
        super().__init__(message)
        self.challenge = challenge


class NotFound(RequestError):
    code, status, title = "E-NOT-FOUND", 404, "Not found"


class MethodNotAllowed(RequestError):
    """The path exists, the method does not; ``allow`` lists those that do."""

    code, status, title = "E-METHOD", 405, "Method not allowed"

    def __init__(self, message: str, *, allow: Iterable[str]) -> None:
        super().__init__(message)
        self.allow = tuple(allow)


class BodyTooLarge(RequestError):
    code, status, title = "E-BODY-SIZE", 413, "Request body too large"


class MisdirectedRequest(RequestError):
    """The ``Host`` is not one this listener answers for."""

    code, status, title = "E-HOST", 421, "Misdirected request"


class TooManyRequests(RequestError):
    code, status, title = "E-RATE", 429, "Too many requests"


class OperationUnavailable(RequestError):
    """The document leaves this operation without something it needs; the message names the setting to supply."""

    code, status, title = "E-UNAVAILABLE", 501, "Operation not available"


class UpstreamError(RequestError):
    """The upstream could not be used."""

    code, status, title = "E-UPSTREAM", 502, "Upstream failed"


class UpstreamUnreachable(UpstreamError):
    """Refused, DNS, TLS or reset before a response: nothing was answered."""

    code, title = "E-UPSTREAM-UNREACHABLE", "Upstream unreachable"


class UpstreamBroken(UpstreamError):
    """The response was cut short, undecodable, or over a limit."""

    code, title = "E-UPSTREAM-BROKEN", "Upstream answered unusably"


class EgressRefused(UpstreamError):
    """The destination is one this runtime does not call."""

    code, title = "E-EGRESS", "Destination refused"


class UpstreamTimeout(RequestError):
    code, status, title = "E-UPSTREAM-TIMEOUT", 504, "Upstream timed out"


class Overloaded(RequestError):
    """A limit on work in flight was reached, here or for one namespace; ``retry_after`` is in seconds."""

    code, status, title = "E-OVERLOADED", 503, "Overloaded"


class CircuitOpen(RequestError):
    """The upstream failed repeatedly and is being left alone; ``retry_after`` is in seconds."""

    code, status, title = "E-CIRCUIT-OPEN", 503, "Upstream unavailable"


class UpstreamStatus(RequestError):
    """The upstream answered with an error status. ``upstream_status`` is its own; ``excerpt`` is bounded text of its body."""

    code, title = "E-UPSTREAM-STATUS", "Upstream refused the request"

    def __init__(self, message: str, *, upstream_status: int, excerpt: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, retry_after=retry_after, extra={"upstreamStatus": upstream_status})
        self.upstream_status, self.excerpt = upstream_status, excerpt
        # Our credential being refused is not the caller's fault; a redirect is not followed; 5xx is a bad gateway.
        relayed = 400 <= upstream_status < 500 and upstream_status not in (401, 403, 407)
        self.status = upstream_status if relayed else 502


class MappingFailed(RequestError):
    """The upstream's answer could not be shaped as the document says."""

    code, status, title = "E-MAPPING", 502, "Answer could not be mapped"


class ScriptFailed(RequestError):
    """A script step failed, ran out of a limit, or is switched off."""

    code, status, title = "E-SCRIPT", 500, "Script failed"


class StepFailed(RequestError):
    """Step ``step`` of a flow failed. The status is the cause's; ``completed`` names the steps done before it."""

    code, title = "E-STEP", "A step failed"

    def __init__(self, step: str, cause: RequestError, *, completed: list[str], side_effects: list[str]) -> None:
        extra = {**cause.extra, "step": step, "completed": completed, "sideEffects": side_effects}
        super().__init__(f"step {step!r} failed: {cause.message}", retry_after=cause.retry_after, extra=extra, code=cause.code)
        self.step, self.cause, self.status, self.title = step, cause, cause.status, cause.title
