"""What every importer makes, whatever it reads: an API's address, credential and operations, ready to be written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from naftiko_run.errors import Problems
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record
from naftiko_run.registry import Registry

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@record(frozen=False)
class DraftInput:
    """``name`` is what a caller says, ``wire`` what the API calls it; ``value`` is fixed and never asked for."""

    name: str
    wire: str
    place: str  # path query header cookie body
    type: str = "string"
    required: bool = False
    description: str = ""
    enum: tuple[object, ...] = ()
    default: object = None
    minimum: float | None = None
    maximum: float | None = None
    value: str = ""


@record(frozen=False)
class DraftOperation:
    """``path`` has ``{name}`` variables. ``body`` is the value of the operation's ``body`` key, ``None`` for none."""

    name: str
    method: str
    path: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    inputs: list[DraftInput] = field(default_factory=list)
    body: object = None
    raw_format: str = ""
    outputs: Mapping[str, Mapping[str, object]] = field(default_factory=dict)


@record(frozen=False)
class Draft:
    """``fixed`` are inputs of every operation with a value of their own; ``variables`` those that the values name."""

    namespace: str
    title: str
    base_uri: str
    description: str = ""
    version: str = ""
    tags: tuple[str, ...] = ()
    authentication: Mapping[str, object] | None = None
    fixed: list[DraftInput] = field(default_factory=list)
    variables: dict[str, None] = field(default_factory=dict)
    operations: list[DraftOperation] = field(default_factory=list)


@record
class ImportOptions:
    """``source`` names what is read, for messages. ``base`` is the URL it came from: relative ones start there."""

    source: str
    namespace: str = ""
    base: str = ""
    server: str = ""
    tags: frozenset[str] = frozenset()
    limits: Limits = DEFAULT_LIMITS


Importer = Callable[[str, ImportOptions, Problems], Draft]
"""Text in, a draft out; what could not be carried over is a finding."""

IMPORTERS: Registry[Importer] = Registry("importer")
