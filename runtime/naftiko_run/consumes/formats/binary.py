"""``binary``: the bytes are the answer; nothing is decoded. Also ``maxBinarySize``, written ``10MiB``."""

from __future__ import annotations

import re

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings
from naftiko_run.errors import Place, SpecError

_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*(B|KiB|MiB|GiB)?")
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


def parse_binary_size(text: str, at: Place = None) -> int:
    """``10MiB``, ``1.5KiB``, ``100B`` or a bare number, in bytes."""
    found = _SIZE.fullmatch(text.strip())
    size = int(float(found[1]) * _UNITS[found[2] or "B"]) if found else 0
    if size < 1:
        raise SpecError(f"{text!r} is no size", at=at, code="E-BINARY-SIZE", hint="write a number and a unit: 500KiB, 10MiB")
    return size


def _untouched(body: bytes, charset: str, /) -> object:
    return body


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    return Decoder(name=name, convert=_untouched, binary=True, limits=settings.limits)
