"""Text in, the same text as it must be written where it lands out (requirements S31 to S33).

Each function is one place: inside a JSON string, in XML, in one path segment, in a header.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote

from naftiko_run.errors import MalformedRequest
from naftiko_run.expressions.text import to_json

_XML: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"})
_UNRESERVED_ONLY: Final = ""  # letters, digits and `-._~` are never encoded
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_HEADER_VALUE: Final = re.compile(r"[\t\x20-\x7e]*")
_BEYOND_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED_HEADERS: Final = frozenset(
    {
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
    }
)


def json_string(text: str) -> str:
    """``text`` as it stands between the quotes of a JSON string."""
    return to_json(text)[1:-1]


def xml(text: str) -> str:
    """``text`` as XML character data or between the quotes of an attribute."""
    return text.translate(_XML)


def path_segment(text: str, name: str = "") -> str:
    """``text`` as one path segment, or part of one; a value that could change the path is refused, naming the parameter."""
    _check_path_value(text, name)
    return _encode(text)


def path_segments(text: str, name: str = "") -> str:
    """The same for ``{name+}``: slashes in ``text`` separate segments, and each of them is held to the same rule."""
    for segment in text.split("/"):
        _check_path_value(segment, name)
    return "/".join(map(_encode, text.split("/")))


def _encode(text: str) -> str:
    # A surrogate cannot be sent; it is replaced rather than failing outside our error tree.
    return quote(text.encode("utf-8", "replace"), safe=_UNRESERVED_ONLY)


def _check_path_value(text: str, name: str) -> None:
    label = f"path parameter {name!r}" if name else "a path parameter"
    if text in ("", ".", ".."):
        shown = "is empty" if not text else f"is {text!r}"
        raise MalformedRequest(f"{label} {shown}", hint="a path value must name something")
    if _CONTROL.search(text):
        raise MalformedRequest(f"{label} holds a control character")


def header_value(text: str, name: str = "") -> str:
    """``text`` as a header's value: what is beyond ASCII is percent-encoded, a control character is refused."""
    if not _HEADER_VALUE.fullmatch(text):
        if has_control(text.replace("\t", " ")):
            label = f"header {name!r}" if name else "a header"
            raise MalformedRequest(f"{label} cannot hold a control character", hint="leave line breaks and the like out")
        text = _BEYOND_ASCII.sub(lambda found: _encode(found[0]), text)
    return text.strip(" \t")


def has_control(text: str) -> bool:
    """Whether ``text`` holds a control character, a tab included."""
    return _CONTROL.search(text) is not None


def settable_header(name: str) -> bool:
    """Whether a document or caller may set the header ``name``: a token, and none that the connection itself needs."""
    return _HEADER_NAME.fullmatch(name) is not None and name.lower() not in _RESERVED_HEADERS
