"""What callers say again and again: the header block of a request, as it was read and judged the first time.

A client repeats its fields with every request while the target differs. A block that went through the parser once, and through
all rules, comes to the same the next time, so it is looked up instead. Only what is exactly one complete request, in a form
that leaves no doubt, is answered from here; everything else is the parser's.
"""

from __future__ import annotations

import re

_ROOM, _LONGEST = 64, 2048
_LINE = re.compile(rb"(GET|POST) (/[A-Za-z0-9\-._~%!$&'()*+,;=:@/]*)(?:\?([A-Za-z0-9\-._~%!$&'()*+,;=:@/?]*))? HTTP/1\.1")
_TELLING = frozenset({
    "transfer-encoding", "expect", "upgrade", "http2-settings", "x-request-id", "trailer", "te",
})  # fmt: skip
_CREDENTIAL = re.compile("auth|cookie|key|password|secret|token")  # not kept longer than its request, whatever its exact name

Fields = list[tuple[str, str]]


class Block:
    """One header block: its fields, the length of the body behind it, and what adapters found out about it."""

    __slots__ = ("fields", "length", "noted")

    def __init__(self, fields: Fields, length: int) -> None:
        self.fields, self.length = fields, length
        self.noted: dict[str, object] = {}


class Heads:
    """Blocks by their bytes, for one set of host rules."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[bytes, Block] = {}

    def find(self, data: bytes, longest_line: int) -> tuple[str, str, str, Block, bytes] | None:
        """Method, path, query, block and body of a request that needs no parser."""
        end = data.find(b"\r\n")
        if data.startswith(b"GET "):
            block, body = self._known.get(data[end + 2 :]), b""
        else:
            start = data.find(b"\r\n\r\n", end) + 4
            block, body = self._known.get(data[end + 2 : start]), data[start:]
        if block is None or block.length != len(body) or end > longest_line:
            return None
        line = _LINE.fullmatch(data, 0, end)
        if line is None:
            return None
        method, path, query = line.groups(b"")
        return method.decode("ascii"), path.decode("ascii"), query.decode("ascii"), block, body

    def learn(self, data: bytes, fields: Fields, length: int) -> None:
        """``data`` was one whole request that the parser and the rules let through, and that keeps its connection."""
        end = data.find(b"\r\n")
        block = data[end + 2 : len(data) - length]
        if len(block) > _LONGEST or _LINE.fullmatch(data, 0, end) is None or block.find(b"\r\n\r\n") != len(block) - 4:
            return
        if any(name in _TELLING or _CREDENTIAL.search(name) for name, _ in fields) or (data.startswith(b"GET ") and length):
            return
        if len(self._known) >= _ROOM:
            self._known.clear()
        self._known[block] = Block(fields.copy(), length)  # what the first request does with its fields is its own business
