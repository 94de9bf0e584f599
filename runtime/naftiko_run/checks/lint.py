"""House rules for documents: a normalised root in, findings out. What is legal and served, and still worth changing.

Each rule is one function over placed nodes, registered under its code. They are asked for with ``validate --lint``; those whose
breach can only be a mistake are ``evident`` and always looked at. Nothing here knows the compiled plan.
"""

from __future__ import annotations

from pathlib import Path

from naftiko_run.checks import lint_adapters, lint_consumes, lint_documents
from naftiko_run.checks.lint_rule import RULES, Rule, prose_of
from naftiko_run.document.dialect import normalise
from naftiko_run.document.nodes import Node
from naftiko_run.document.reader import read_document
from naftiko_run.errors import Finding, Problems, SpecError
from naftiko_run.limits import DEFAULT_LIMITS, Limits

RULE_MODULES = (lint_adapters, lint_consumes, lint_documents)
"""Importing them registers their rules."""


def lint_file(file: Path, *, every: bool = True, limits: Limits = DEFAULT_LIMITS) -> list[Finding]:
    """The findings of one file; none where it cannot be read, which is for others to say."""
    try:
        root = normalise(read_document(file, limits=limits), Problems())
    except SpecError:
        return []
    return lint_root(root, every=every)


def lint_root(root: Node, *, every: bool = True) -> list[Finding]:
    """The findings of a normalised document; ``every`` asks for more than the evident ones."""
    found = []
    prose = [(node, node.text) for node in prose_of(root)]
    for code in RULES:
        one = RULES.lookup(code)
        if not every and not one.evident:
            continue
        if one.check is not None:
            found += [_finding(one, node, message) for node, message in one.check(root)]
        if one.prose is not None:
            found += [_finding(one, node, f"{node.key!r} {said}") for node, text in prose if (said := one.prose(text))]
    return found


def _finding(one: Rule, node: Node, message: str) -> Finding:
    return Finding(code=one.code, severity=one.severity, message=message, at=node.location, hint=one.hint)
