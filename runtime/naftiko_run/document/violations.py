"""One schema error in, sentences for the author out: what is wrong, where it is written, what would be right.

Values are shown only where they cannot be secrets. A schema may carry the words for a rule that has none of its own, in
``$comment`` beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from naftiko_run.document.nodes import Node
from naftiko_run.document.schema_engine import SchemaError
from naftiko_run.errors import Location, suggest
from naftiko_run.records import record

Fragment = Mapping[str, object]

_TYPE_WORDS = {
    "string": "text", "object": "a mapping", "array": "a list", "integer": "a whole number", "number": "a number",
    "boolean": "true or false", "null": "nothing",
}  # fmt: skip

_OPEN = frozenset({"type", "placement", "in"})  # no secrets, even among credentials


@record
class Violation:
    """``word`` is the key or value refused, ``keys`` the keys on the way to it."""

    message: str
    at: Location
    hint: str = ""
    word: str = ""
    keys: tuple[str, ...] = ()


def explain(error: SchemaError, root: Node, schema: Fragment) -> Iterator[Violation]:
    """The violations that one error of the validator stands for: one per unknown key, else one."""
    node = _node_at(root, error.instance_path)
    rule = _fragment(schema, error.schema_path)
    keys = tuple(part for part in error.instance_path if isinstance(part, str))
    kind = error.kind.name
    if kind in ("additionalProperties", "unevaluatedProperties"):
        known = list(cast("Fragment", rule.get("properties", {})))
        for name in cast("list[str]", error.kind.value):
            child = cast("dict[str, Node]", node.value)[name]
            yield Violation(message=f"unknown key {name[:80]!r}{_within(node)}", at=child.key_location,
                            hint=suggest(name[:80], known), word=name, keys=(*keys, name))  # fmt: skip
        return
    tell = _TELLERS.get(kind)
    at = node.location
    message, hint = tell(node, rule) if tell else (f"{_name(node)} does not fit the schema ({kind})", "")
    if kind == "required":
        missing = str(error.kind.value)
        message, hint = f"{_name(node)} lacks the key '{missing}'", _described(rule, missing)
    if kind == "propertyNames":
        key = str(error.kind.error.instance)
        message, at = f"{key[:80]!r} is not {_words(rule)}", cast("dict[str, Node]", node.value)[key].key_location
    yield Violation(message=message, at=at, hint=hint, word=node.text, keys=keys)


# ---- one sentence per kind of rule


def _type(node: Node, rule: Fragment) -> tuple[str, str]:
    allowed = rule.get("type")
    names = [allowed] if isinstance(allowed, str) else cast("list[str]", allowed or [])
    wanted = " or ".join(_TYPE_WORDS.get(name, name) for name in names if name != "null")
    return f"{_name(node)} should be {wanted}, it is {_found(node)}", "quote the value" if names == [
        "string"
    ] and node.text else ""


def _enum(node: Node, rule: Fragment) -> tuple[str, str]:
    options = [str(option) for option in cast("list[object]", rule.get("enum", [rule.get("const")]))]
    return f"{_name(node)} is {_shown(node)}, not {_listed(options)}", suggest(node.text[:80], options) if len(
        options
    ) > 1 else ""


def _pattern(node: Node, rule: Fragment) -> tuple[str, str]:
    return f"{_name(node)} is {_shown(node)}, which is not {_words(rule)}", ""


def _empty(node: Node, rule: Fragment) -> tuple[str, str]:
    return f"{_name(node)} is empty", "it needs at least one entry"


def _bound(node: Node, rule: Fragment) -> tuple[str, str]:
    low, high = rule.get("minimum"), rule.get("maximum")
    span = (
        f"between {low} and {high}"
        if low is not None and high is not None
        else f"at least {low}"
        if high is None
        else f"at most {high}"
    )
    return f"{_name(node)} is {_shown(node)}, it should be {span}", ""


def _length(node: Node, rule: Fragment) -> tuple[str, str]:
    return f"{_name(node)} is longer than {rule.get('maxLength')} characters", ""


def _choice(node: Node, rule: Fragment) -> tuple[str, str]:
    branches = cast("list[Fragment]", rule.get("oneOf") or rule.get("anyOf") or [])
    names = [str(name) for branch in branches for name in cast("list[object]", branch.get("required", []))]
    given = [name for name in names if node.get(name) is not None]
    said = f"{_name(node)} has {_listed(given, 'and')}" if len(given) > 1 else f"{_name(node)} lacks {_listed(names)}"
    return said, "exactly one of them is needed" if "oneOf" in rule else "at least one of them is needed"


def _refused(node: Node, rule: Fragment) -> tuple[str, str]:
    return f"in {_name(node)}, {rule.get('$comment', 'keys stand together that exclude each other')}", ""


_TELLERS: Mapping[str, Callable[[Node, Fragment], tuple[str, str]]] = {
    "type": _type, "enum": _enum, "const": _enum, "pattern": _pattern, "minItems": _empty, "minProperties": _empty,
    "minimum": _bound, "maximum": _bound, "maxLength": _length, "oneOf": _choice, "anyOf": _choice, "not": _refused,
}  # fmt: skip


# ---- words


def _name(node: Node) -> str:
    """``'port'``; an element of a list by the list it is in."""
    if isinstance(node.key, str):
        return f"'{node.key[:80]}'"
    if node.parent is not None and isinstance(node.parent.key, str):
        return f"an entry of '{node.parent.key}'"
    return "the document" if node.parent is None else "an entry"


def _within(node: Node) -> str:
    return f" in {_name(node)}" if node.parent is not None else ""


def _found(node: Node) -> str:
    if node.is_map:
        return "a mapping"
    if node.is_list:
        return "a list"
    if node.is_null:
        return "empty"
    return "text" if node.is_text else "true or false" if isinstance(node.value, bool) else "a number"


def _shown(node: Node) -> str:
    """The value in quotes, unless it stands where credentials do."""
    above: Node | None = node if node.key not in _OPEN else None
    while above is not None:
        if above.key in ("authentication", "auth", "headers"):
            return "another word"
        above = above.parent
    return repr(node.text[:60]) if node.text or not (node.is_map or node.is_list or node.is_null) else _found(node)


def _listed(names: list[str], word: str = "or") -> str:
    quoted = [f"'{name}'" for name in names]
    return f"{', '.join(quoted[:-1])} {word} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


def _words(rule: Fragment) -> str:
    return str(rule.get("$comment") or f"of the form {rule.get('pattern')}")


def _described(rule: Fragment, key: str) -> str:
    described = cast("Fragment", cast("Fragment", rule.get("properties", {})).get(key, {})).get("description", "")
    return f"{key}: {described[0].lower()}{described[1:].rstrip('.')}" if isinstance(described, str) and described else ""


# ---- places


def _node_at(root: Node, path: list[str | int]) -> Node:
    node = root
    for part in path:
        node = cast("dict[str, Node]", node.value)[part] if isinstance(part, str) else cast("list[Node]", node.value)[part]
    return node


def _fragment(schema: Fragment, path: list[str | int]) -> Fragment:
    """The schema object that holds the violated rule: the last but one step of ``path``, references followed."""
    here: object = schema
    holder = schema
    for part in path:
        if isinstance(here, Mapping):
            holder = here
            here = (
                _named(schema, str(here["$ref"]))
                if part == "$ref"
                else schema.get("$defs")
                if part == "$defs"
                else here.get(str(part))
            )
        elif isinstance(here, list) and isinstance(part, int):
            here = here[part]
    return holder


def _named(schema: Fragment, reference: str) -> object:
    return cast("Fragment", schema.get("$defs", {})).get(reference.rpartition("/")[2])
