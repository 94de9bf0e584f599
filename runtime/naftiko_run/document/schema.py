"""Structure: a document as read in, findings for what a schema does not allow out.

The tolerant schema says what this runtime can read in any dialect; the strict ones are the official language. The compiled
validator decides, and only a document it refuses pays for explanations. A key that nothing reads is no violation of the
tolerant schema: see ``unknown``.

Works on the document as its author wrote it, so before ``dialect.normalise``.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from naftiko_run.document.nodes import Node
from naftiko_run.document.schema_engine import Validator, build_validator
from naftiko_run.document.schema_files import STRICT, TOLERANT, load_schema
from naftiko_run.document.versions import came_later, release_of, was_valid
from naftiko_run.document.violations import Violation, explain
from naftiko_run.errors import Problems

_MOST = 200  # findings of one document; a generated file repeats itself
_FOR_PEOPLE = frozenset(
    {"info", "tags", "description", "label", "display", "title", "summary", "stakeholders", "related", "personas"}
)
"""Keys that serving does without: what is wrong below them is a warning."""


def check_schema(root: Node, problems: Problems, *, strict: bool = False) -> None:
    """Report what the tolerant schema refuses, or with ``strict`` what the official language does."""
    if not root.is_map:
        return  # `shapes.classify` says what it is instead
    dialect, release = release_of(root)
    name = STRICT[dialect] if strict else TOLERANT
    validator, plain = _validator(name), root.plain()
    if not validator.is_valid(plain):
        found = (violation for error in validator.iter_errors(plain) for violation in explain(error, root, load_schema(name)))
        judged = (violation for violation in found if not (strict and was_valid(violation.word, dialect, release)))
        _report(judged, problems, strict=strict)
    if strict:
        for node, since in islice(came_later(root, dialect, release), _MOST):
            said = f"'{node.key}' came with {dialect} {since}, this document says {release}"
            problems.error("E-SCHEMA", said, node.key_location, f"write `{dialect}: {since}`, or a later release")


@lru_cache(maxsize=4)
def _validator(name: str) -> Validator:
    return build_validator(load_schema(name))


def _report(found: Iterator[Violation], problems: Problems, *, strict: bool) -> None:
    for violation in islice(found, _MOST):
        harmless = not strict and any(key in _FOR_PEOPLE for key in violation.keys)
        say, code = (problems.warn, "W-SCHEMA") if harmless else (problems.error, "E-SCHEMA")
        say(code, violation.message, violation.at, violation.hint)
    if next(found, None) is not None:
        problems.error("E-SCHEMA", f"more places do not fit the schema; the first {_MOST} are listed")
