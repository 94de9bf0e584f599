"""The parts of a template: tags and sections, built from tokens once, rendered per request.

A section repeats for the elements of a list, opens a map, or shows for anything that is not missing, null, false or empty.
Inside one, a plain name is looked for in the section's values first. Elements are data: a field one of them lacks is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Literal

from naftiko_run.errors import MalformedRequest, Place, SpecError
from naftiko_run.expressions.lookup import find_exactly
from naftiko_run.expressions.reference import Names, Reference, parse_reference
from naftiko_run.expressions.scope import MISSING, Missing, Scope
from naftiko_run.expressions.tags import HINT, Token, scan
from naftiko_run.expressions.text import to_text
from naftiko_run.records import field, record

Special = Literal["", "this", "-first", "-last", "-index"]
_SPECIALS: Final[dict[str, Special]] = {".": "this", "this": "this", "-first": "-first", "-last": "-last", "-index": "-index"}
_ROUNDS: Final = 100_000  # elements one rendering may visit: nested empty sections cost time without making text
_DEPTH: Final = 32


@record(kw_only=False)
class Tag:
    """One value. ``special`` names something only a section has: its element, whether it is the first, its number.

    ``encode`` words the value, ``MISSING`` included, where the place of the tag in its text decides how (``json_text.py``).
    """

    reference: Reference
    special: Special = ""
    encode: Callable[[object], str] | None = None


@record(kw_only=False)
class Section:
    tag: Tag
    inverted: bool
    parts: tuple[Part, ...]


Part = str | Tag | Section


@record(kw_only=False)
class Frame:
    """The element a section is at."""

    value: object
    index: int = 0
    count: int = 1


# ---- building


def build_parts(text: str, names: Names, *, at: Place) -> tuple[tuple[Part, ...], tuple[Reference, ...]]:
    """The parts of ``text`` and the distinct references it needs."""
    builder = _Builder(names, at)
    parts = builder.parts(scan(text, at=at), "")
    return parts, tuple(dict.fromkeys(builder.references))


@record(frozen=False, kw_only=False)
class _Builder:
    names: Names
    at: Place
    depth: int = 0
    references: list[Reference] = field(default_factory=list)

    def parts(self, tokens: Iterator[Token], section: str) -> tuple[Part, ...]:
        found: list[Part] = []
        for token in tokens:
            if token.kind == "close":
                self._closes(token, section)
                return _merged(found)
            found.append(self._part(token, tokens))
        if section:
            raise self._wrong(f"section '{{{{#{section}}}}}' is not closed", f"add '{{{{/{section}}}}}'")
        return _merged(found)

    def _part(self, token: Token, tokens: Iterator[Token]) -> Part:
        if token.kind == "text":
            return token.text
        tag = self._tag(token)
        if token.kind == "name":
            return tag
        if self.depth >= _DEPTH:
            raise self._wrong(f"sections are nested deeper than {_DEPTH}", "")
        self.depth += 1
        inside = self.parts(tokens, token.text)
        self.depth -= 1
        return Section(tag, token.kind == "inverted", inside)

    def _tag(self, token: Token) -> Tag:
        special = _SPECIALS.get(token.text, "") if self.depth else ""
        name = self._reference(token)
        if name is None or (token.text in _SPECIALS and not self.depth and token.text != "this"):
            raise self._wrong(f"'{{{{{token.text}}}}}' is not a name", HINT)
        # What a section's own values may supply is not asked of the caller.
        if not special and (not self.depth or not _may_be_field(name)):
            self.references.append(name)
        return Tag(name, special)

    def _reference(self, token: Token) -> Reference | None:
        try:
            return parse_reference(token.text, self.names, bare=True)
        except SpecError as problem:  # a JSONPath inside a step's result
            raise SpecError(problem.message, at=self.at, hint=problem.hint, code=problem.code) from problem

    def _closes(self, token: Token, section: str) -> None:
        if token.text != section:
            hint = f"section '{{{{#{section}}}}}' is open here" if section else f"no section '{{{{#{token.text}}}}}' is open"
            raise self._wrong(f"unexpected '{{{{/{token.text}}}}}'", hint)

    def _wrong(self, message: str, hint: str) -> SpecError:
        return SpecError(message, at=self.at, hint=hint, code="E-TEMPLATE")


def _merged(parts: list[Part]) -> tuple[Part, ...]:
    """Neighbouring texts as one."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged)


# ---- rendering


def render_parts(
    parts: tuple[Part, ...], scope: Scope, escape: Callable[[str], str] | None, *, lenient: bool, limit: int
) -> str | Missing:
    output = _Output(scope, escape, lenient, limit)
    return "".join(output.pieces) if output.write(parts, ()) else MISSING


def text_of(tag: Tag, value: object, escape: Callable[[str], str] | None) -> str:
    """What a tag shows for its value."""
    if tag.encode is not None:
        return tag.encode(value)
    if value is MISSING:
        return ""
    text = to_text(value)
    return escape(text) if escape else text


def too_long(limit: int) -> MalformedRequest:
    return MalformedRequest(f"a template made more than {limit} characters of text", hint="send less, or raise template_output")


@record(frozen=False, kw_only=False)
class _Output:
    scope: Scope
    escape: Callable[[str], str] | None
    lenient: bool
    limit: int
    pieces: list[str] = field(default_factory=list)
    length: int = 0
    rounds: int = 0

    def write(self, parts: tuple[Part, ...], frames: tuple[Frame, ...]) -> bool:
        """Add the text of ``parts``; false where a name outside any section is missing."""
        for part in parts:
            if isinstance(part, str):
                self._add(part)
            elif isinstance(part, Section):
                self._section(part, frames)
            else:
                value = _find(part, self.scope, frames)
                if value is MISSING and not frames and not self.lenient:
                    return False
                self._add(text_of(part, value, self.escape))
        return True

    def _section(self, section: Section, frames: tuple[Frame, ...]) -> None:
        value = _find(section.tag, self.scope, frames)
        shown = not (value is MISSING or value is None or value is False or value in ("", []))
        if section.inverted:
            if not shown:
                self.write(section.parts, frames or (Frame(None),))
        elif shown:
            elements = value if isinstance(value, list) else [value]
            for index, element in enumerate(elements):
                self.rounds += 1
                if self.rounds > _ROUNDS:
                    raise MalformedRequest(f"a template went through more than {_ROUNDS} elements")
                self.write(section.parts, (*frames, Frame(element, index, len(elements))))

    def _add(self, text: str) -> None:
        self.length += len(text)
        if self.length > self.limit:
            raise too_long(self.limit)
        self.pieces.append(text)


def _find(tag: Tag, scope: Scope, frames: tuple[Frame, ...]) -> object:
    if not frames:
        return tag.reference.evaluate(scope)
    if tag.special:
        return _special(tag.special, frames[-1])
    if _may_be_field(tag.reference):
        for frame in reversed(frames):
            if isinstance(frame.value, Mapping) and (found := find_exactly(frame.value, tag.reference.path)) is not MISSING:
                return found
    return tag.reference.evaluate(scope)


def _may_be_field(reference: Reference) -> bool:
    return reference.root == "any" or (reference.root == "bind" and not reference.namespace)


def _special(special: Special, frame: Frame) -> object:
    if special == "-first":
        return frame.index == 0
    if special == "-last":
        return frame.index == frame.count - 1
    return frame.index + 1 if special == "-index" else frame.value
