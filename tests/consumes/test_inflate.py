"""Compressed bytes: complete, within the limits, or refused."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naftiko_run.consumes.inflate import Inflater, Unusable
from naftiko_run.limits import MIB


def bare(data: bytes) -> bytes:
    squeeze = zlib.compressobj(wbits=-15)
    return squeeze.compress(data) + squeeze.flush()


SQUEEZE = {"gzip": gzip.compress, "deflate": zlib.compress, "bare": bare}


def inflate(kind: str, data: bytes, piece: int = 1 << 20, limit: int = 10 * MIB, ratio: int = 100) -> bytes:
    inflater = Inflater("deflate" if kind == "bare" else kind, limit, ratio)
    for start in range(0, len(data), piece):
        inflater.feed(data[start : start + piece])
    return inflater.finish()


@pytest.mark.parametrize("kind", SQUEEZE)
@given(data=st.binary(max_size=3000), times=st.integers(1, 60), piece=st.integers(1, 5000))
def test_what_was_compressed_comes_back_however_it_is_cut(kind, data, times, piece):
    content = data * times

    assert inflate(kind, SQUEEZE[kind](content), piece) == content


@pytest.mark.parametrize("kind", SQUEEZE)
@pytest.mark.parametrize("size", [65535, 65536, 65537, 131072, 1 << 20])
def test_sizes_around_a_step_come_back(kind, size):
    assert inflate(kind, SQUEEZE[kind](b"\0" * size), ratio=100_000) == b"\0" * size


@pytest.mark.parametrize("kind", SQUEEZE)
@given(data=st.binary(min_size=1, max_size=500), part=st.floats(0, 1, exclude_max=True))
def test_a_stream_that_stops_early_is_refused(kind, data, part):
    whole = SQUEEZE[kind](data)
    short = whole[: int(len(whole) * part)]

    if short:
        with pytest.raises(Unusable) as caught:
            inflate(kind, short)
        assert caught.value.flaw in ("truncated", "corrupt")


def test_no_bytes_at_all_are_an_empty_body():
    assert inflate("gzip", b"") == b""


@pytest.mark.parametrize("more", [b"x", b"\0" * 8, b"\x1f", b"<html>"])
def test_bytes_after_the_end_are_refused(more):
    with pytest.raises(Unusable):
        inflate("gzip", gzip.compress(b"content") + more)


@given(st.binary(min_size=1, max_size=200))
def test_noise_is_refused_or_inflated_but_never_breaks(data):
    for kind in ("gzip", "deflate"):
        try:
            inflate(kind, data)
        except Unusable as unusable:
            assert unusable.flaw in ("corrupt", "truncated")


@pytest.mark.parametrize(
    ("limit", "ratio", "flaw"), [(64 * MIB, 100, "ratio"), (2 * MIB, 10_000, "too-large")], ids=["ratio", "size"]
)
def test_a_bomb_is_noticed_one_step_too_late_at_most(limit, ratio, flaw):
    bomb = gzip.compress(bytes(32 * MIB), 3)
    tracemalloc.start()
    with pytest.raises(Unusable) as caught:
        inflate("gzip", bomb, limit=limit, ratio=ratio)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert caught.value.flaw == flaw
    assert peak < min(limit, 20 * MIB) + MIB


def test_small_bodies_may_have_any_ratio():
    assert len(inflate("gzip", gzip.compress(bytes(MIB)))) == MIB
