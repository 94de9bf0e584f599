"""A file becomes a ``Capability``: the root of the compiled plan. Read, normalised, checked and compiled, once.

Every face looks at this one value: serving, ``validate``, ``inspect``, the mock, OpenAPI export. Loading reads files and
nothing else: no environment, no network. All mistakes of a file are findings of its capability; only one that leaves nothing
to serve refuses it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from naftiko_run.binds import Binding, compile_binds, warn_not_bound
from naftiko_run.consumes.consumer import ConsumesContext, HttpConsumer, compile_consumers
from naftiko_run.consumes.lookup import OperationIndex
from naftiko_run.consumes.operation import Operation
from naftiko_run.document.containment import Reach
from naftiko_run.document.dialect import normalise
from naftiko_run.document.imports import resolve_imports
from naftiko_run.document.nodes import Document, Node
from naftiko_run.document.official import keeps_to_the_official_language
from naftiko_run.document.reader import read_document, read_text
from naftiko_run.document.sections import section_entries
from naftiko_run.document.shapes import classify
from naftiko_run.errors import DocumentErrors, Finding, Place, Problems, SpecError
from naftiko_run.exposes.compile import ExposesContext, compile_exposures
from naftiko_run.exposes.exposure import ControlExposure, Exposure, McpExposure, RestExposure, SkillExposure
from naftiko_run.exposes.rest import check_routes
from naftiko_run.expressions.reference import Names
from naftiko_run.flows.compile import Aggregate, FlowContext
from naftiko_run.flows.flow import Flow
from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import field, record
from naftiko_run.variables import variables_used, warn_open_base_uris, warn_unused


@record
class LoadOptions:
    """What an operator decides before a file is compiled."""

    base_uris: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = DEFAULT_LIMITS
    expose_all: bool = False
    strict: bool = False
    granted_paths: tuple[Path, ...] = ()  # where imports may lead under the strict profile, beside the file's own directory
    schema: Literal["", "tolerant", "official"] = ""  # which JSON Schema the document is held against, besides being compiled
    port_of: Callable[[int], int] = int  # a declared port as it will be listened on
    mock: bool = False  # the built-in upstream answers
    # Authentication by namespace, where none is declared.
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@record
class Capability:
    """Compiled. ``findings`` is everything said about the file; ``uses`` the variables its templates name, with a place."""

    path: Path
    name: str
    label: str
    description: str = ""
    version: str = ""
    dialect: str = "naftiko"
    spec_version: str = ""
    bindings: tuple[Binding, ...] = ()
    consumers: tuple[HttpConsumer, ...] = ()
    operations: tuple[Operation, ...] = ()
    exposures: tuple[Exposure, ...] = ()
    findings: tuple[Finding, ...] = ()
    uses: Mapping[str, Place] = field(default_factory=dict)
    document: Node | None = field(default=None, repr=False, compare=False)

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Every flow behind a REST operation, a tool or a resource, in order."""
        return tuple(flows_of(self.exposures))

    @property
    def errors(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def control(self) -> ControlExposure | None:
        return next((e for e in self.exposures if isinstance(e, ControlExposure)), None)


Read = Callable[[Path], Document]


def load(path: str | Path, options: LoadOptions | None = None, *, read: Read | None = None) -> Capability:
    """Load a capability file. Raises ``DocumentErrors`` (all findings) where nothing of it could be served.

    ``read`` reads the file itself, for those who want to see its document whatever becomes of it.
    """
    collecting = gc.isenabled()
    gc.disable()  # a tree of many small, living objects: looking for garbage in it costs a third of the time
    try:
        return _load(path, options or LoadOptions(), read)
    finally:
        if collecting:
            gc.enable()


def load_text(text: str, path: str | Path, options: LoadOptions | None = None) -> Capability:
    """The same for a text, as if it stood in a file at ``path``."""
    options = options or LoadOptions()
    return _load(path, options, lambda file: read_text(text, file=file.name, limits=options.limits))


def _load(path: str | Path, options: LoadOptions, read: Read | None = None) -> Capability:
    problems = Problems()
    file = Path(path)
    try:
        root: Node = read(file) if read is not None else read_document(file, limits=options.limits)
        if options.schema or options.strict:
            from naftiko_run.document.schema import check_schema

            check_schema(root, problems, strict=options.schema == "official")
        root = normalise(root, problems)

        def read_beside(path: Path, *, display: str) -> Document:
            return read_document(path, limits=options.limits, display=display)

        reach = Reach(confined=options.strict, granted=options.granted_paths)
        root = resolve_imports(root, problems, read=read_beside, reach=reach)
        classify(root, problems, exposing_all=options.expose_all)
    except DocumentErrors as error:
        raise DocumentErrors([*problems.findings, *error.findings]) from None
    except SpecError as error:
        problems.add(error)
        raise DocumentErrors(problems.findings) from None
    if any(f.code in ("E-NOT-CAPABILITY", "E-NOTHING-EXPOSED") for f in problems.findings):
        raise DocumentErrors(problems.findings)
    return compile_capability(root, file, options, problems)


def compile_capability(root: Node, file: Path, options: LoadOptions, problems: Problems) -> Capability:
    """Compile a normalised document; raises ``DocumentErrors`` where none of its units can be served."""
    section = root.get("capability") or root
    directory = file.parent.resolve()
    bindings = compile_binds(root, problems, base_directory=directory)
    names = Names(
        binds=frozenset(name for b in bindings for name in b.keys),
        bind_namespaces=frozenset(b.namespace for b in bindings if b.namespace),
    )
    consumes = ConsumesContext(names=names, limits=options.limits, directory=directory, base_uris=options.base_uris)
    services = [_with_credentials(entry, options) for entry in section_entries(section.get("consumes"))]
    consumers, operations = compile_consumers(services, consumes, problems)
    info = root.get("info")
    entries = section_entries(section.get("exposes"))
    flows = FlowContext(
        index=OperationIndex(operations),
        names=names,
        aggregates=_aggregates(section, problems),
        directory=directory,
        limits=options.limits,
        strict_inputs=keeps_to_the_official_language(section),
        script_defaults=_script_defaults(entries),
    )
    label = (info.get_text("label", "display", "title", "name") if info else "") or file.stem
    context = ExposesContext(
        flows=flows, label=label, version=info.get_text("version") if info else "", directory=directory,
        siblings=tuple(entries), namespaces=tuple(c.namespace for c in consumers),
    )  # fmt: skip
    if options.expose_all and not entries:
        from naftiko_run.exposes.automatic import automatic_exposures

        entries = automatic_exposures(operations, section)
    exposures = compile_exposures(entries, context, problems)
    check_routes([e for e in exposures if isinstance(e, RestExposure)], problems)
    _check_self_calls(consumers, exposures, options, problems)
    uses = variables_used(consumers, operations, exposures, flows_of(exposures))
    warn_open_base_uris(consumers, operations, names, problems)
    warn_not_bound(bindings, uses, problems)
    warn_unused(bindings, uses, consumers, problems)
    capability = Capability(
        path=file, name=file.stem, label=label, description=info.get_text("description") if info else "",
        version=info.get_text("version") if info else "", dialect=root.get_text("dialect", default="naftiko"),
        spec_version=root.get_text("version", "naftiko", "ikanos"), bindings=bindings, consumers=consumers,
        operations=operations,
        exposures=exposures, findings=tuple(dict.fromkeys(problems.findings)), uses=uses, document=root,
    )  # fmt: skip
    if not serves_anything(capability):
        raise DocumentErrors(list(capability.findings) or [_nothing(file)])
    return capability


def _nothing(file: Path) -> Finding:
    return Finding(code="E-NOTHING-EXPOSED", severity="error", message=f"nothing of {file.name} can be served")


def serves_anything(capability: Capability) -> bool:
    """Whether at least one unit can be called or read."""
    for exposure in capability.exposures:
        if isinstance(exposure, (SkillExposure, ControlExposure)):
            if isinstance(exposure, SkillExposure) and exposure.skills:
                return True
        elif (isinstance(exposure, McpExposure) and (exposure.prompts or any(r.directory for r in exposure.resources))) or (
            isinstance(exposure, RestExposure) and exposure.forwards
        ):
            return True
    return any(flow.unavailable is None or flow.unavailable.code == "E-PATH-PARAM-UNPLACED" for flow in capability.flows)


def _with_credentials(entry: Node, options: LoadOptions) -> Node:
    """A consumes entry with the operator's authentication, where it declares none itself.

    A mock plays no authorization server: what would ask one carries a fixed token instead.
    """
    declared = entry.get("authentication")
    given = options.credentials.get(entry.get_text("namespace")) if declared is None else None
    if options.mock and declared is not None and declared.get_text("type").lower().startswith("oauth2"):
        given = {"type": "bearer", "token": "mock-token"}
    if given is None or not isinstance(entry.value, dict):
        return entry
    block = entry.replaced({key: entry.replaced(value) for key, value in given.items()})
    return entry.replaced({**entry.value, "authentication": block})


def _aggregates(section: Node, problems: Problems) -> dict[str, Aggregate]:
    found: dict[str, Aggregate] = {}
    for entry in section_entries(section.get("aggregates")):
        namespace = entry.get_text("namespace", "name")
        for name, node in entry.named("flows", "functions"):
            ref = f"{namespace}.{name}"
            if ref in found:
                first = found[ref].node.location
                problems.error("E-REF-DUPLICATE", f"{ref!r} is declared twice (first at {first})", node, "rename one of them")
                continue
            found[ref] = Aggregate(ref=ref, namespace=namespace, name=name, node=node)
    return found


def _script_defaults(entries: list[Node]) -> Node | None:
    for entry in entries:
        management = entry.get("management") if entry.get_text("type") == "control" else None
        scripting = management.get("scripting") if management is not None else None
        if scripting is not None:
            return scripting
    return None


def _check_self_calls(
    consumers: tuple[HttpConsumer, ...], exposures: tuple[Exposure, ...], options: LoadOptions, problems: Problems
) -> None:
    ports = {options.port_of(e.port) for e in exposures if e.port and not isinstance(e, ControlExposure)}
    for consumer in consumers:
        if is_self_call(consumer, ports):
            problems.error(
                "E-SELF-CALL",
                f"namespace {consumer.namespace!r} calls {consumer.base_uri.source!r}, which is this capability's own port",
                consumer.at,
                f"set --base-uri {consumer.namespace}=URL, or move our own port with --port-offset; its calls are refused",
            )


def is_self_call(consumer: HttpConsumer, ports: set[int]) -> bool:
    """Whether a consumer's base URI points to one of ``ports`` on this host, without the operator having said so."""
    base = consumer.base_uri
    if base.variables or base.problem is not None or base.overridden:
        return False
    origin, _ = base.resolve({})
    return origin.host in ("localhost", "127.0.0.1", "::1", "0.0.0.0") and origin.port in ports  # noqa: S104  # compared, not bound


def flows_of(exposures: tuple[Exposure, ...]) -> Iterator[Flow]:
    for exposure in exposures:
        if isinstance(exposure, RestExposure):
            yield from (route.flow for route in exposure.routes)
        elif isinstance(exposure, McpExposure):
            yield from (tool.flow for tool in exposure.tools)
            yield from (resource.flow for resource in exposure.resources if resource.flow is not None)
