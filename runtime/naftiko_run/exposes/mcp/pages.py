"""A list in pages: rendered items and a cursor become one page. A cursor is opaque to clients and the same on every worker."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

from naftiko_run.exposes.mcp.protocol import INVALID_PARAMS, RpcError


def page(key: str, items: Sequence[bytes], cursor: object, size: int) -> bytes:
    """The members ``key`` and, unless this is the last page, ``nextCursor`` of a result object."""
    start = 0 if cursor is None else _offset(cursor, len(items), size)
    members = b'"%b":[%b]' % (key.encode(), b",".join(items[start : start + size]))
    if start + size < len(items):
        members += b',"nextCursor":"%b"' % _cursor(start + size)
    return members


def _cursor(offset: int) -> bytes:
    return base64.urlsafe_b64encode(b"from %d" % offset).rstrip(b"=")


def _offset(cursor: object, count: int, size: int) -> int:
    """Only cursors that we hand out are accepted, in the one spelling they have."""
    if isinstance(cursor, str) and len(cursor) <= 64:
        try:
            text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        except (binascii.Error, ValueError):
            text = ""
        digits = text.removeprefix("from ")
        if digits.isdigit() and 0 < int(digits) < count and int(digits) % size == 0 and _cursor(int(digits)).decode() == cursor:
            return int(digits)
    raise RpcError(INVALID_PARAMS, "the cursor is not one that this list handed out")
