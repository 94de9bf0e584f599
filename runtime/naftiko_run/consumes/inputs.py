"""What one operation takes: the ``inputParameters`` of entry, resource and operation in, its ``Parameter``s out.

A later level replaces an earlier input of the same name and place. Inputs that a caller never fills are withheld: what the
configured authentication owns (it wins over any input that would carry the credential), what frames a message, what the path
fixes. Names that the path or a template uses and no input declares are inputs all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from naftiko_run.consumes.authentication import Authentication
from naftiko_run.consumes.parameter import Parameter, ParameterPlace, ParameterType
from naftiko_run.consumes.paths import PathTemplate
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems
from naftiko_run.expressions.escape import settable_header
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.template import compile_template
from naftiko_run.records import record, replace

WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
# Set by the client itself where a caller does not: never asked for, whatever the document requires.
_AUTOMATIC = frozenset({"accept", "content-type", "user-agent"})
_NEVER_FORWARDED = frozenset({"accept-encoding"})  # beside those that frame a message
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


@record
class Reading:
    """What reading one operation's inputs depends on."""

    method: str
    path: PathTemplate
    names: Names
    problems: Problems
    authentication: Authentication | None = None


def gather(levels: Iterable[Node], reading: Reading) -> tuple[list[Parameter], frozenset[str]]:
    """The declared inputs of all levels, and the names (lower case) of those that are withheld."""
    found: dict[tuple[str, str], Parameter] = {}
    withheld: set[str] = set()
    if reading.authentication is not None:
        withheld |= {name.lower() for name in (*reading.authentication.header_names, *reading.authentication.query_names)}
    for level in levels:
        for name, item in level.named("inputParameters"):
            parameter = read_parameter(name, item, reading)
            if parameter is None:
                continue
            if _withheld(parameter, reading):
                withheld.add(parameter.name.lower())
            else:
                found[parameter.name, parameter.place] = parameter
    parameters = _with_unique_keys(found.values())
    return parameters, frozenset(withheld - {p.name.lower() for p in parameters})


def read_parameter(name: str, item: Node, reading: Reading) -> Parameter | None:
    """One declared input; ``None`` for one without a name."""
    if not name:
        reading.problems.warn("W-PARAM-NO-NAME", "an input without a name is left out", item, "give it a `name`")
        return None
    place = _place(name, item, reading)
    value = item.get("value", "template")
    required, kind, enum, default = item.get_bool("required"), item.get("type"), item.get("enum"), item.get("default")
    automatic = place == "header" and name.lower() in _AUTOMATIC
    return Parameter(
        name=name,
        key=name,
        place=place,
        type=_type(kind, reading.problems),
        required=(bool(required) or place == "path") and not automatic,
        automatic=automatic,
        description=item.get_text("description"),
        typed=kind is not None or required is not None,
        value=compile_template(value.text, reading.names, at=value) if value is not None else None,
        enum=tuple(one.value for one in enum.elements()) if enum is not None else (),
        default=default.plain() if default is not None else None,
    )


def _place(name: str, item: Node, reading: Reading) -> ParameterPlace:
    word = item.get("in")
    place = _PLACES.get(word.text.lower()) if word is not None else None
    if place is not None:
        return place
    if word is not None:
        hint = f"one of {', '.join(dict.fromkeys(_PLACES.values()))}"
        reading.problems.warn("W-PARAM-PLACE", f"unknown place {word.text!r} of input {name!r}", word, hint)
    in_path = any(variable.name == name for variable in reading.path.variables)
    return "path" if in_path else "body" if reading.method in WITH_BODY and word is None else "query"


def _type(kind: Node | None, problems: Problems) -> ParameterType:
    if kind is None:
        return "string"
    known = _TYPES.get(kind.text.lower())
    if known is None:
        hint = "string, integer, number, boolean, array or object"
        problems.warn("W-PARAM-TYPE", f"unknown type {kind.text!r}, any value is accepted", kind, hint)
        return "any"
    return known


def _withheld(parameter: Parameter, reading: Reading) -> bool:
    name, authentication = parameter.name.lower(), reading.authentication
    if parameter.place == "header":
        if not settable_header(name) or name in _NEVER_FORWARDED or any(name == one.lower() for one, _ in reading.path.headers):
            return True
        return authentication is not None and (name == "authorization" or name in authentication.header_names)
    if authentication is None or parameter.value is not None:
        return False
    owned = {
        "query": authentication.query_names, "cookie": authentication.cookie_names, "body": authentication.body_names,
        "form": authentication.body_names, "path": authentication.path_names,
    }  # fmt: skip
    return parameter.name in owned.get(parameter.place, ())


def _with_unique_keys(parameters: Iterable[Parameter]) -> list[Parameter]:
    """Of two inputs with one name (``name`` in path and query) the second is called ``name_query``."""
    found = list(parameters)
    names = {parameter.name for parameter in found}
    taken: set[str] = set()
    for position, parameter in enumerate(found):
        key = parameter.name
        while key in taken or (key != parameter.name and key in names):
            key = f"{key}_{parameter.place}"
        taken.add(key)
        if key != parameter.key:
            found[position] = replace(parameter, key=key)
    return found


def add_template_names(
    parameters: list[Parameter], path: PathTemplate, references: Iterable[Reference], authentication: Authentication | None,
    namespace: str,
) -> list[Parameter]:  # fmt: skip
    """Path variables and names of templates that no input declares."""
    known = {fold(p.name) for p in parameters}
    placed = {p.name for p in parameters} | {fold(p.name) for p in parameters if p.place == "path"}
    added: list[Parameter] = []
    credentials = authentication.path_names if authentication is not None else frozenset()
    for variable in path.variables:
        if not variable.bind and variable.name not in credentials and not {variable.name, fold(variable.name)} & placed:
            added.append(Parameter(name=variable.name, key=variable.name, place="path", required=True, declared=False))
            known.add(fold(variable.name))
    for reference in references:
        if reference.root not in ("input", "any") or not reference.path:
            continue
        name = reference.name if fold(reference.name) in known else reference.path[0]
        if fold(name) not in known and name != namespace:
            added.append(Parameter(name=name, key=name, place="template", type="any", declared=False))
            known.add(fold(name))
    return _path_spelling([*parameters, *added], path)


def _path_spelling(parameters: list[Parameter], path: PathTemplate) -> list[Parameter]:
    """A declared path input fills the variable whose name differs only in case and punctuation."""
    exact = {variable.name for variable in path.variables}
    folded = {fold(variable.name): variable.name for variable in path.variables}
    return [
        replace(p, key=folded[fold(p.name)]) if p.place == "path" and p.name not in exact and fold(p.name) in folded else p
        for p in parameters
    ]
