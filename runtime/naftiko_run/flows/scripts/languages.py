"""The words of ``language:`` for a script step, and which of them this installation can run."""

from __future__ import annotations

import importlib.util

from naftiko_run.errors import Place, UnresolvedReference, UnsupportedFeature

LANGUAGES = ("javascript", "python", "groovy")
ENDINGS = {".js": "javascript", ".mjs": "javascript", ".py": "python", ".groovy": "groovy"}

_SYNONYMS = {"js": "javascript", "ecmascript": "javascript", "py": "python", "python3": "python"}
_INTERPRETERS = {"javascript": "quickjs", "python": "pydantic_monty"}


def language_named(name: str) -> str:
    """The language's one spelling: ``JS`` is ``javascript``."""
    lower = name.strip().lower()
    return _SYNONYMS.get(lower, lower)


def runnable_language(name: str, at: Place = None) -> str:
    """``name`` as one of the languages that run here; else what the author can do about it."""
    language = language_named(name)
    if language not in LANGUAGES:
        raise UnresolvedReference("script language", name, known=LANGUAGES[:2], at=at, code="E-SCRIPT-LANGUAGE")
    if language == "groovy":
        raise UnsupportedFeature(
            "script steps in Groovy are not run here", at=at, hint="write the step in python or javascript"
        )
    if importlib.util.find_spec(_INTERPRETERS[language]) is None:
        raise UnsupportedFeature(
            f"no interpreter for {language} script steps is installed", at=at, hint="install naftiko-run[scripts]"
        )
    return language
