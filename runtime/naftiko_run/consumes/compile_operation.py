"""One consumed operation in, an ``Operation`` out: its path, its inputs, its body, what its answer is read as.

What is wrong with one operation is that operation's finding; its neighbours are compiled all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from naftiko_run.consumes.bodies import WHOLE_BODY_NAMES, BodyEncoder, FieldsBody, FormBody, WholeBody, is_json
from naftiko_run.consumes.body_templates import TemplateBody, compile_declared_body
from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, compile_decoder
from naftiko_run.consumes.inputs import WITH_BODY, Reading, add_template_names, gather
from naftiko_run.consumes.operation import ConsumedOutput, Operation
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import PathTemplate, compile_path, join_paths
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Finding, Problems, SpecError
from naftiko_run.expressions.jsonpath import compile_jsonpath
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Reference
from naftiko_run.limits import Limits
from naftiko_run.records import replace

if TYPE_CHECKING:
    from naftiko_run.consumes.consumer import ConsumesContext, HttpConsumer

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|KiB|MiB|GiB)?")


def compile_operations(
    entry: Node, consumer: HttpConsumer, context: ConsumesContext, problems: Problems
) -> Iterator[Operation]:
    """The operations of one ``consumes`` entry, in document order."""
    for resource_name, resource in entry.named("resources"):
        for name, node in resource.named("operations"):
            try:
                operation = _compile(name, node, (resource_name, resource), entry, consumer, context, problems)
            except SpecError as error:
                problems.add(error)
                operation = Operation(
                    ref=f"{consumer.namespace}.{name}", name=name, method="GET", path=compile_path(""), consumer=consumer,
                    decoder=compile_decoder("", FormatSettings()), unavailable=error.finding, resource=resource_name,
                    at=node.location,
                )  # fmt: skip
            yield operation


def _compile(
    name: str, node: Node, named: tuple[str, Node], entry: Node, consumer: HttpConsumer, context: ConsumesContext,
    problems: Problems,
) -> Operation:  # fmt: skip
    resource_name, resource = named
    method = node.get_text("method", default="GET").upper()
    path = compile_path(join_paths(resource.get_text("path"), node.get_text("path")), is_bind=context.names.binds)
    authentication = consumer.authentication
    reading = Reading(method=method, path=path, names=context.names, problems=problems, authentication=authentication)
    parameters, withheld = gather((entry, resource, node), reading)
    body, parameters = _body(node, method, parameters, context, problems)
    references = _references(parameters, body)
    parameters = add_template_names(parameters, path, references, authentication, consumer.namespace)
    overridable = _overridable(body, parameters)
    return Operation(
        ref=f"{consumer.namespace}.{name}",
        name=name,
        method=method,
        path=path,
        consumer=consumer,
        description=node.get_text("description", "label", "display", "summary") or resource.get_text("description"),
        parameters=(*parameters, *overridable),
        body=body,
        decoder=_decoder(node, context),
        output_media_type=node.get_text("outputMediaType"),
        max_body=_binary_limit(node, problems),
        outputs=tuple(_outputs(node)),
        unavailable=_unavailable(name, node, method, path, parameters, consumer, problems),
        resource=resource_name,
        withheld=withheld,
        overridable=tuple(one.key for one in overridable),
        carries_credential=_carries_credential(body, consumer),
        at=node.location,
    )


# ---- body


def _body(
    node: Node, method: str, parameters: list[Parameter], context: ConsumesContext, problems: Problems
) -> tuple[BodyEncoder | None, list[Parameter]]:
    inputs = [p for p in parameters if p.place in ("body", "form")]
    declared = node.get("body")
    if declared is not None:
        encoder = compile_declared_body(declared, context.names, [p for p in inputs if p.value is None], problems)
        free = isinstance(encoder, WholeBody) and not inputs
        return encoder, [*parameters, _free_body()] if free else parameters
    if any(p.place == "form" for p in inputs):
        files = frozenset(p.name for p in inputs if p.type == "file")
        return FormBody(names=tuple((p.key, p.name) for p in inputs), files=files), parameters
    if len(inputs) == 1:
        return _sole_body(inputs[0], parameters)
    if inputs:
        return FieldsBody(names=tuple((p.key, p.name) for p in inputs)), parameters
    return (WholeBody(name="body"), [*parameters, _free_body()]) if method in WITH_BODY else (None, parameters)


def _free_body() -> Parameter:
    return Parameter(name="body", key="body", place="body", type="any", declared=False, description="The request body.")


def _sole_body(only: Parameter, parameters: list[Parameter]) -> tuple[BodyEncoder, list[Parameter]]:
    """The one ``in: body`` input. Publishers write ``string`` or ``json`` for bodies whose schema they did not follow."""
    named = fold(only.name) in WHOLE_BODY_NAMES
    written = next((p.value.source for p in parameters if p.name.lower() == "content-type" and p.value), "application/json")
    encoder = WholeBody(name=only.key, field=only.name, always=named or only.type in ("object", "array"))
    if only.type not in ("string", "any") or not is_json(written):
        return encoder, parameters
    retyped = replace(only, type="object" if named else "any")
    return encoder, [retyped if p is only else p for p in parameters]


def _references(parameters: list[Parameter], body: BodyEncoder | None) -> list[Reference]:
    found = [reference for p in parameters if p.value is not None for reference in p.value.references]
    return found + list(body.references if body is not None else ())


def _overridable(body: BodyEncoder | None, parameters: list[Parameter]) -> list[Parameter]:
    """Bound variables that the body names as it would an argument (``{{X}}``, not ``{{env.X}}``): optional arguments, too."""
    if not isinstance(body, TemplateBody):
        return []
    known = {fold(p.name) for p in parameters}
    names = dict.fromkeys(r.name for r in body.references if r.root == "bind" and not r.namespace and "." not in r.name)
    return [
        Parameter(
            name=name, key=name, place="template", declared=False, description=f"Used instead of the configured {name}."
        )
        for name in names
        if fold(name) not in known
    ]  # fmt: skip


def _carries_credential(body: BodyEncoder | None, consumer: HttpConsumer) -> bool:
    owned = consumer.authentication.body_names if consumer.authentication is not None else frozenset()
    return isinstance(body, TemplateBody) and bool(owned) and owned <= set(body.keys)


# ---- answer


def _decoder(node: Node, context: ConsumesContext) -> Decoder:
    form = node.get("outputRawFormat", "outputFormat")
    schema = node.get_text("outputSchema")
    if not schema and (form is None or form.text == "json"):
        return _json_decoder(context.limits)
    settings = FormatSettings(output_schema=schema, base_directory=context.directory, limits=context.limits, at=form or node)
    return compile_decoder(form.text if form is not None else "", settings)


@lru_cache(maxsize=8)
def _json_decoder(limits: Limits) -> Decoder:
    """What nearly every operation has, and nothing of the operation is in it."""
    return compile_decoder("json", FormatSettings(limits=limits))


def _binary_limit(node: Node, problems: Problems) -> int | None:
    size = node.get("maxBinarySize")
    if size is None:
        return None
    match = _SIZE.fullmatch(size.text.strip())
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


# ---- whether it can be called


def _unavailable(
    name: str, node: Node, method: str, path: PathTemplate, parameters: list[Parameter], consumer: HttpConsumer,
    problems: Problems,
) -> Finding | None:  # fmt: skip
    """A declared path input that the URL has no place for would widen what the call addresses: such a call is refused."""
    if method not in METHODS:
        where = node.get("method") or node
        problems.error(
            "E-METHOD", f"operation {name!r} has an unknown method {method!r}", where, "GET, POST, PUT, PATCH or DELETE"
        )
        return problems.findings[-1]
    credentials = consumer.authentication.path_names if consumer.authentication is not None else frozenset()
    places = {
        fold(one) for one in (*(variable.name for variable in path.variables), *consumer.base_uri.variables, *credentials)
    }
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
