"""Templates: text with ``{{name}}`` tags in, a compiled ``Template`` out that renders against a scope.

The renderer is our own (requirement S30): compiled once, one pass, dictionary lookup only. Values are never read as templates,
there are no partials, and nothing but a name can stand in a tag. How a value must be written where it lands is the caller's
``escape`` (``escape.py``); sections are rendered in ``sections.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from naftiko_run.errors import Place
from naftiko_run.expressions.reference import Names, Reference
from naftiko_run.expressions.scope import MISSING, Missing, Scope
from naftiko_run.expressions.sections import Part, Section, Tag, build_parts, render_parts, text_of, too_long
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import record

Escape = Callable[[str], str]


@record
class Template:
    """Immutable. ``references`` are the names it needs, in order; names that only data inside a section supplies are not."""

    source: str
    parts: tuple[Part, ...]
    references: tuple[Reference, ...] = ()
    limit: int = DEFAULT_LIMITS.template_output

    @property
    def is_literal(self) -> bool:
        return not self.references and all(isinstance(part, str) for part in self.parts)

    @property
    def whole(self) -> Reference | None:
        """The one reference, where the text is exactly one tag."""
        only = self.parts[0] if len(self.parts) == 1 else None
        return only.reference if isinstance(only, Tag) else None

    def render(self, scope: Scope, escape: Escape | None = None) -> str | Missing:
        """The text, or ``MISSING`` where a name outside any section has no value."""
        return self._render(scope, escape, lenient=False)

    def render_lenient(self, scope: Scope, escape: Escape | None = None) -> str:
        """The text; names without a value are empty."""
        return str(self._render(scope, escape, lenient=True))

    def value(self, scope: Scope) -> object:
        """The value itself, of its JSON type, where the text is exactly one tag; else the text."""
        whole = self.whole
        return self.render(scope) if whole is None else whole.evaluate(scope)

    def _render(self, scope: Scope, escape: Escape | None, *, lenient: bool) -> str | Missing:
        out: list[str] = []
        for part in self.parts:
            if isinstance(part, str):
                out.append(part)
                continue
            if isinstance(part, Section):
                return render_parts(self.parts, scope, escape, lenient=lenient, limit=self.limit)
            value = part.reference.evaluate(scope)
            if value is MISSING and not lenient:
                return MISSING
            out.append(text_of(part, value, escape))
        rendered = "".join(out)
        if len(rendered) > self.limit:
            raise too_long(self.limit)
        return rendered


def compile_template(text: str, names: Names, *, at: Place = None, limits: Limits = DEFAULT_LIMITS) -> Template:
    """Compile ``text``; what cannot be read raises a ``SpecError`` at ``at``."""
    if "{" not in text:
        return Template(source=text, parts=(text,) if text else (), limit=limits.template_output)
    parts, references = build_parts(text, names, at=at)
    return Template(source=text, parts=parts, references=references, limit=limits.template_output)


def literal(text: str) -> Template:
    """``text`` as it is, whatever braces it holds."""
    return Template(source=text, parts=(text,) if text else ())
