"""What a scheme of consumed authentication is: a block of the document becomes an ``Authentication``, bound secrets an
``Authenticator``.

An ``Authentication`` is declared and frozen: which names it owns on the wire and what it refers to. Binding it renders its
templates once and gives the live half, which writes credentials into requests and, for schemes that talk to somebody first,
keeps their state. Binding fails with the *name* of whatever has no value.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping

from naftiko_run.consumes.messages import Deadline, UpstreamReply, UpstreamRequest
from naftiko_run.consumes.settings import ClientCertificate
from naftiko_run.document.nodes import Node
from naftiko_run.errors import (
    BindingError,
    Finding,
    Location,
    MalformedRequest,
    OperationUnavailable,
    Place,
    Problems,
    location_of,
)
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.records import field, record
from naftiko_run.redaction import Redactor
from naftiko_run.registry import Registry

Send = Callable[[UpstreamRequest, Deadline], Awaitable[UpstreamReply]]
"""One request through the process's one client factory: limits and egress rules apply."""

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_INNER = re.compile("_([a-z])")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
FORBIDDEN = frozenset({"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer", "upgrade"})
"""Headers that frame a message or belong to one hop: never a credential's (requirement S33)."""


class Authenticator:
    """Writes credentials into requests. ``static`` ones need neither ``prepare`` nor a look at a 401."""

    static = True
    fixed = False
    """Whether ``apply`` writes the same headers into every request, whatever it holds."""
    certificate: ClientCertificate | None = None
    redactor: Redactor | None = None  # told of secrets that are obtained later
    path_values: Mapping[str, str] = {}
    """Credentials that stand for a ``{name}`` of the path or the base URI."""

    def apply(self, request: UpstreamRequest) -> None:
        """Add the credential; whatever the request carries under the same names is replaced."""

    async def prepare(self, send: Send, deadline: Deadline) -> None:
        """Obtain what ``apply`` needs, if it is not there yet."""

    def on_unauthorized(self, request: UpstreamRequest, reply: UpstreamReply) -> bool:
        """Look at a 401. True: ``prepare``, ``apply`` and send the same request again, once."""
        return False


Build = Callable[[Mapping[str, str]], Authenticator]


@record
class Authentication:
    """Declared. The ``*_names`` are what it owns on the wire (headers in lower case): a caller's inputs of that name are
    dropped.

    ``unsupported`` is why calls that need it are refused; their tools stay listed.
    """

    kind: str
    namespace: str = ""
    fields: Mapping[str, Template] = field(default_factory=dict, repr=False)
    open_fields: frozenset[str] = frozenset()  # fields that are no secrets
    build: Build = field(default=lambda values: Authenticator(), repr=False)
    header_names: frozenset[str] = frozenset()
    query_names: frozenset[str] = frozenset()
    path_names: frozenset[str] = frozenset()
    cookie_names: frozenset[str] = frozenset()
    body_names: frozenset[str] = frozenset()
    unsupported: Finding | None = None
    at: Location | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        return tuple(reference for template in self.fields.values() for reference in template.references)

    @property
    def per_call(self) -> bool:
        """Whether a caller's inputs are part of the credential, so that it is bound for each call."""
        return any(reference.root != "bind" for reference in self.references)

    def bind(self, scope: Scope, *, redactor: Redactor | None = None) -> Authenticator:
        """Render the credential; ``OperationUnavailable`` names each variable that has no value."""
        if self.unsupported is not None:
            raise OperationUnavailable(self.unsupported.message, hint=self.unsupported.hint, code=self.unsupported.code)
        missing = list(dict.fromkeys(r.name for r in self.references if r.evaluate(scope) is MISSING))
        if missing:
            names = ", ".join(map(repr, missing))
            message = f"namespace {self.namespace!r} needs {names} for its {self.kind} authentication"
            raise OperationUnavailable(
                message, hint=f"supply {names}, in the environment or under binds", code="E-SECRET-MISSING"
            )
        values = {name: str(template.render(scope)) for name, template in self.fields.items()}
        if redactor is not None and not self.per_call:  # what callers bring would fill the memory of a long run
            secrets = (value for name, value in values.items() if name not in self.open_fields)
            redactor.register_all(text for value in secrets for text in (value, *value.split()[-1:]))
        try:
            authenticator = self.build(values)
        except BindingError as error:
            if not self.per_call:
                raise
            raise MalformedRequest(error.message) from error  # the caller's part of it is what cannot be used
        authenticator.redactor = redactor
        return authenticator


@record
class AuthBlock:
    """One ``authentication`` block while it is compiled."""

    node: Node
    names: Names
    problems: Problems
    namespace: str

    def get(self, *keys: str) -> Template | None:
        """The template under the first present key."""
        child = self.node.get(*keys)
        return None if child is None or child.is_map or child.is_list else self.template(child)

    def template(self, node: Node) -> Template:
        return compile_template(node.text, self.names, at=node)

    def pick(self, **fields: tuple[str, ...]) -> dict[str, Template]:
        """The templates that are present, by our name for them."""
        found = {name: self.get(*keys) for name, keys in fields.items()}
        return {name: template for name, template in found.items() if template is not None}

    def pairs(self, *keys: str) -> Iterator[tuple[str, Node]]:
        """Named values: a map, or a list of ``{key or name, value}``."""
        child = self.node.get(*keys)
        if child is None:
            return
        yield from ((name, value) for name, value in child.items() if not value.is_null)
        for item in child.elements():
            value = item.get("value", "token")
            if value is not None:
                yield item.get_text("key", "name", "header"), value

    def refuse(
        self, message: str, hint: str, *, at: Place = None, code: str = "E-AUTH-UNSUPPORTED", kind: str = ""
    ) -> Authentication:
        """Report it, and stand in for the credential: calls are refused with the same words, never sent without one."""
        found = Finding(code=code, severity="error", message=message, at=location_of(at or self.node), hint=hint)
        self.problems.findings.append(found)
        kind = kind or self.node.get_text("type").lower()
        return Authentication(kind=kind, namespace=self.namespace, unsupported=found, at=self.node.location)

    def require(self, fields: Mapping[str, Template], *names: str) -> Authentication | None:
        """A refusal naming the fields that are not there, or nothing."""
        absent = [name for name in names if name not in fields]
        if not absent:
            return None
        listed = ", ".join(repr(written_as(name)) for name in absent)
        return self.refuse(f"authentication lacks {listed}", f"write {listed} beside type", code="E-AUTH-INCOMPLETE")


AuthFactory = Callable[[AuthBlock], Authentication]

AUTH_SCHEMES: Registry[AuthFactory] = Registry(
    "authentication type",
    {
        "naftiko_run.consumes.auth_schemes.apikey": ("apikey", "api-key", "api_key"),
        "naftiko_run.consumes.auth_schemes.aws": ("aws-sig-v4", "aws-sigv4", "sigv4", "awssigv4"),
        "naftiko_run.consumes.auth_schemes.certificate": ("certificate", "mtls", "mutual-tls", "client-certificate"),
        "naftiko_run.consumes.auth_schemes.digest": ("digest",),
        "naftiko_run.consumes.auth_schemes.oauth1": ("oauth1", "oauth1a", "oauth-1.0a"),
        "naftiko_run.consumes.auth_schemes.oauth2": ("oauth2", "oauth", "openidconnect", "oidc"),
        "naftiko_run.consumes.auth_schemes.simple": ("bearer", "token", "basic", "http", "header", "headers", "query"),
        "naftiko_run.consumes.auth_schemes.unsupported": ("hmac", "ntlm", "kerberos", "negotiate", "spnego"),
    },
)


def written_as(name: str) -> str:
    """How a document writes the field that we call ``name``."""
    return "authorizationServerUri" if name == "issuer" else _INNER.sub(lambda found: found[1].upper(), name)


def header_value(name: str, value: str) -> str:
    """``value`` as header ``name`` may carry it (requirement S33); the message names the header only."""
    if not _HEADER_VALUE.fullmatch(value):
        hint = "a line break at its end, or a character beyond ASCII, usually comes from the file it was read from"
        raise BindingError(f"the value bound to header {name!r} cannot travel in a header", hint=hint, code="E-SECRET-INVALID")
    return value.strip(" \t")


def set_header(request: UpstreamRequest, name: str, value: str) -> None:
    """Set header ``name``, in place of any that the request carries under it."""
    lowered = name.lower()
    if any(key.lower() == lowered for key, _ in request.headers):
        request.headers = [pair for pair in request.headers if pair[0].lower() != lowered]
    request.headers.append((name, value))


def get_header(request: UpstreamRequest, name: str) -> str:
    return next((value for key, value in request.headers if key.lower() == name), "")
