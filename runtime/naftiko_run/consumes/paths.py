"""A consumed path becomes a ``PathTemplate``: literal text and variables, plus the query and headers hidden in it.

Published paths carry more than a path: a query (``/items?type=a&id={id}``), a discriminator after ``#`` that the service
expects as a header or a query (``/#X-Amz-Target=Svc.Op``), variables inside a segment (``/f(k='{x}')``, ``{x}.json``) and
variables that span segments (``{path+}``). All of that is settled here, once; filling in values is one pass over the parts.

A value never changes the shape of the path (requirement S32): it is percent-encoded as one segment, and ``.``, ``..``, empty
and control characters are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from naftiko_run.errors import MalformedRequest
from naftiko_run.expressions.escape import path_segment, path_segments
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.scope import MISSING
from naftiko_run.expressions.text import to_text
from naftiko_run.records import field, record

_VARIABLE = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{([^{}/]*)\}")
PLAIN = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*")
_LITERAL_SAFE = "/!$&'()*+,;=:@-._~%"


@record
class PathVariable:
    """A place in the path. ``bind`` names a bound variable instead of an argument; ``spans`` keeps slashes."""

    name: str
    bind: bool = False
    spans: bool = False


Part = str | PathVariable


@record
class PathTemplate:
    """``parts`` alternate literal text (already encoded) and variables; ``query`` pairs have parts as values."""

    source: str
    parts: tuple[Part, ...]
    query: tuple[tuple[str, tuple[Part, ...]], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    variables: tuple[PathVariable, ...] = field(init=False, repr=False, compare=False)
    """Every variable once, in order, those of the query included."""

    def __post_init__(self) -> None:
        found = {part.name: part for part in self.parts if isinstance(part, PathVariable)}
        for _, value in self.query:
            found.update((part.name, part) for part in value if isinstance(part, PathVariable))
        object.__setattr__(self, "variables", tuple(found.values()))

    def render(self, arguments: Mapping[str, object], binds: Mapping[str, str]) -> str:
        """The path, percent-encoded; ``MalformedRequest`` naming a variable that is missing or unusable."""
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        return "".join(
            part if isinstance(part, str) else encode_segment(part, _value(part, arguments, binds)) for part in self.parts
        )

    def render_query(self, arguments: Mapping[str, object], binds: Mapping[str, str]) -> list[tuple[str, str]]:
        """The fixed query pairs; one whose variable nobody supplied is left out."""
        pairs = []
        for name, parts in self.query:
            values = [part if isinstance(part, str) else _value(part, arguments, binds) for part in parts]
            if not any(value is MISSING for value in values):
                pairs.append((name, "".join(to_text(value) for value in values)))
        return pairs


def _value(variable: PathVariable, arguments: Mapping[str, object], binds: Mapping[str, str]) -> object:
    value: object = binds.get(variable.name, MISSING) if variable.bind else arguments.get(variable.name, MISSING)
    return arguments.get(variable.name, MISSING) if value is MISSING else value


def encode_segment(variable: PathVariable, value: object) -> str:
    """``value`` as one segment of a path, or as several where the variable spans segments."""
    if value is MISSING or value is None:
        raise MalformedRequest(f"path variable {variable.name!r} has no value", hint=f"supply {variable.name!r}")
    text = value if isinstance(value, str) else ",".join(map(to_text, value)) if isinstance(value, list) else to_text(value)
    if PLAIN.fullmatch(text):
        return text
    return path_segments(text, variable.name) if variable.spans else path_segment(text, variable.name)


def compile_path(text: str, *, is_bind: frozenset[str] = frozenset()) -> PathTemplate:
    """Compile a consumed path; ``is_bind`` holds the names of bound variables (``{{ACCOUNT_ID}}``, ``{ACCOUNT_ID}``)."""
    path, _, fragment = text.strip().partition("#")
    path, _, query = path.partition("?")
    headers: list[tuple[str, str]] = []
    pairs = list(_query_pairs(query))
    name, equals, value = fragment.partition("=")
    if equals and name.strip().lower().startswith("x-"):
        headers.append((name.strip(), value.strip()))
    elif equals:
        pairs += _query_pairs(fragment)
    if not path.startswith("/") and path:
        path = "/" + path
    return PathTemplate(
        source=text,
        parts=_parts(path, is_bind, encode=True) or ("",),
        query=tuple((key, _parts(text, is_bind, encode=False)) for key, text in pairs),
        headers=tuple(headers),
    )


def _query_pairs(query: str) -> list[tuple[str, str]]:
    return parse_qsl(query, keep_blank_values=True)


def _parts(text: str, is_bind: frozenset[str], *, encode: bool) -> tuple[Part, ...]:
    parts: list[Part] = []
    end = 0
    for match in _VARIABLE.finditer(text):
        name = (match.group(1) or match.group(2) or "").strip()
        if not name:
            continue
        _literal(parts, text[end : match.start()], encode)
        parts.append(_variable(name, double=match.group(1) is not None, is_bind=is_bind))
        end = match.end()
    _literal(parts, text[end:], encode)
    return tuple(parts)


def _literal(parts: list[Part], text: str, encode: bool) -> None:
    if text:
        parts.append(quote(text, safe=_LITERAL_SAFE) if encode else text)


def _variable(name: str, *, double: bool, is_bind: frozenset[str]) -> PathVariable:
    spans = name[-1] in "+*" and len(name) > 1
    name = name.rstrip("+*") if spans else name
    scope, _, rest = name.rpartition(".")
    if double and scope in ("tools", "rest", "inputs", "params", "args", "mcp", "input", "request"):
        name = rest
    bind = name in is_bind or rest in is_bind or (double and bool(re.fullmatch(r"(env\.)?[A-Z][A-Z0-9_]+", name)))
    return PathVariable(name=rest if bind and scope == "env" else name, bind=bind, spans=spans)


def join_paths(resource: str, operation: str) -> str:
    """The path of an operation that carries its own: it replaces the resource's path, stands alone, or extends it."""
    if not operation or operation == resource:
        path = resource
    elif resource in ("", "/") or operation.startswith(resource.rstrip("/") + "/"):
        path = operation
    else:
        path = resource + operation
    return path if path.startswith("/") or not path else "/" + path


def folded_variables(text: str) -> dict[str, str]:
    """The variables of any path by folded name: ``{"accountid": "account-id"}``."""
    names = [(m.group(1) or m.group(2) or "").strip().rstrip("+*") for m in _VARIABLE.finditer(text)]
    return {fold(name): name for name in names if name}
