"""Keeping secrets out of what is written: registered texts go in, cleaned texts come out.

Every sink (log, span, error body, report) passes its text through one ``Redactor``. A secret rarely leaks as it is: it leaks
inside a ``Basic`` credential, a query string or a JSON dump, so its base64, URL-encoded and JSON-escaped forms count as well
(requirement S60). Base64 depends on what stands before the value, hence the forms for all three byte offsets.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import traceback
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST = 4
"""Shorter values are left alone: masking every ``1`` or ``eu`` would make the text useless and hide nothing."""


class Redactor:
    """Replaces every registered value, in any of its forms, with ``***``."""

    def __init__(self) -> None:
        self._forms: dict[str, set[str]] = {}
        self._pattern: re.Pattern[str] | None = None

    def register(self, text: str) -> None:
        """Hide ``text`` from now on; values of fewer than four characters are ignored."""
        if len(text) >= SHORTEST and text not in self._forms:
            self._forms[text] = _forms(text)
            self._pattern = None

    def register_all(self, texts: Iterable[str]) -> None:
        for text in texts:
            self.register(text)

    def forget(self, text: str) -> None:
        """Stop hiding ``text``: an access token that has been replaced, say, so that the set does not grow for ever."""
        if self._forms.pop(text, None) is not None:
            self._pattern = None

    def clean(self, text: str) -> str:
        """``text`` without any registered value."""
        if not self._forms:
            return text
        if self._pattern is None:
            # Longest first, or the part of a value would be masked and its rest left standing.
            ordered = sorted(set().union(*self._forms.values()), key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, ordered)))
        return self._pattern.sub(MASK, text)


class RedactionFilter(logging.Filter):
    """A filter for log handlers: message, arguments and traceback are cleaned before anything is formatted."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self.redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.redactor.clean(record.getMessage()), None
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
            record.exc_info = None
        if record.exc_text:
            record.exc_text = self.redactor.clean(record.exc_text)
        if record.stack_info:
            record.stack_info = self.redactor.clean(record.stack_info)
        return True


def _forms(text: str) -> set[str]:
    forms = {text, quote(text, safe=""), quote(text), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1]}
    forms.add(json.dumps(text, ensure_ascii=False)[1:-1])
    forms |= {_lower_escapes(form) for form in (quote(text, safe=""), quote_plus(text))}
    forms.add(text.strip())
    raw = text.encode("utf-8", "surrogatepass")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode()
        # The first characters mix in what stands before the value, the last ones what follows: only the middle is constant.
        start, end = (0, 2, 3)[offset], (offset + len(raw)) * 8 // 6
        forms |= {encoded[start:end], encoded[start:end].translate(_URL_SAFE)}
    forms |= {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    return {form for form in forms if len(form) >= SHORTEST}


_URL_SAFE = str.maketrans("+/", "-_")
_ESCAPE = re.compile("%[0-9A-F]{2}")


def _lower_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda found: found[0].lower(), text)
