"""Raw values from a caller become the inputs of a flow: typed, checked, or one error that names every wrong one.

``compile_binder`` prepares, per flow, what a request needs; an MCP caller gives named JSON arguments (``bind_arguments``), a
REST caller path variables, a query, headers, cookies and a body (``bind_http``). Text is converted to the declared type;
JSON values must already have it, except that text which *is* the declared type is accepted, because models and forms send it
so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from naftiko_run.consumes.bodies import RawBody, is_json
from naftiko_run.errors import BodyTooLarge, InvalidInputs, MalformedRequest
from naftiko_run.expressions.jsonpath import JsonPath, compile_jsonpath
from naftiko_run.expressions.names import fold
from naftiko_run.expressions.scope import MISSING
from naftiko_run.flows.conversion import CONVERTERS, Converter, Unfit, anything
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import record
from naftiko_run.values import depth_exceeds, load_json

# ---- one input, prepared


@record(kw_only=False)
class _Prepared:
    """One input, with everything about it decided."""

    name: str
    keys: tuple[str, ...]  # spellings an MCP caller may use
    convert: Converter
    required: bool
    check: Callable[[object], str] | None  # what is wrong with a converted value, "" for nothing
    default: object
    constant: object
    json_path: JsonPath | None
    sources: tuple[tuple[str, str], ...]
    array: bool
    shown: str
    path_text: str  # the path variable that holds it, where it is text that needs no look


@record(kw_only=False)
class Binder:
    """The inputs of one flow, ready to be filled; ``unknown`` refuses arguments that nothing declares."""

    inputs: tuple[_Prepared, ...]
    known: frozenset[str]
    needs_json: bool
    needs_whole: bool
    needs_query: bool
    text_names: tuple[str, ...] | None  # of all inputs, where they are texts that need no look
    path_names: tuple[tuple[str, str], ...] | None  # (input, path variable) where all inputs are text of the path

    def arguments(self, given: Mapping[str, object]) -> dict[str, object]:
        return _arguments(self, given)


def compile_binder(inputs: Sequence[InputParameter]) -> Binder:
    prepared = tuple(_prepare(one) for one in inputs)
    places = {place for one in prepared for place, _ in one.sources}
    return Binder(
        inputs=prepared,
        known=frozenset(key for one in prepared for key in one.keys),
        needs_json=any(p.json_path for p in prepared) or "body" in places,
        needs_whole="whole-body" in places,
        needs_query="query" in places,
        text_names=tuple(one.name for one in inputs) if all(_is_free_text(one) for one in inputs) else None,
        path_names=tuple((p.name, p.path_text) for p in prepared) if all(p.path_text for p in prepared) else None,
    )


def _prepare(one: InputParameter) -> _Prepared:
    return _Prepared(
        name=one.name,
        keys=tuple(dict.fromkeys((one.name, one.published))),
        convert=CONVERTERS.get(one.type, anything),
        required=one.required and one.default is None and one.constant is None,
        check=_compile_check(one),
        default=one.default,
        constant=one.constant,
        json_path=compile_jsonpath(one.json_path) if one.json_path else None,
        sources=tuple((source.place, source.key) for source in one.sources),
        array=one.type == "array",
        shown=one.published,
        path_text=_path_text(one),
    )


def _is_free_text(one: InputParameter) -> bool:
    is_free = not (one.enum or one.pattern or one.json_path) and one.minimum is None and one.maximum is None
    return is_free and one.type == "string" and one.constant is None


def _path_text(one: InputParameter) -> str:
    is_first = bool(one.sources) and one.sources[0].place == "path"
    return one.sources[0].key if is_first and _is_free_text(one) else ""


def _compile_check(one: InputParameter) -> Callable[[object], str] | None:
    checks: list[Callable[[object], str]] = []
    if one.enum:
        allowed = one.enum
        listed = ", ".join(str(value) for value in allowed)
        checks.append(lambda value: "" if value in allowed or str(value) in map(str, allowed) else f"must be one of {listed}")
    if one.pattern:
        import re2

        regex: Any = re2.compile(one.pattern)
        text = one.pattern
        checks.append(lambda value: "" if not isinstance(value, str) or regex.search(value) else f"must match {text}")
    if one.minimum is not None or one.maximum is not None:
        checks.append(_range_check(one.minimum, one.maximum))
    if not checks:
        return None
    return checks[0] if len(checks) == 1 else lambda value: next(filter(None, (check(value) for check in checks)), "")


def _range_check(low: float | None, high: float | None) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, (int, float)) or isinstance(value, bool):
            return ""
        if low is not None and value < low:
            return f"must be at least {low:g}"
        return f"must be at most {high:g}" if high is not None and value > high else ""

    return check


# ---- binding


class _Errors:
    def __init__(self) -> None:
        self.found: list[dict[str, str]] = []

    def add(self, name: str, message: str, place: str = "") -> None:
        self.found.append({"name": name, "in": place, "message": message} if place else {"name": name, "message": message})

    def done(self) -> None:
        if self.found:
            raise InvalidInputs(self.found)


def _accept(one: _Prepared, raw: object, values: dict[str, object], errors: _Errors, place: str = "") -> None:
    if raw is MISSING:
        if one.default is not None:
            values[one.name] = one.default
        elif one.required:
            errors.add(one.shown, "is required", place)
        return
    try:
        value = one.convert(raw)
    except Unfit as unfit:
        errors.add(one.shown, str(unfit), place)
        return
    wrong = one.check(value) if one.check else ""
    if wrong:
        errors.add(one.shown, wrong, place)
    values[one.name] = value


def bind_arguments(inputs: Sequence[InputParameter] | Binder, arguments: Mapping[str, object]) -> dict[str, object]:
    """An MCP caller's arguments as inputs by ``InputParameter.name``; raises ``InvalidInputs``.

    A null for an optional input counts as absent. An argument that nothing declares is an error that names the nearest input.
    """
    binder = inputs if isinstance(inputs, Binder) else compile_binder(inputs)
    return _arguments(binder, arguments)


def _arguments(binder: Binder, given: Mapping[str, object]) -> dict[str, object]:
    texts = binder.text_names
    if texts is not None and len(given) == len(texts):
        values = {name: given[name] for name in texts if type(given.get(name)) is str}
        if len(values) == len(texts):
            return values
    errors, values = _Errors(), dict[str, object]()
    for one in binder.inputs:
        if one.constant is not None:
            values[one.name] = one.constant
            continue
        raw: object = MISSING
        for key in one.keys:
            if key in given:
                raw = given[key]
                break
        if raw is None and one.convert is not anything:
            raw = MISSING
        _accept(one, raw, values, errors)
    if len(given) > len(values) or errors.found:
        _refuse_unknown(binder, given, errors)
    errors.done()
    return values


def _refuse_unknown(binder: Binder, given: Mapping[str, object], errors: _Errors) -> None:
    for name in given:
        if name in binder.known:
            continue
        known = sorted({one.shown for one in binder.inputs})
        near = next((shown for shown in known if fold(shown) == fold(name)), None)
        listed = f"did you mean {near!r}?" if near else f"known: {', '.join(known)}" if known else "this tool takes none"
        errors.add(name, f"is not an input of this tool ({listed})")


@record(frozen=False, kw_only=False)
class HttpInputs:
    """What a REST caller sent: path variables (decoded), the raw query, headers, the body."""

    path: Mapping[str, str]
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes
    method: str = "GET"


def bind_http(binder: Binder, sent: HttpInputs, limits: Limits = DEFAULT_LIMITS) -> dict[str, object]:
    """A REST caller's request as inputs by ``InputParameter.name``; raises ``InvalidInputs`` or ``MalformedRequest``."""
    if not binder.inputs:
        return {}
    query = parse_query(sent.query) if sent.query and binder.needs_query else {}
    document: object = MISSING
    media = ""
    if sent.body and (binder.needs_json or binder.needs_whole):
        media = next((value for key, value in sent.headers if key == "content-type"), "application/json")
        document = _document(sent.body, media, limits)
    errors, values = _Errors(), dict[str, object]()
    for one in binder.inputs:
        if one.path_text and one.path_text in sent.path:
            values[one.name] = sent.path[one.path_text]
            continue
        if one.constant is not None:
            values[one.name] = one.constant
            continue
        place = ""
        raw: object = MISSING
        if one.json_path is not None:
            place, raw = "body", MISSING if document is MISSING else one.json_path.find(document)
        for place, key in one.sources if raw is MISSING else ():
            raw = _read(place, key, one.array, sent, query, document, media)
            if raw is not MISSING:
                break
        _accept(one, raw, values, errors, place if raw is not MISSING else one.sources[0][0] if one.sources else "")
    errors.done()
    return values


def _read(
    place: str, key: str, array: bool, sent: HttpInputs, query: Mapping[str, list[str]], document: object, media: str
) -> object:
    if place == "path":
        return sent.path.get(key, MISSING)
    if place == "query":
        found = query.get(key)
        if found is None:
            return MISSING
        return found if array and len(found) > 1 else (found if array and not found[0].startswith("[") else found[0])
    if place == "header":
        wanted = key.lower()
        return next((value for name, value in sent.headers if name == wanted), MISSING)
    if place == "cookie":
        return _cookie(sent.headers, key)
    if place == "body":
        return document.get(key, MISSING) if isinstance(document, dict) else MISSING
    if place == "whole-body":
        return RawBody(sent.body, media) if sent.body else MISSING
    return MISSING


def _document(body: bytes, media: str, limits: Limits) -> object:
    """The decoded body, where the media type lets it be read as fields; ``MISSING`` otherwise."""
    if len(body) > limits.request_body:
        raise BodyTooLarge(f"the body is larger than {limits.request_body} bytes")
    kind = media.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        fields = parse_query(body.decode("utf-8", "replace"))
        if len(fields) > limits.form_fields:
            raise MalformedRequest(f"the form has more than {limits.form_fields} fields")
        return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}
    if not is_json(media) and kind not in ("", "text/json"):
        return MISSING
    if depth_exceeds(body, limits.json_depth):
        raise MalformedRequest(f"the JSON body nests deeper than {limits.json_depth}")
    try:
        return load_json(body)
    except ValueError:
        raise MalformedRequest("the body is not valid JSON", hint="check Content-Type and the JSON syntax") from None


def parse_query(text: str) -> dict[str, list[str]]:
    """``a=1&a=2&b`` as ``{"a": ["1", "2"], "b": [""]}``, decoded, in order."""
    found: dict[str, list[str]] = {}
    for pair in text.split("&"):
        if pair:
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:
                name, value = unquote(name.replace("+", " ")), unquote(value.replace("+", " "))
            found.setdefault(name, []).append(value)
    return found


def _cookie(headers: Sequence[tuple[str, str]], wanted: str) -> object:
    for name, text in headers:
        if name == "cookie":
            for pair in text.split(";"):
                key, _, value = pair.strip().partition("=")
                if key == wanted:
                    return unquote(value.strip('"'))
    return MISSING
