"""A ``baseUri`` becomes a ``BaseUri``: an origin and a path prefix, or what is missing to have one.

Published base URIs are plain, empty, relative, templated in four spellings, or point at the capability itself. A plain one is
settled at load; a templated one at start from binds, the environment and settings, or per call where an operation's own inputs
fill it. An unusable one never disables the document: its calls fail with the setting to supply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

from naftiko_run.consumes.messages import Origin
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Finding, Location, MalformedRequest, OperationUnavailable, Problems
from naftiko_run.expressions.scope import MISSING
from naftiko_run.expressions.text import to_text
from naftiko_run.records import field, record

_VARIABLE = re.compile(r"\$?\{\{\s*([^{}]+?)\s*\}\}|\$?\{([^{}]+)\}")
_PLACEHOLDER = re.compile(
    r"your[-_.]?(domain|host|company|instance|server|tenant)|(^|\.)example\.(com|org|net)$|<.+>", re.IGNORECASE
)
_WHOLE_HOST = re.compile(r"(https?:)?//[^/?#]+/", re.IGNORECASE)  # a host that no variable can add to
_HOST = re.compile(r"[A-Za-z0-9._~-]+(:[0-9]+)?")


@record
class BaseUri:
    """``parts`` alternate text and variable names; ``problem`` says why no call can be made at all."""

    source: str
    namespace: str
    parts: tuple[str | tuple[str], ...] = ()
    problem: Finding | None = None
    overridden: bool = False
    at: Location | None = None
    variables: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = dict.fromkeys(part[0] for part in self.parts if isinstance(part, tuple))
        object.__setattr__(self, "variables", tuple(names))

    def resolve(self, values: Mapping[str, object]) -> tuple[Origin, str]:
        """Origin and path prefix with ``values`` for the variables; raises ``OperationUnavailable`` naming what is missing."""
        if self.problem is not None:
            raise OperationUnavailable(self.problem.message, hint=self.problem.hint, code=self.problem.code)
        pieces: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                pieces.append(part)
                continue
            value = values.get(part[0], MISSING)
            if value is MISSING or to_text(value) == "":
                raise OperationUnavailable(
                    f"namespace {self.namespace!r} needs a value for {part[0]!r} in its base URI {self.source!r}",
                    hint=setting_of(self.namespace, part[0]), code="W-BASEURI-VARS",
                )  # fmt: skip
            pieces.append(_variable_text(part[0], to_text(value), start=not "".join(pieces), after="".join(pieces)))
        origin, prefix, problem = split_base("".join(pieces))
        if origin is None:
            raise OperationUnavailable(
                f"base URI of namespace {self.namespace!r} is unusable: {problem}",
                hint=f"set it with --base-uri {self.namespace}=URL", code="E-BASEURI",
            )  # fmt: skip
        first = self.parts[0] if self.parts else ""
        literal = not self.variables or (isinstance(first, str) and _WHOLE_HOST.match(first) is not None)
        return (origin if literal else Origin(scheme=origin.scheme, host=origin.host, port=origin.port, literal=False)), prefix


def setting_of(namespace: str, variable: str) -> str:
    """How an operator gives a base-URI variable its value."""
    return f"set the environment variable {upper_snake(variable.rpartition('.')[2])}, or --base-uri {namespace}=URL"


def _variable_text(name: str, text: str, *, start: bool, after: str) -> str:
    """A value inside the host stays a host name; inside the path it is one segment; a whole base may be a URL."""
    if start:
        return text.rstrip("/")
    in_host = (after.count("/") == 2 and after.endswith("//")) or ("://" in after and "/" not in after.split("://", 1)[1])
    if in_host:
        bare = text.split("://", 1)[-1].rstrip("/") if after.endswith("://") else text
        if not _HOST.fullmatch(bare):
            raise MalformedRequest(f"base URI variable {name!r} is not a host name")
        return bare
    return quote(text, safe="~")


def upper_snake(name: str) -> str:
    """``storeHash`` and ``store-hash`` as ``STORE_HASH``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").upper()


def split_base(uri: str) -> tuple[Origin | None, str, str]:
    """A complete URI as (origin, path without trailing slash, ""), or (None, "", what is wrong)."""
    if uri.startswith("//"):
        uri = "https:" + uri
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        return None, "", f"{uri!r} is not a URL"
    if parts.scheme.lower() not in ("http", "https"):
        return None, "", f"{uri!r} is not an http or https URL"
    if not parts.hostname:
        return None, "", f"{uri!r} names no host"
    if parts.username or parts.password:
        return None, "", "it holds user info"
    scheme = parts.scheme.lower()
    host = parts.hostname if parts.hostname.isascii() else parts.hostname.encode("idna").decode()
    origin = Origin(scheme=scheme, host=host, port=port or (443 if scheme == "https" else 80))
    return origin, quote(parts.path.rstrip("/"), safe="/!$&'()*+,;=:@-._~%"), ""


def compile_base_uri(entry: Node, namespace: str, override: str | None, problems: Problems) -> BaseUri:
    """The base URI of one consumes entry; ``override`` (``--base-uri``) replaces it wholly."""
    node = entry.get("baseUri")
    source = override if override is not None else (node.text.strip() if node else "")
    at = node or entry
    hint = f"set it with --base-uri {namespace}=URL"
    if not source:
        message = f"namespace {namespace!r} has no baseUri; its calls cannot be sent anywhere"
        problems.warn("W-BASEURI-EMPTY", message, at, hint)
        return _unusable(source, namespace, "W-BASEURI-EMPTY", message, hint, at)
    parts = _parts(source)
    if all(isinstance(part, str) for part in parts):
        origin, _, problem = split_base(source)
        if origin is None:
            message = f"base URI of namespace {namespace!r} is unusable: {problem}"
            problems.error("E-BASEURI", message, at, hint)
            return _unusable(source, namespace, "E-BASEURI", message, hint, at)
        if override is None and _PLACEHOLDER.search(origin.host):
            problems.warn("W-BASEURI-PLACEHOLDER", f"base URI host {origin.host!r} looks like a placeholder", at, hint)
    return BaseUri(source=source, namespace=namespace, parts=parts, overridden=override is not None, at=at.location)


def _unusable(source: str, namespace: str, code: str, message: str, hint: str, at: Node) -> BaseUri:
    found = Finding(code=code, severity="warning", message=message, at=at.location, hint=hint)
    return BaseUri(source=source, namespace=namespace, problem=found)


def _parts(source: str) -> tuple[str | tuple[str], ...]:
    parts: list[str | tuple[str]] = []
    end = 0
    for match in _VARIABLE.finditer(source):
        if match.start() > end:
            parts.append(source[end : match.start()])
        parts.append(((match.group(1) or match.group(2)).strip(),))
        end = match.end()
    if end < len(source):
        parts.append(source[end:])
    return tuple(parts)


def matching_bind(name: str, bound: Iterable[str]) -> str:
    """The bound variable that fills ``name``: of that name, in UPPER_SNAKE, or the only one ending so; ``""`` for none."""
    scope, _, bare = name.rpartition(".")
    upper = upper_snake(bare)
    known = set(bound)
    for key in (name, bare, upper):
        if key in known:
            return key
    ending = {key for key in known if "." not in key and key.endswith(f"_{upper}")} if not scope else set()
    return ending.pop() if len(ending) == 1 else ""


def find_variable(name: str, binds: Mapping[str, str], environment: Mapping[str, str]) -> str | None:
    """The value of a base-URI variable: a bind's, then the environment's."""
    bare = name.rpartition(".")[2]
    key = matching_bind(name, (key for key, value in binds.items() if value))
    return (binds[key] if key else "") or environment.get(bare) or environment.get(upper_snake(bare)) or None
