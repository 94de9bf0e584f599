"""A ``consumes`` entry becomes an ``HttpConsumer`` and its ``Operation``s: everything about an upstream that is known at load.

Operations are compiled in ``compile_operation.py``; sending is ``client.py``'s business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from naftiko_run.consumes.authentication import Authentication, compile_authentication
from naftiko_run.consumes.base_uri import BaseUri, compile_base_uri
from naftiko_run.consumes.compile_operation import compile_operations
from naftiko_run.consumes.inputs import Reading, read_parameter
from naftiko_run.consumes.operation import Operation
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import compile_path
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Finding, Location, Problems
from naftiko_run.expressions.escape import settable_header
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.limits import Limits
from naftiko_run.records import field, record


@record
class HttpConsumer:
    """One upstream service as declared. Several entries may share a namespace; each keeps its own base URI."""

    namespace: str
    base_uri: BaseUri
    authentication: Authentication | None = None
    headers: tuple[tuple[str, Template], ...] = ()
    parameters: tuple[Parameter, ...] = ()  # of the entry itself: what every operation has, and what forwarded requests get
    description: str = ""
    tunnel: Finding | None = None
    at: Location | None = None


@record
class ConsumesContext:
    """What compiling a ``consumes`` section needs besides the section."""

    names: Names
    limits: Limits
    directory: Path
    base_uris: Mapping[str, str] = field(default_factory=dict)


def compile_consumers(
    entries: Iterator[Node] | list[Node], context: ConsumesContext, problems: Problems
) -> tuple[tuple[HttpConsumer, ...], tuple[Operation, ...]]:
    """All consumers and all operations of a ``consumes`` section, in document order."""
    consumers: list[HttpConsumer] = []
    operations: list[Operation] = []
    for entry in entries:
        if not entry.is_map or entry.get_text("type", default="http").lower() != "http":
            continue
        if entry.get("resources") is None and entry.get("baseUri") is None:
            continue
        consumer = _compile_consumer(entry, context, problems)
        consumers.append(consumer)
        operations.extend(compile_operations(entry, consumer, context, problems))
    return tuple(consumers), tuple(operations)


def _compile_consumer(entry: Node, context: ConsumesContext, problems: Problems) -> HttpConsumer:
    namespace = entry.get_text("namespace", "name")
    override = context.base_uris.get(namespace)
    return HttpConsumer(
        namespace=namespace,
        base_uri=compile_base_uri(entry, namespace, override, problems),
        authentication=compile_authentication(
            entry.get("authentication", "auth"), context.names, problems, namespace=namespace
        ),
        headers=tuple(_static_headers(entry, context)),
        parameters=tuple(_own_parameters(entry, context)),
        description=entry.get_text("description"),
        tunnel=_tunnel(entry, namespace),
        at=entry.location,
    )


def _static_headers(entry: Node, context: ConsumesContext) -> Iterator[tuple[str, Template]]:
    headers = entry.get("headers")
    for name, value in headers.items() if headers is not None else ():
        if settable_header(name) and not value.is_null:
            yield name, compile_template(value.text, context.names, at=value)


def _own_parameters(entry: Node, context: ConsumesContext) -> Iterator[Parameter]:
    """Inputs of the entry; what is wrong with them is said where operations gather theirs."""
    reading = Reading(method="GET", path=compile_path(""), names=context.names, problems=Problems())
    for name, item in entry.named("inputParameters"):
        parameter = read_parameter(name, item, reading)
        if parameter is not None and (parameter.place != "header" or settable_header(name)):
            yield parameter


def _tunnel(entry: Node, namespace: str) -> Finding | None:
    tunnel = entry.get("tunnel")
    if tunnel is None:
        return None
    kind = tunnel.get_text("type")
    return Finding(
        code="E-UNSUPPORTED", severity="error", at=tunnel.location,
        message=f"namespace {namespace!r} is reached through a {kind or 'nameless'} tunnel, which this runtime does not open",
        hint="run the tunnel's own local proxy (for OpenZiti: `ziti-edge-tunnel proxy`) and point to it with "
        f"--base-uri {namespace}=http://127.0.0.1:PORT",
    )  # fmt: skip
