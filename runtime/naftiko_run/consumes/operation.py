"""One upstream operation, resolved down to what only a caller can supply: arguments in, an ``UpstreamRequest`` out.

``request`` is pure: no socket, no environment. Where it is sent and with whose credentials is a ``Target``, made once at start
by the engine from the consumer's base URI and authentication.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from naftiko_run.consumes.bodies import BodyEncoder, RawBody, plain_value, retyped
from naftiko_run.consumes.inputs import WITH_BODY as WITH_BODY
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import PathTemplate
from naftiko_run.errors import Finding, Location
from naftiko_run.expressions.escape import header_value
from naftiko_run.expressions.jsonpath import JsonPath
from naftiko_run.expressions.reference import Reference
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.text import to_text
from naftiko_run.records import field, record

if TYPE_CHECKING:
    from naftiko_run.consumes.consumer import HttpConsumer
    from naftiko_run.consumes.formats.registry import Decoder

_SAFE_VALUE = re.compile(r"[A-Za-z0-9._~-]*")
_NAME_SAFE = "$[]:@!*(),;/~"
IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})


@record
class Target:
    """Where an operation's requests go: origin, path prefix (no trailing slash) and static headers, all rendered."""

    origin: Origin
    prefix: str = ""
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@record
class ConsumedOutput:
    """A named value that an operation's answer gives to later steps."""

    name: str
    path: JsonPath
    type: str = "object"


@record
class Operation:
    """``ref`` is what an author writes after ``call:``.

    ``withheld`` are input names (lower case) that the document declares and a caller never fills: what the configured
    authentication owns, what frames a message, what the path fixes. ``overridable`` are bound variables that a body template
    names like an argument, ``{{X}}``: an argument of that name wins over the variable. ``known`` is every name with a place.
    """

    ref: str
    name: str
    method: str
    path: PathTemplate
    consumer: HttpConsumer
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    body: BodyEncoder | None = None
    decoder: Decoder
    output_media_type: str = ""
    max_body: int | None = None
    outputs: tuple[ConsumedOutput, ...] = ()
    unavailable: Finding | None = None
    resource: str = ""  # the name of its resource
    withheld: frozenset[str] = frozenset()
    overridable: tuple[str, ...] = ()
    carries_credential: bool = False  # its own body template writes what the authentication would put there
    at: Location | None = None
    known: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        authentication = self.consumer.authentication
        names = {p.key for p in self.parameters} | {v.name for v in self.path.variables}
        names.update(self.consumer.base_uri.variables, authentication.path_names if authentication is not None else ())
        object.__setattr__(self, "known", frozenset(names))

    @property
    def idempotent(self) -> bool:
        return self.method in IDEMPOTENT

    @property
    def references(self) -> tuple[Reference, ...]:
        """What its templates refer to: body, fixed parameter values."""
        found = [ref for p in self.parameters if p.value is not None for ref in p.value.references]
        return (*found, *(self.body.references if self.body else ()))

    def request(self, arguments: Mapping[str, object], target: Target, binds: Mapping[str, str]) -> UpstreamRequest:
        """The complete request for ``arguments`` (by parameter key; undeclared ones travel as query or body fields)."""
        for name in self.overridable:
            if arguments.get(name, MISSING) not in (MISSING, None):
                binds = {**binds, name: to_text(arguments[name])}
        scope = Scope(arguments, {}, binds)
        values, extra = self._values(arguments, scope)
        query: list[str] = [pair(name, value) for name, value in target.query]
        headers: list[tuple[str, str]] = [*target.headers, *self.path.headers]
        for name, value in self.path.render_query(values, binds):
            query.append(pair(name, value))
        self._place(values, query, headers)
        body = self._body(values, extra, scope, headers, query)
        path = target.prefix + self.path.render(values, binds) or "/"
        return UpstreamRequest(
            method=self.method,
            origin=target.origin,
            target=f"{path}?{'&'.join(query)}" if query else path,
            headers=headers,
            body=body,
            idempotent=self.idempotent,
            operation=self.ref,
            max_body=self.max_body,
        )

    def _values(self, arguments: Mapping[str, object], scope: Scope) -> tuple[Mapping[str, object], dict[str, object]]:
        """Arguments with fixed values added, and apart from them those that no parameter declares."""
        extra = {key: value for key, value in arguments.items() if key not in self.known and value is not MISSING}
        fixed = {p.key: p.value.value(scope) for p in self.parameters if p.value is not None}
        return ({**arguments, **fixed} if fixed else arguments), extra

    def _place(self, values: Mapping[str, object], query: list[str], headers: list[tuple[str, str]]) -> None:
        """Query, header and cookie parameters; one that nobody supplied is left out, never sent as "None"."""
        cookies: list[str] = []
        for parameter in self.parameters:
            given = values.get(parameter.key, MISSING)
            if given is MISSING or given is None:
                continue
            if parameter.place == "query":
                add_query(query, parameter.name, given)
            elif parameter.place == "header":
                _set_header(headers, parameter.name, header_text(parameter.name, given))
            elif parameter.place == "cookie":
                cookies.append(f"{parameter.name}={quote(to_text(given), safe='', errors='replace')}")
        if cookies:
            headers.append(("Cookie", "; ".join(cookies)))

    def _body(
        self, values: Mapping[str, object], extra: dict[str, object], scope: Scope,
        headers: list[tuple[str, str]], query: list[str],
    ) -> bytes | None:  # fmt: skip
        if self.body is None:
            for name, value in extra.items():
                add_query(query, name, value)
            return None
        declared = next((value for name, value in headers if name.lower() == "content-type"), "")
        encoder = retyped(self.body, declared) if declared else self.body
        content, media_type = encoder.encode(values, extra, scope)
        if content is not None and media_type:
            _set_header(headers, "Content-Type", media_type)
        return content


def pair(name: str, value: str) -> str:
    """``name=value`` of a query, encoded."""
    text = value if _SAFE_VALUE.fullmatch(value) else quote_plus(value, errors="replace")
    return f"{name if _SAFE_VALUE.fullmatch(name) else quote(name, safe=_NAME_SAFE, errors='replace')}={text}"


def add_query(query: list[str], name: str, value: object) -> None:
    """Arrays repeat the key, except OData's ``$`` names, which take commas; a map is JSON."""
    value = plain_value(value)
    if isinstance(value, list):
        if name.startswith("$"):
            query.append(pair(name, ",".join(map(to_text, value))))
        else:
            query.extend(pair(name, to_text(item)) for item in value)
    elif value is not None:
        query.append(pair(name, to_text(value)))


def header_text(name: str, value: object) -> str:
    """``value`` as a header value (requirement S33); a list is joined with commas."""
    plain = plain_value(value) if isinstance(value, RawBody) else value
    text = ",".join(map(to_text, plain)) if isinstance(plain, list) else to_text(plain)
    return header_value(text, name)


def _set_header(headers: list[tuple[str, str]], name: str, value: str) -> None:
    lowered = name.lower()
    headers[:] = [pair for pair in headers if pair[0].lower() != lowered]
    headers.append((name, value))
