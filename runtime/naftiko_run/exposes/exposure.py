"""Exposures as declared and compiled: what each adapter serves, where, and to whom. Nothing here is live.

An *exposure* is declared; its *adapter* is live and stands in the module of its type (``rest``, ``mcp``, ``skill``,
``control``). Adapters never see the engine: they receive a ``Run``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Location
from naftiko_run.exposes.guards.guard import CallerAuth
from naftiko_run.expressions.template import Template
from naftiko_run.flows.flow import Flow
from naftiko_run.flows.result import Result
from naftiko_run.records import field, record

Run = Callable[[Flow, Mapping[str, object], float], Awaitable[Result]]
"""``await run(flow, inputs, seconds)``: inputs by ``InputParameter.name``, already bound; raises ``RequestError``."""


@record
class Exposure:
    """What every adapter has. ``authentication`` is how its callers are told apart, ``None`` when it is open."""

    namespace: str
    address: str = ""  # "" where the document says nothing: loopback
    port: int | None = None
    description: str = ""
    label: str = ""  # of the capability
    version: str = ""  # info.version of the capability
    authentication: CallerAuth | None = None
    at: Location | None = None


@record
class RestRoute:
    """One exposed operation. ``path`` is as declared, with ``{name}`` variables (see ``exposes/router.py``)."""

    method: str
    path: str
    flow: Flow
    tags: tuple[str, ...] = ()
    responses: Mapping[str, object] = field(default_factory=dict)  # the declared contract, for OpenAPI
    at: Location | None = None


@record
class ForwardRoute:
    """A resource that relays to a consumed namespace whatever no operation handles."""

    path: str
    namespace: str
    trusted_headers: tuple[str, ...] = ()
    at: Location | None = None


@record
class RestExposure(Exposure):
    """One ``type: rest`` exposure."""

    routes: tuple[RestRoute, ...] = ()
    forwards: tuple[ForwardRoute, ...] = ()


@record
class McpTool:
    """``name`` is what clients call; ``hints`` are the declared or derived annotations (readOnlyHint, ...)."""

    name: str
    flow: Flow
    title: str = ""
    description: str = ""
    hints: Mapping[str, bool] = field(default_factory=dict)
    at: Location | None = None


@record
class McpResource:
    """Dynamic with a ``flow``, static with a ``directory``. ``{var}`` in ``uri`` makes it a template."""

    name: str
    uri: str
    title: str = ""
    description: str = ""
    mime_type: str = ""
    flow: Flow | None = None
    directory: str = ""  # absolute path
    binary: bool = False  # read as bytes, whatever the media type
    at: Location | None = None


@record
class PromptArgument:
    """One place of a prompt."""

    name: str
    title: str = ""
    description: str = ""
    required: bool = True


@record
class McpPrompt:
    """``messages`` are (role, text) with ``{{name}}`` places; a file prompt is one user message read at start."""

    name: str
    title: str = ""
    description: str = ""
    arguments: tuple[PromptArgument, ...] = ()
    messages: tuple[tuple[str, str], ...] = ()
    at: Location | None = None


@record
class McpExposure(Exposure):
    """One ``type: mcp`` exposure."""

    transport: Literal["http", "stdio"] = "http"
    tools: tuple[McpTool, ...] = ()
    resources: tuple[McpResource, ...] = ()
    prompts: tuple[McpPrompt, ...] = ()
    ttl_ms: int = 0
    cache_scope: Literal["public", "private"] = "private"


@record
class SkillTool:
    """Either derived from a sibling (``source_namespace`` + ``action`` + ``mode``) or an ``instruction`` file."""

    name: str
    description: str = ""
    source_namespace: str = ""
    action: str = ""
    mode: str = ""  # "rest" or "mcp"
    instruction: str = ""


@record
class Skill:
    """One skill with its files and tools."""

    name: str
    description: str = ""
    frontmatter: Mapping[str, object] = field(default_factory=dict)  # license, compatibility, allowed-tools, ...
    metadata: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""  # absolute path, "" where none is declared
    tools: tuple[SkillTool, ...] = ()
    at: Location | None = None


@record
class SkillExposure(Exposure):
    """One ``type: skill`` exposure."""

    skills: tuple[Skill, ...] = ()


@record
class ControlExposure(Exposure):
    """``management`` and ``observability`` are the declared blocks; ``collector`` is where telemetry is exported to."""

    management: Node | None = None
    observability: Node | None = None
    collector: Template | None = None
