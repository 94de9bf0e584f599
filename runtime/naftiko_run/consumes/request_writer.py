"""An operation whose requests differ in path and query only becomes a ``RequestWriter``: all else is written once.

That is nearly every call that reads. What it writes is what ``Operation.request`` and the authenticator write, which the tests
hold against each other; where a call needs more (a header, a body) it says so by ``None``, and the general way is taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeVar

from naftiko_run.consumes.auth_schemes.scheme import Authenticator
from naftiko_run.consumes.messages import Origin, UpstreamRequest
from naftiko_run.consumes.operation import Operation, Target, add_query, pair
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import PLAIN, Part, PathVariable, encode_segment
from naftiko_run.consumes.request_head import request_line
from naftiko_run.errors import MalformedRequest
from naftiko_run.expressions.scope import MISSING

_SAFE = re.compile(r"[A-Za-z0-9._~-]*")


Place = TypeVar("Place", int, str)
Holes = tuple[tuple[Place, str], ...]
"""What is open in a request: the place of a value among those that its caller gave, and the text that follows it."""


def fill(start: str, holes: Holes[Place], values: Any) -> bytes:
    """The text with ``values[place]`` in its holes, as bytes; nothing where one of them is no ``PLAIN`` text."""
    text = start
    for place, following in holes:
        value = values[place]
        if type(value) is not str or not PLAIN.fullmatch(value):
            return b""
        text += value + following
    return text.encode("ascii")


class RequestWriter:
    """``request(arguments)`` for one operation, target and credential. A client makes its ``block`` of the ``sample``."""

    def __init__(
        self, operation: Operation, target: Target, binds: Mapping[str, str], authenticator: Authenticator | None
    ) -> None:
        self.operation = operation
        self._origin = target.origin
        self._parts = _settled(target.prefix, operation.path.parts, binds)
        self._query = [pair(name, value) for name, value in [*target.query, *operation.path.render_query({}, binds)]]
        self._parameters = tuple((p.key, p.name, pair(p.name, "")) for p in operation.parameters if p.place == "query")
        self._elsewhere = frozenset(p.key for p in operation.parameters if p.place not in ("query", "path"))
        self._known = operation.known
        self._has_choices = bool(self._parameters or self._elsewhere)
        self._method, self._idempotent, self._max_body = operation.method, operation.idempotent, operation.max_body
        self.sample = UpstreamRequest(
            method=operation.method, origin=target.origin, target="/", headers=[*target.headers, *operation.path.headers]
        )
        if authenticator is not None:
            authenticator.apply(self.sample)
        self.block = b""

    @property
    def method(self) -> str:
        return self._method

    @property
    def origin(self) -> Origin:
        return self._origin

    def request(self, arguments: Mapping[str, object]) -> UpstreamRequest | None:
        """The complete request, or ``None`` where it takes more than a path and a query."""
        target = self.target(arguments)
        return self.request_for(target) if target else None

    def target(self, arguments: Mapping[str, object]) -> str:
        """The request target; empty where a request takes more than a path and a query."""
        path = ""
        for part in self._parts:
            if isinstance(part, str):
                path += part
            else:
                value = arguments.get(part.name, MISSING)
                path += value if isinstance(value, str) and PLAIN.fullmatch(value) else encode_segment(part, value)
        query = self._query
        if self._has_choices or not self._known.issuperset(arguments):
            if not self._elsewhere.isdisjoint(arguments):
                return ""
            query = self._filled(arguments)
        return f"{path}?{'&'.join(query)}" if query else path or "/"

    def holes(self, places: Mapping[str, Place]) -> tuple[str, Holes[Place]] | None:
        """How a whole head is written where its arguments are texts, each ``PLAIN``: what stands before the first of them,
        and each with what follows. ``places`` says for each argument where it is found. ``None`` where it takes more than that.
        """
        given = places.keys()
        if not (self.block and self._known.issuperset(given) and self._elsewhere.isdisjoint(given)):
            return None
        variables = {part.name for part in self._parts if isinstance(part, PathVariable)}
        if not variables.issubset(given) or not {key for key, _, _ in self._parameters}.isdisjoint(given):
            return None
        try:
            sample = request_line(self._method, self.target(dict.fromkeys(given, "x"))).decode("ascii")
        except MalformedRequest:
            return None
        texts, order = [f"{self._method} "], list[Place]()
        for part in self._parts:
            if isinstance(part, str):
                texts[-1] += part
            else:
                order.append(places[part.name])
                texts.append("")
        texts[-1] += f"{'?' + '&'.join(self._query) if self._query else ''} HTTP/1.1\r\n"
        if "x".join(texts) != sample:
            return None
        texts[-1] += self.block.decode("ascii")
        return texts[0], tuple(zip(order, texts[1:], strict=True))

    def request_for(self, target: str) -> UpstreamRequest:
        return UpstreamRequest(
            method=self._method,
            origin=self._origin,
            target=target,
            headers=list(self.sample.headers),
            idempotent=self._idempotent,
            operation=self.operation.ref,
            max_body=self._max_body,
            block=self.block,
        )

    def _filled(self, arguments: Mapping[str, object]) -> list[str]:
        query = self._query.copy()
        for key, name, start in self._parameters:
            given = arguments.get(key, MISSING)
            if given is MISSING or given is None:
                continue
            if type(given) is str and _SAFE.fullmatch(given):
                query.append(start + given)
            else:
                add_query(query, name, given)
        known = self._known
        for key, given in arguments.items():
            if key not in known and given is not MISSING:
                add_query(query, key, given)
        return query


def compile_writer(
    operation: Operation, target: Target, binds: Mapping[str, str], authenticator: Authenticator | None
) -> RequestWriter | None:
    """``None`` where requests of the operation differ in more than path and query."""
    if operation.unavailable is not None or operation.body is not None or operation.overridable:
        return None
    if any(_needs_more(parameter) for parameter in operation.parameters) or _has_variables(operation):
        return None
    if authenticator is not None and (not authenticator.fixed or operation.carries_credential):
        return None
    return RequestWriter(operation, target, binds, authenticator)


def _needs_more(parameter: Parameter) -> bool:
    return parameter.value is not None


def _has_variables(operation: Operation) -> bool:
    return any(isinstance(part, PathVariable) for _, parts in operation.path.query for part in parts)


def _settled(prefix: str, parts: tuple[Part, ...], binds: Mapping[str, str]) -> tuple[Part, ...]:
    """The parts with bound variables filled in and neighbouring text joined."""
    settled: list[Part] = [prefix]
    for part in parts:
        bound = binds.get(part.name) if isinstance(part, PathVariable) and part.bind else None
        text = part if isinstance(part, str) else encode_segment(part, bound) if bound is not None else None
        last = settled[-1]
        if text is not None and isinstance(last, str):
            settled[-1] = last + text
        else:
            settled.append(part if text is None else text)
    return tuple(settled)
