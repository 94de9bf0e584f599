"""A path template and a scope in, the path with every value encoded as (part of) one segment out (requirement S32).

The literal text is the document's and stays as it is. A value cannot add a segment, leave one out or climb, so the segments of
the result are those of the template; only ``{name+}`` and ``{name*}``, which the author wrote for that, keep slashes.
"""

from __future__ import annotations

from naftiko_run.expressions.escape import path_segment, path_segments
from naftiko_run.expressions.scope import MISSING, Missing, Scope
from naftiko_run.expressions.sections import Tag
from naftiko_run.expressions.template import Template
from naftiko_run.expressions.text import to_text


def render_path(template: Template, scope: Scope) -> str | Missing:
    """The path, or ``MISSING`` where a variable has no value."""
    out: list[str] = []
    for part in template.parts:
        if isinstance(part, str):
            out.append(part)
            continue
        assert isinstance(part, Tag)  # a section is refused when a path is compiled
        value = part.reference.evaluate(scope)
        if value is MISSING:
            return MISSING
        encode = path_segments if part.keep_slashes else path_segment
        out.append(encode(to_text(value), part.reference.name))
    return "".join(out)
