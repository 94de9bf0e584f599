"""``csv``, ``tsv``, ``psv``: a header row and rows become an array of objects; every value is text, untrimmed.

A row shorter than the header leaves the missing names out; a longer one is a mistake, because its cells belong to no name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import partial

from naftiko_run.consumes.formats.registry import Decoder, FormatSettings, NotOfFormat
from naftiko_run.consumes.formats.text import read_text
from naftiko_run.errors import UpstreamBroken
from naftiko_run.limits import Limits

SEPARATORS = {"csv": ",", "tsv": "\t", "psv": "|"}

CELLS = 2_000_000
"""Cells in one body: an empty one is a byte on the wire and dozens in memory (requirement S3)."""


def decode_rows(body: bytes, charset: str, /, *, separator: str, limits: Limits) -> list[dict[str, str]]:
    rows = _rows(read_text(body, charset), separator, limits)
    header = next(rows, [])
    result, cells = [], 0
    for number, row in enumerate(rows, start=2):
        if len(row) > len(header):
            raise NotOfFormat(f"row {number} of the upstream's table has {len(row)} cells and the header {len(header)}")
        cells += len(row)
        if number > limits.csv_rows + 1 or cells > CELLS:
            raise UpstreamBroken(f"the upstream's table has more than {limits.csv_rows:,} rows or {CELLS:,} cells")
        result.append(dict(zip(header, row, strict=False)))
    return result


def _rows(text: str, separator: str, limits: Limits) -> Iterator[list[str]]:
    """The rows that are not blank, each within the limits."""
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            if len(row) > limits.csv_columns:
                raise UpstreamBroken(f"the upstream's table has more than {limits.csv_columns:,} columns")
            if sum(map(len, row)) > limits.csv_cell and max(map(len, row)) > limits.csv_cell:
                raise UpstreamBroken(f"a cell of the upstream's table is longer than {limits.csv_cell:,} characters")
            if row:
                yield row
    except csv.Error as exc:  # a cell over the reader's own limit, or a stray NUL
        raise NotOfFormat("the upstream's table cannot be read") from exc


def compile_decoder(name: str, settings: FormatSettings) -> Decoder:
    convert = partial(decode_rows, separator=SEPARATORS[name], limits=settings.limits)
    return Decoder(name=name, convert=convert, limits=settings.limits)
