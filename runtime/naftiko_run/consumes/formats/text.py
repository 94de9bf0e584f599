"""``text``: the body as one string, in the charset its ``Content-Type`` names."""

from __future__ import annotations

import codecs
import re
from base64 import b64encode

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings

# Charsets that an upstream may name. The codec machinery also knows punycode, unicode_escape and the like, which no
# upstream means and some of which take quadratic time.
_CHARSETS = re.compile(
    r"utf-?(8|16|32)([-_]?(le|be))?|us-?ascii|ascii|latin-?1|iso[-_]?8859[-_]\d{1,2}|(cp|windows-?)\d{3,4}|koi8-[ru]|"
    r"shift[-_]?jis|euc[-_](jp|kr)|iso-2022-jp|gb(k|2312|18030)|big5|macroman",
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def codec_for(charset: str) -> str:
    """The charset as Python names it, ``""`` where none is named or it is not one this runtime reads."""
    if not _CHARSETS.fullmatch(charset):
        return ""
    try:
        return codecs.lookup(charset).name
    except LookupError:
        return ""


def read_text(body: bytes, charset: str = "") -> str:
    """The body as text: byte order mark, then named charset, then UTF-8. ``ValueError`` where the bytes do not fit."""
    for mark, codec in _MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(codec)
    return body.decode(codec_for(charset) or "utf-8")


def loose_text(body: bytes, charset: str = "") -> str:
    """The body as text whatever it is: bytes that are no text come out as base64."""
    try:
        return read_text(body, charset)
    except ValueError:
        if charset:
            return body.decode(codec_for(charset) or "utf-8", errors="replace")
        return b64encode(body).decode("ascii")


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    return Decoder(name=name, convert=loose_text, limits=settings.limits)
