"""What a flow comes to: status, media type, and either data or the upstream's untouched bytes."""

from __future__ import annotations

from naftiko_run.expressions.scope import MISSING
from naftiko_run.records import record
from naftiko_run.values import dump_json


@record(frozen=False)
class Result:
    """``body`` is set when bytes pass through untouched, ``data`` when an answer was decoded or built (JSON-like values).

    ``binary`` marks an operation declared ``outputRawFormat: binary``.
    """

    status: int = 200
    media_type: str = "application/json"
    body: bytes | None = None
    data: object = MISSING
    binary: bool = False

    @property
    def content(self) -> bytes:
        """The answer as bytes."""
        if self.body is not None:
            return self.body
        return b"" if self.data is MISSING else dump_json(self.data)
