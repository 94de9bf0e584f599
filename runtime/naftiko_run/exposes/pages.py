"""``/openapi.json`` and ``/docs``: what a REST listener serves, for programs and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from naftiko_run.exposes.exposure import Exposure
from naftiko_run.exposes.messages import Handler


def openapi_pages(exposures: Sequence[Exposure]) -> Mapping[str, Handler]:
    return {}
