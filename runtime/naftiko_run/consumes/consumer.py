"""A ``consumes`` entry becomes an ``HttpConsumer`` and its ``Operation``s: everything about an upstream that is known at load.

Inputs are gathered from three levels (entry, resource, operation); what the path and the body template use without declaring is
added; what the configured authentication owns is taken away. Sending is ``client.py``'s business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from naftiko_run.consumes.authentication import Authentication, compile_authentication
from naftiko_run.consumes.base_uri import BaseUri, compile_base_uri
from naftiko_run.consumes.bodies import (
    WHOLE_BODY_NAMES,
    BodyEncoder,
    FieldsBody,
    FormBody,
    WholeBody,
    compile_declared_body,
)
from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, compile_decoder
from naftiko_run.consumes.operation import WITH_BODY, ConsumedOutput, Operation
from naftiko_run.consumes.parameter import Parameter, ParameterPlace, ParameterType
from naftiko_run.consumes.paths import PathTemplate, compile_path, join_paths
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Finding, Location, Problems, SpecError
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.template import Template, compile_template
from naftiko_run.limits import Limits

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
NEVER_SENT = frozenset(
    "host content-length connection accept-encoding transfer-encoding keep-alive proxy-authorization proxy-authenticate te trailer upgrade".split()
)
_PLACES: Mapping[str, ParameterPlace] = {
    "query": "query", "header": "header", "headers": "header", "path": "path", "cookie": "cookie", "body": "body",
    "formdata": "form", "form": "form", "environment": "environment", "querystring": "query",
}  # fmt: skip
_TYPES: Mapping[str, ParameterType] = {
    "string": "string", "str": "string", "integer": "integer", "int": "integer", "long": "integer", "number": "number",
    "float": "number", "double": "number", "boolean": "boolean", "bool": "boolean", "array": "array", "list": "array",
    "object": "object", "map": "object", "json": "any", "any": "any", "file": "file", "binary": "file", "date": "string",
    "datetime": "string", "date-time": "string", "uuid": "string", "uri": "string", "text": "string",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
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
        operations.extend(_compile_resources(entry, consumer, context, problems))
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
        if name.lower() not in NEVER_SENT and not value.is_null:
            yield name, compile_template(value.text, context.names, at=value)


def _own_parameters(entry: Node, context: ConsumesContext) -> Iterator[Parameter]:
    """Inputs of the entry; what is wrong with them is said where operations gather theirs."""
    for name, item in entry.named("inputParameters"):
        parameter = _parameter(name, item, "GET", set(), context, Problems())
        if parameter is not None:
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


def _compile_resources(entry: Node, consumer: HttpConsumer, context: ConsumesContext, problems: Problems) -> Iterator[Operation]:
    for resource_name, resource in entry.named("resources"):
        for name, node in resource.named("operations"):
            try:
                yield _compile_operation(name, node, resource_name, resource, entry, consumer, context, problems)
            except SpecError as error:
                problems.add(error)
                yield Operation(
                    ref=f"{consumer.namespace}.{name}", name=name, method="GET", path=compile_path(""), consumer=consumer,
                    decoder=compile_decoder("", FormatSettings()), unavailable=error.finding, at=node.location,
                )  # fmt: skip


def _compile_operation(
    name: str, node: Node, resource_name: str, resource: Node, entry: Node, consumer: HttpConsumer,
    context: ConsumesContext, problems: Problems,
) -> Operation:  # fmt: skip
    method = node.get_text("method", default="GET").upper()
    path = compile_path(join_paths(resource.get_text("path"), node.get_text("path")), is_bind=context.names.binds)
    parameters = _gather(entry, resource, node, method, path, consumer, context, problems)
    body, parameters = _compile_body(node, method, parameters, context, problems)
    parameters = _add_template_names(parameters, path, body, consumer)
    elsewhere = {*consumer.base_uri.variables, *(consumer.authentication.path_names if consumer.authentication else ())}
    return Operation(
        ref=f"{consumer.namespace}.{name}",
        name=name,
        method=method,
        path=path,
        consumer=consumer,
        description=node.get_text("description", "label", "display", "summary") or resource.get_text("description"),
        parameters=tuple(parameters),
        body=body,
        decoder=_decoder(node, context),
        output_media_type=node.get_text("outputMediaType"),
        max_body=_binary_limit(node, problems),
        outputs=tuple(_outputs(node)),
        unavailable=_unavailable(name, node, method, path, parameters, elsewhere, problems),
        resource=resource_name,
        at=node.location,
    )


# ---- inputs


def _gather(
    entry: Node, resource: Node, node: Node, method: str, path: PathTemplate, consumer: HttpConsumer,
    context: ConsumesContext, problems: Problems,
) -> list[Parameter]:  # fmt: skip
    """Declared inputs of all three levels; a later level replaces an earlier one of the same name and place."""
    found: dict[tuple[str, str], Parameter] = {}
    in_path = {variable.name for variable in path.variables}
    for level in (entry, resource, node):
        for name, item in level.named("inputParameters"):
            parameter = _parameter(name, item, method, in_path, context, problems)
            if parameter is not None and not _owned(parameter, consumer.authentication) and not _preset(parameter, path):
                found[parameter.name, parameter.place] = parameter
    return _with_unique_keys(list(found.values()))


def _parameter(
    name: str, item: Node, method: str, in_path: set[str], context: ConsumesContext, problems: Problems
) -> Parameter | None:
    if not name:
        problems.warn("W-PARAM-NO-NAME", "an input without a name is left out", item, "give it a `name`")
        return None
    place = _place(name, item, method, in_path, problems)
    if place == "header" and name.lower() in NEVER_SENT:
        return None
    value = item.get("value", "template")
    required = item.get_bool("required")
    kind = item.get("type")
    enum = item.get("enum")
    default = item.get("default")
    return Parameter(
        name=name,
        key=name,
        place=place,
        type=_type(kind, problems),
        required=bool(required) or place == "path",
        description=item.get_text("description"),
        typed=kind is not None or required is not None,
        value=compile_template(value.text, context.names, at=value) if value is not None else None,
        enum=tuple(one.value for one in enum.elements()) if enum is not None else (),
        default=default.plain() if default is not None else None,
    )


def _place(name: str, item: Node, method: str, in_path: set[str], problems: Problems) -> ParameterPlace:
    word = item.get("in")
    if word is None:
        return "path" if name in in_path else "body" if method in WITH_BODY else "query"
    place = _PLACES.get(word.text.lower())
    if place is None:
        problems.warn("W-PARAM-PLACE", f"unknown place {word.text!r} of input {name!r}", word, f"one of {', '.join(_PLACES)}")
        return "path" if name in in_path else "query"
    return place


def _type(kind: Node | None, problems: Problems) -> ParameterType:
    if kind is None:
        return "string"
    known = _TYPES.get(kind.text.lower())
    if known is None:
        problems.warn("W-PARAM-TYPE", f"unknown type {kind.text!r}, any value is accepted", kind, "string, integer, number, boolean, array or object")
        return "any"
    return known


def _owned(parameter: Parameter, authentication: Authentication | None) -> bool:
    """Configured authentication wins over an input that would carry the credential."""
    if authentication is None:
        return False
    name = parameter.name.lower()
    if parameter.place == "header":
        return name == "authorization" or name in authentication.header_names
    return parameter.place == "query" and parameter.name in authentication.query_names


def _preset(parameter: Parameter, path: PathTemplate) -> bool:
    return parameter.place == "header" and any(name.lower() == parameter.name.lower() for name, _ in path.headers)


def _with_unique_keys(parameters: list[Parameter]) -> list[Parameter]:
    taken: set[str] = set()
    out = []
    for parameter in parameters:
        key = parameter.name if parameter.name not in taken else f"{parameter.name}_{parameter.place}"
        taken.add(key)
        out.append(parameter if key == parameter.key else replace(parameter, key=key))
    return out


def _add_template_names(
    parameters: list[Parameter], path: PathTemplate, body: BodyEncoder | None, consumer: HttpConsumer
) -> list[Parameter]:
    """Path variables and names of templates that no input declares: each is an input all the same."""
    known = {fold(p.name): p for p in parameters}
    added: list[Parameter] = []
    credentials = consumer.authentication.path_names if consumer.authentication else frozenset()
    for variable in path.variables:
        if not variable.bind and variable.name not in credentials and fold(variable.name) not in known:
            known[fold(variable.name)] = Parameter(name=variable.name, key=variable.name, place="path", required=True, declared=False)
            added.append(known[fold(variable.name)])
    references = [ref for p in parameters if p.value is not None for ref in p.value.references]
    references += body.references if body is not None else ()
    for reference in references:
        if reference.root not in ("input", "any") or not reference.path:
            continue
        name = reference.name if fold(reference.name) in known else reference.path[0]
        if fold(name) not in known and name not in consumer.namespace:
            known[fold(name)] = Parameter(name=name, key=name, place="template", type="any", declared=False)
            added.append(known[fold(name)])
    return _path_spelling([*parameters, *added], path)


def _path_spelling(parameters: list[Parameter], path: PathTemplate) -> list[Parameter]:
    """A declared path input fills the variable whose name differs only in case and punctuation."""
    exact = {variable.name for variable in path.variables}
    folded = {fold(variable.name): variable.name for variable in path.variables}
    return [
        replace(p, key=folded[fold(p.name)]) if p.place == "path" and p.name not in exact and fold(p.name) in folded else p
        for p in parameters
    ]


# ---- body and output


def _compile_body(
    node: Node, method: str, parameters: list[Parameter], context: ConsumesContext, problems: Problems
) -> tuple[BodyEncoder | None, list[Parameter]]:
    inputs = [p for p in parameters if p.place == "body" and p.value is None]
    declared = node.get("body")
    if declared is not None:
        encoder = compile_declared_body(declared, context.names, tuple(p.key for p in inputs), problems)
        return _with_free_body(encoder, parameters)
    forms = [p for p in parameters if p.place == "form"]
    if forms:
        files = frozenset(p.key for p in forms if p.type == "file")
        return FormBody(names=tuple(p.key for p in forms), files=files), parameters
    bodies = [p for p in parameters if p.place == "body"]
    media_type = next((p.value.source for p in parameters if p.name.lower() == "content-type" and p.value), "application/json")
    if len(bodies) == 1:
        only = bodies[0]
        always = fold(only.name) in WHOLE_BODY_NAMES or only.type in ("object", "array")
        return WholeBody(name=only.key, always=always, media_type=media_type), parameters
    if bodies:
        return FieldsBody(names=tuple(p.key for p in bodies)), parameters
    if method in WITH_BODY:
        free = Parameter(name="body", key="body", place="body", type="any", declared=False, description="The request body.")
        return WholeBody(name="body"), [*parameters, free]
    return None, parameters


def _with_free_body(encoder: BodyEncoder, parameters: list[Parameter]) -> tuple[BodyEncoder, list[Parameter]]:
    """A declared body without data takes its fields from the arguments, or the caller's body as a whole."""
    if isinstance(encoder, (FieldsBody, WholeBody)) and not any(p.place == "body" for p in parameters):
        free = Parameter(name="body", key="body", place="body", type="any", declared=False, description="The request body.")
        if isinstance(encoder, FieldsBody):
            encoder = WholeOrFields(name="body")
        return encoder, [*parameters, free]
    return encoder, parameters


class WholeOrFields(WholeBody):
    """``body: {type: json}`` without data: the caller's body, fields beside it, or an empty object."""

    __slots__ = ()

    def encode(self, arguments, extra, scope):  # type: ignore[no-untyped-def]  # same signature as WholeBody
        content, media_type = WholeBody.encode(self, arguments, extra, scope)
        return (b"{}", self.media_type) if content is None else (content, media_type)


def _decoder(node: Node, context: ConsumesContext) -> Decoder:
    form = node.get("outputRawFormat", "outputFormat")
    settings = FormatSettings(
        output_schema=node.get_text("outputSchema"), base_directory=context.directory, limits=context.limits, at=form or node
    )
    return compile_decoder(form.text if form is not None else "", settings)


def _binary_limit(node: Node, problems: Problems) -> int | None:
    size = node.get("maxBinarySize")
    if size is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?", size.text.strip())
    if match is None:
        problems.error("E-BINARY-SIZE", f"{size.text!r} is not a size", size, "write it like 10MiB")
        return None
    factor = {"": 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}[match.group(2) or ""]
    return int(float(match.group(1)) * factor)


def _outputs(node: Node) -> Iterator[ConsumedOutput]:
    for name, item in node.named("outputParameters"):
        value = item.get("value", "mapping")
        if value is not None and value.is_text:
            yield ConsumedOutput(name=name, path=compile_jsonpath(value.text, at=value), type=item.get_text("type"))


def _unavailable(
    name: str, node: Node, method: str, path: PathTemplate, parameters: list[Parameter], elsewhere: set[str], problems: Problems
) -> Finding | None:
    """A declared path input that the URL has no place for would widen what the call addresses: such a call is refused."""
    if method not in METHODS:
        where = node.get("method") or node
        problems.error("E-METHOD", f"operation {name!r} has an unknown method {method!r}", where, "GET, POST, PUT, PATCH or DELETE")
        return problems.findings[-1]
    places = {fold(name) for name in (*(variable.name for variable in path.variables), *elsewhere)}
    unplaced = [p.name for p in parameters if p.place == "path" and p.value is None and fold(p.name) not in places]
    if not unplaced:
        return None
    listed = ", ".join(map(repr, unplaced))
    problems.error(
        "E-PATH-PARAM-UNPLACED",
        f"operation {name!r} declares path input {listed}, and its path {path.source!r} has no place for it",
        node,
        f"write the path as {path.source.rstrip('/')}/{{{unplaced[0]}}}; until then {method} calls are refused",
    )
    return problems.findings[-1]
