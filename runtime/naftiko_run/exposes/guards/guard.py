"""What authentication of callers is: a block of the document becomes a ``CallerAuth``, bound secrets a ``Guard``.

A guard answers one question per request: who is this? It returns a ``Principal`` or raises 401, 403 or 429. Kinds that never
wait answer through ``check_now``; the others give ``None`` there when only ``check`` can tell. What must never happen is an
adapter that was meant to be closed and is open: a block that cannot be used refuses to be bound.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from naftiko_run.consumes.auth_schemes.scheme import written_as
from naftiko_run.document.nodes import Node
from naftiko_run.errors import BindingError, Finding, Location, Place, Problems, SpecError, Unauthenticated, location_of
from naftiko_run.exposes.guards.failures import FailureLimit
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.records import field, record
from naftiko_run.registry import Registry

if TYPE_CHECKING:
    from naftiko_run.consumes.auth_schemes.scheme import Send
    from naftiko_run.redaction import Redactor

REALM = "naftiko"


@record
class Principal:
    """Who calls: by which kind of credential, and as far as it tells, who issued it, for whom, and for what."""

    kind: str
    name: str = ""
    issuer: str = ""
    scopes: frozenset[str] = frozenset()


@record
class GuardContext:
    """What guards get from outside. ``send`` is only needed by those that ask an authorization server."""

    send: Send | None = None
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time
    failures: FailureLimit = field(default_factory=FailureLimit)


class Guard:
    """Tells who calls, or refuses."""

    challenge = ""
    metadata_path = ""  # where the resource is described to anybody

    def __init__(self, context: GuardContext) -> None:
        self.context = context

    def check_now(self, request: HttpRequest) -> Principal | None:
        """The caller, without waiting; ``None`` where only ``check`` can tell."""
        self.context.failures.admit(request.peer)
        return self.decide(request)

    async def check(self, request: HttpRequest) -> Principal:
        """The caller; ``Unauthenticated``, ``Forbidden`` or ``TooManyRequests`` otherwise."""
        found = self.check_now(request)
        return await self.decide_later(request) if found is None else found

    def decide(self, request: HttpRequest) -> Principal | None:
        raise NotImplementedError

    async def decide_later(self, request: HttpRequest) -> Principal:
        raise NotImplementedError

    def well_known(self, request: HttpRequest) -> HttpAnswer | None:
        """The answer to a request that is served without authentication, or nothing."""
        return None

    def missing(self) -> Unauthenticated:
        """No credential was presented: nothing was guessed, so nothing is counted."""
        return Unauthenticated("authentication is required", challenge=self.challenge)

    def wrong(
        self, request: HttpRequest, message: str = "the credential is not valid", *, challenge: str = ""
    ) -> Unauthenticated:
        """A credential was presented and is none of ours: counted against the caller's address."""
        self.context.failures.record(request.peer)
        return Unauthenticated(message, challenge=challenge or self.challenge)


Build = Callable[[Mapping[str, str], GuardContext], Guard]


@record
class CallerAuth:
    """Declared. ``problem`` keeps it from being bound."""

    kind: str
    fields: Mapping[str, Template] = field(default_factory=dict, repr=False)
    open_fields: frozenset[str] = frozenset()  # fields that are no secrets
    may_be_empty: frozenset[str] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)  # what callers may know: the key's name and place, scopes
    build: Build | None = field(default=None, repr=False)
    problem: Finding | None = None
    at: Location | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(reference for template in self.fields.values() for reference in template.references)

    def bind(self, scope: Scope, *, context: GuardContext | None = None, redactor: Redactor | None = None) -> Guard:
        """The live guard. An expected secret without a value, or with an empty one, is an error (requirement S20)."""
        if self.problem is not None or self.build is None:
            raise SpecError(self._said(), at=self.at, code=self.problem.code if self.problem else "")
        missing = list(dict.fromkeys(r.name for r in self.references if r.evaluate(scope) is MISSING))
        if missing:
            names = ", ".join(map(repr, missing))
            message = f"no value for {names}, which callers are checked against"
            hint = f"supply {names}, in the environment or under binds"
            raise BindingError(message, at=self.at, hint=hint, code="E-SECRET-MISSING")
        values = {name: str(template.render(scope)) for name, template in self.fields.items()}
        empty = [name for name, value in values.items() if not value.strip() and name not in self.may_be_empty]
        if empty:
            raise BindingError(
                f"the {written_as(empty[0])} that callers are checked against is empty", at=self.at, code="E-SECRET-EMPTY"
            )
        if redactor is not None:
            redactor.register_all(value for name, value in values.items() if name not in self.open_fields)
        return self.build(values, context or GuardContext())

    def _said(self) -> str:
        return self.problem.message if self.problem else "callers cannot be authenticated"


@record
class CallerBlock:
    """One ``authentication`` block of an exposure while it is compiled."""

    node: Node
    names: Names
    problems: Problems

    def pick(self, **fields: tuple[str, ...]) -> dict[str, Template]:
        """The templates that are present, by our name for them."""
        found = {name: self.node.get(*keys) for name, keys in fields.items()}
        return {name: compile_template(n.text, self.names, at=n) for name, n in found.items() if n is not None}

    def refuse(self, message: str, hint: str, *, at: Place = None, code: str = "E-AUTH-INCOMPLETE") -> CallerAuth:
        found = Finding(code=code, severity="error", message=message, at=location_of(at or self.node), hint=hint)
        self.problems.findings.append(found)
        return CallerAuth(kind=self.node.get_text("type").lower(), problem=found, at=self.node.location)

    def require(self, fields: Mapping[str, Template], *names: str) -> CallerAuth | None:
        """A refusal naming a field that is absent or written empty, or nothing."""
        for name in names:
            key = written_as(name)
            if name not in fields:
                return self.refuse(f"authentication lacks {key!r}", f"write {key}: '{{{{NAME}}}}' beside type")
            if fields[name].is_literal and not fields[name].source.strip():
                return self.refuse(f"the expected {key} is empty", f"write {key}: '{{{{NAME}}}}'", code="E-SECRET-EMPTY")
        return None


CallerAuthFactory = Callable[[CallerBlock], CallerAuth]

CALLER_AUTH: Registry[CallerAuthFactory] = Registry(
    "caller authentication type",
    {
        "naftiko_run.exposes.guards.digest": ("digest",),
        "naftiko_run.exposes.guards.fixed": ("bearer", "token", "apikey", "api-key", "api_key", "basic"),
        "naftiko_run.exposes.guards.oauth2": ("oauth2", "oauth"),
    },
)


def only_header(request: HttpRequest, name: str) -> str | None:
    """The value of header ``name``; ``None`` where it is absent, ``""`` where it stands there more than once."""
    found = [value for key, value in request.headers if key == name]
    return None if not found else found[0] if len(found) == 1 else ""
