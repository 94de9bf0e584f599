"""References: ``rest.x``, ``tools.x``, ``own.x``, ``steps.x.y``, ``$.step.x``, ``env.X`` in, the named value of a scope out.

What a text refers to is decided once, from the names known where it is written (``Names``); evaluating is dictionary
lookups only. The spelling rules of the lookups themselves are in ``lookup.py``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, Literal

from naftiko_run.expressions.jsonpath import JsonPath, compile_jsonpath
from naftiko_run.expressions.lookup import find_any, find_bind, find_body, find_input, find_section, find_step, split_brackets
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.records import field, record

Root = Literal["input", "step", "bind", "any"]

INPUT_WORDS: Final = frozenset({"rest", "tools", "mcp", "inputs", "input", "params", "args", "arguments", "request"})
"""Words that stand for "what the caller supplied", whichever adapter the caller came through."""

# Only words that name an HTTP request have sections: `tools.filter.gt` is always a name.
_SECTIONED: Final = frozenset({"rest", "request"})
_SECTIONS: Final = {
    "path": "path",
    "query": "query",
    "header": "header",
    "headers": "header",
    "body": "body",
    "cookie": "cookie",
    "cookies": "cookie",
}
_NAME: Final = re.compile(r"[^\s{}\"'()]+")
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9_]*")


@record
class Names:
    """What the text being compiled may refer to."""

    own: str = ""  # namespace of the exposing adapter or aggregate: `own.x` is input x
    binds: frozenset[str] = frozenset()  # bound variable names
    bind_namespaces: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()  # names of earlier steps

    def within(self, own: str) -> Names:
        """The same, written in the adapter or aggregate of namespace ``own``."""
        return _within(self, own)


@lru_cache(maxsize=1024)
def _within(names: Names, own: str) -> Names:
    return Names(own=own, binds=names.binds, bind_namespaces=names.bind_namespaces, steps=names.steps)


@record
class Reference:
    """A name resolved down to where its value comes from.

    ``path`` holds the names after the root and place; for a step the first one is the step's. ``namespace`` is the one written
    before a bound variable. ``inner`` is set where the rest of a step reference needs full JSONPath.
    """

    text: str
    root: Root
    place: str = ""  # "", "path", "query", "header", "body", "cookie"
    path: tuple[str, ...] = ()
    namespace: str = ""
    inner: JsonPath | None = field(default=None, compare=False)
    _plain: str = field(init=False, repr=False, compare=False)
    """The input that it names, where nothing but the value under that very name can come first."""

    def __post_init__(self) -> None:
        is_plain = self.root == "input" and len(self.path) == 1 and self.place != "body"
        object.__setattr__(self, "_plain", self.path[0] if is_plain else "")

    @property
    def plain_input(self) -> str:
        """The input whose value this is wherever it has one; empty where more than one place is looked at."""
        return self._plain

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def whole_body(self) -> bool:
        return self.place == "body" and not self.path

    @property
    def references(self) -> tuple[Reference, ...]:
        return (self,)

    def evaluate(self, scope: Scope) -> object:
        """The value, of whatever JSON type, or ``MISSING``."""
        if self._plain:
            found = scope.inputs.get(self._plain, MISSING)
            if found is not MISSING:
                return found
        if self.root == "any":
            return find_any(scope, self.path)
        if self.root == "step":
            return find_step(scope.steps, self.path, self.inner)
        if self.root == "bind":
            return find_bind(scope, self.namespace, self.path)
        if self.whole_body:
            return find_body(scope.inputs)
        if self.place:
            return find_section(scope.inputs, self.place, self.path)
        return find_input(scope.inputs, self.path)


@lru_cache(maxsize=8192)
def parse_reference(text: str, names: Names, *, bare: bool = False) -> Reference | None:
    """What ``text`` refers to, or ``None`` where it is a literal. ``bare``: a plain name is one too, as inside a tag."""
    text = text.strip()
    if text.startswith(("$.", "$[")):
        return _rooted(text, names, bare)
    if text.startswith("steps."):
        return _step(text, text[len("steps.") :])
    if not _NAME.fullmatch(text):
        return None
    return _qualified(text, names) or (_bare(text, names) if bare else None)


def input_reference(text: str, name: str) -> Reference:
    """The input called ``name``; dots may be part of the name or lead into its value."""
    return Reference(text=text, root="input", path=tuple(name.split(".")))


def _rooted(text: str, names: Names, bare: bool) -> Reference | None:
    """``$.step.x``; where no such step exists, ``$.`` is read as if it were not there."""
    rest = text[2:] if text.startswith("$.") else text[1:]
    first = re.split(r"[.\[]", rest, maxsplit=1)[0]
    if first in names.steps:
        return _step(text, rest)
    if rest.startswith("steps."):
        return _step(text, rest[len("steps.") :])
    found = parse_reference(rest, names, bare=bare) if rest and not rest.startswith(("$", "[")) else None
    return found and Reference(text=text, root=found.root, place=found.place, path=found.path, namespace=found.namespace)


def _step(text: str, rest: str) -> Reference | None:
    """A step's result and the path inside it: names and indexes where they suffice, JSONPath otherwise."""
    path = split_brackets(rest)
    if not all(path):
        return None
    if all(_NAME.fullmatch(name) and not set(name) & set("[]*?@:") for name in path):
        return Reference(text=text, root="step", path=path)
    match = re.match(r"[^.\[]+", rest)
    if match is None:
        return None
    step, inside = match.group(), rest[match.end() :]
    return Reference(text=text, root="step", path=(step, inside.lstrip(".")), inner=compile_jsonpath("$" + inside))


def _qualified(text: str, names: Names) -> Reference | None:
    """A name with a known first word; the namespace of the place it is written in wins over everything."""
    if text.startswith("$this."):
        rest = text[len("$this.") :]
        rest = rest.removeprefix(f"{names.own}.") if names.own else rest
        return input_reference(text, rest) if rest else None
    if names.own and text.startswith(f"{names.own}.") and len(text) > len(names.own) + 1:
        return input_reference(text, text[len(names.own) + 1 :])
    head, _, rest = text.partition(".")
    if not rest or not all(rest.split(".")):
        return None
    if names.steps and (head in names.steps or split_brackets(head)[0] in names.steps):
        return _step(text, text)
    if head in INPUT_WORDS:
        return _sectioned(text, rest) if head in _SECTIONED else input_reference(text, rest)
    if head == "env" or head in names.bind_namespaces:
        return Reference(text=text, root="bind", path=(rest,), namespace=head)
    if head == "binds":
        namespace, _, variable = rest.rpartition(".")
        return Reference(text=text, root="bind", path=(variable,), namespace=namespace)
    return None


def _sectioned(text: str, rest: str) -> Reference:
    """``rest.query.x`` names a section; ``rest.query`` alone is a parameter of that name, ``rest.body`` the whole body."""
    head, _, inside = rest.partition(".")
    place = _SECTIONS.get(head, "")
    if rest == "body":
        return Reference(text=text, root="input", place="body")
    if place and inside:
        return Reference(text=text, root="input", place=place, path=tuple(inside.split(".")))
    return input_reference(text, rest)


def _bare(text: str, names: Names) -> Reference:
    """A name without a known first word. A bound one is that variable: no input may stand in for it. Upper case is a variable
    too unless a step is known by that name."""
    if text in names.binds or (_UPPER.fullmatch(text) and text not in names.steps):
        return Reference(text=text, root="bind", path=(text,))
    return Reference(text=text, root="any", path=tuple(text.split(".")))
