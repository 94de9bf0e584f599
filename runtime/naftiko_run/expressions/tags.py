"""Template text in, tokens out: literal text and tags, in order. What is no tag (GraphQL braces, JSON) stays text.

Only the spelling of tags is known here; what a name means and how sections nest is decided in ``template.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal

from naftiko_run.errors import Place, SpecError, UnsupportedFeature
from naftiko_run.records import record

Kind = Literal["text", "name", "open", "inverted", "close", "comment", "delimiters"]

_SIGILS: Final[dict[str, Kind]] = {"#": "open", "^": "inverted", "/": "close", "!": "comment", "&": "name"}
# Any spelling a parameter has been seen with: `$filter`, `filter[x]`, `id:in`, `x~neq`; never quotes, braces, blanks.
_NAME: Final = re.compile(r"[^\s{}\"'(),;=#^/!&>][^\s{}\"'()]*")
# What holds any of these is a piece of another language, not a mistyped name.
_FOREIGN: Final = re.compile(r"[{}\"'():,;\n\[\]]")
_BRACES: Final = re.compile(r"\{*")
_LONGEST: Final = 512
_LONGEST_COMMENT: Final = 4096
HINT: Final = "a tag holds one name: '{{name}}'"


@record(kw_only=False)
class Token:
    kind: Kind
    text: str  # the literal text, or the name in the tag


def scan(text: str, *, at: Place = None) -> Iterator[Token]:
    """The tokens of ``text``; neighbouring literal pieces are separate tokens."""
    position, opening, closing = 0, "{{", "}}"
    while (start := text.find(opening, position)) >= 0:
        found = _tag(text, start, opening, closing, at)
        if found is None:
            # Not a tag: of a run of braces the last two or three may still open one (`{"a":{{{{x}}}}`).
            after = max(start + 1, _BRACES.match(text, start).end() - 3)  # type: ignore[union-attr]  # it matches nothing too
            yield from _literal(text[position:after])
            position = after
            continue
        token, end = found
        before = text[position:start]
        if token.kind not in ("text", "name"):
            before, end = _alone_on_line(text, before, start, end)
        yield from _literal(before)
        if token.kind == "delimiters":
            opening, closing = _delimiters(token.text, at)
        elif token.kind != "comment":
            yield token
        position = end
    yield from _literal(text[position:])


def _tag(text: str, start: int, opening: str, closing: str, at: Place) -> tuple[Token, int] | None:
    """The tag at ``start`` and where it ends, or ``None`` where the braces are not ours."""
    inside = start + len(opening)
    if opening == "{{" and text.startswith("{", inside):
        end = text.find("}}}", inside, inside + _LONGEST)
        if end >= 0 and _NAME.fullmatch(text[inside + 1 : end].strip()):
            return Token("name", text[inside + 1 : end].strip()), end + 3
    ending = f"={closing}" if text.startswith("=", inside) else closing
    # Bounded, or a text of nothing but braces would be searched to its end from each of them.
    end = text.find(ending, inside, inside + (_LONGEST_COMMENT if text.startswith("!", inside) else _LONGEST))
    if end < 0:
        _refuse_unclosed(text[inside : inside + _LONGEST], at)
        return None
    token = _read(text[inside:end], at)
    return None if token is None else (token, end + len(ending))


def _refuse_unclosed(rest: str, at: Place) -> None:
    """Say that a tag is not closed, unless what follows does not look like one."""
    words = rest.lstrip("#^/&").split("}")[0].strip()
    shown = words.split()[0] if words else ""
    if shown and not _FOREIGN.search(words) and _NAME.fullmatch(shown):
        raise SpecError(f"tag '{{{{{shown}' is not closed", at=at, hint=HINT, code="E-TEMPLATE")


def _read(content: str, at: Place) -> Token | None:
    """The token for what stands between the delimiters."""
    sigil, words = content[:1], content.strip()
    if sigil == "!":
        return Token("comment", "")
    if sigil == "=":
        return Token("delimiters", content[1:].strip())
    if sigil == ">":
        raise UnsupportedFeature(f"partial '{{{{{words}}}}}' is not supported", at=at, hint="write its text here instead")
    name = words[1:].strip() if words[:1] in _SIGILS else words
    if _NAME.fullmatch(name) and "\n" not in content:
        return Token(_SIGILS.get(words[:1], "name"), name)
    if _FOREIGN.search(content):
        return None
    wrong = f"'{{{{{content}}}}}' is not a tag" if words else "empty tag '{{}}'"
    raise SpecError(wrong, at=at, hint=HINT, code="E-TEMPLATE")


def _delimiters(words: str, at: Place) -> tuple[str, str]:
    pair = words.split()
    if len(pair) != 2 or "=" in words:
        raise SpecError(
            f"'{{{{={words}=}}}}' does not name two delimiters", at=at, hint="write '{{=<% %>=}}'", code="E-TEMPLATE"
        )
    return pair[0], pair[1]


def _alone_on_line(text: str, before: str, start: int, end: int) -> tuple[str, int]:
    """Drop the line of a section tag or comment that stands alone on it: it is there for the author, not for the output."""
    line = text.rfind("\n", 0, start) + 1
    newline = re.compile(r"[ \t]*(\r?\n|\Z)").match(text, end)
    if text[line:start].strip(" \t") or newline is None or start - line > len(before):
        return before, end
    return before[: len(before) - (start - line)], newline.end()


def _literal(text: str) -> Iterator[Token]:
    if text:
        yield Token("text", text)
