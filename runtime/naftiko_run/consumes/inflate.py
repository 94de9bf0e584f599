"""Compressed response bytes in, plain bytes out, never more than the limits allow (requirements S42 and L6).

Output is taken in steps of at most 64 KiB, so a bomb is noticed after one step too many. The end of the compressed stream is
required: a body that merely stops is cut, whatever the framing said.
"""

from __future__ import annotations

import zlib
from typing import Literal, Protocol

from naftiko_run.limits import KIB, MIB

STEP = 64 * KIB
FREE = MIB  # below this much output, any ratio is fine
Flaw = Literal["corrupt", "truncated", "too-large", "ratio"]


class Unusable(Exception):
    """The compressed body cannot be used; ``flaw`` says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(flaw)
        self.flaw: Flaw = flaw


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


class Inflater:
    """One body of coding ``gzip`` or ``deflate``."""

    __slots__ = ("_coding", "_fed", "_limit", "_out", "_parts", "_pending", "_ratio", "_stream")

    def __init__(self, coding: str, limit: int, ratio: int) -> None:
        self._coding, self._limit, self._ratio = coding, limit, ratio
        self._stream: _Decompressor | None = None
        self._pending = b""
        self._parts: list[bytes] = []
        self._fed = self._out = 0

    def feed(self, data: bytes) -> None:
        self._fed += len(data)
        data = self._pending + data
        if self._stream is None:
            if len(data) < 2:  # which kind of deflate it is shows in the first two bytes
                self._pending = data
                return
            self._pending = b""
            self._stream = _open(self._coding, data)
        for start in range(0, len(data), STEP):
            self._inflate(data[start : start + STEP])

    def finish(self) -> bytes:
        if self._fed == 0:  # no body at all: nothing was compressed
            return b""
        if self._stream is None or not self._stream.eof:
            raise Unusable("truncated")
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)

    def _inflate(self, data: bytes) -> None:
        more = True
        while more:
            if self._stream is None or self._stream.eof:
                self._next_member(data)
            stream = self._stream
            assert stream is not None
            try:
                out = stream.decompress(data, STEP)
            except zlib.error as error:
                raise Unusable("corrupt") from error
            self._take(out, len(stream.unconsumed_tail))
            data = stream.unused_data if stream.eof else stream.unconsumed_tail
            # A full step may have left output inside the stream although all input is used.
            more = bool(data) or (len(out) == STEP and not stream.eof)

    def _next_member(self, data: bytes) -> None:
        """A gzip body may be several members in a row; anything else after the end is not ours to guess."""
        if self._coding != "gzip" or data[0] != 0x1F:
            raise Unusable("corrupt")
        self._stream = _open(self._coding, data)

    def _take(self, out: bytes, left: int) -> None:
        self._out += len(out)
        if self._out > self._limit:
            raise Unusable("too-large")
        if self._out > FREE and self._out > self._ratio * max(1, self._fed - left):
            raise Unusable("ratio")
        if out:
            self._parts.append(out)


def _open(coding: str, start: bytes) -> _Decompressor:
    if coding == "gzip":
        return zlib.decompressobj(16 + zlib.MAX_WBITS)
    # "deflate" means zlib framing, yet some servers send the bare stream.
    framed = start[0] & 0x0F == 8 and int.from_bytes(start[:2], "big") % 31 == 0
    return zlib.decompressobj(zlib.MAX_WBITS if framed else -zlib.MAX_WBITS)
