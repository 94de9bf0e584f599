"""Binds: ``binds`` entries become bindings, and bindings become resolved variables at start.

A ``Binding`` is declared: namespace, provider, variable -> source key. Resolving reads the environment, files or a registered
provider, once, when the engine starts; compiling reads nothing. A variable is known by its name, where a later entry overwrites
an earlier one, and exactly as ``namespace.NAME``. What templates use and nothing binds comes from the process environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from naftiko_run.bind_providers.provider import BIND_PROVIDERS, BindSource
from naftiko_run.document.nodes import Node
from naftiko_run.errors import BindingError, Location, Place, Problems, suggest
from naftiko_run.records import field, record
from naftiko_run.redaction import Redactor


class Secret:
    """Text that must not be shown: its ``repr`` and ``str`` are masked, ``reveal()`` gives it out."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


@record
class Binding:
    """One entry of ``binds``: ``keys`` maps a variable, as templates name it, to a key of the provider."""

    namespace: str
    location: str = ""  # "" is the process environment
    keys: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    base_directory: Path = field(default_factory=Path)  # what a relative file location starts from
    places: Mapping[str, Location] = field(default_factory=dict)  # where each variable is written
    at: Location | None = None

    @property
    def scheme(self) -> str:
        return self.location.partition("://")[0].lower() if self.location else "env"


class MissingVariable(NamedTuple):
    """A variable that is used and has no value. ``source`` says where ``key`` was looked for."""

    variable: str
    key: str
    at: Location | None
    source: str = ""


@record(frozen=False)
class Bound:
    """What resolving came to: ``values`` by ``NAME`` and ``namespace.NAME``, and what was asked for and not found."""

    values: dict[str, str] = field(default_factory=dict)
    missing: list[MissingVariable] = field(default_factory=list)
    failures: dict[str, BindingError] = field(default_factory=dict)  # of providers that could not be read, by location

    def register(self, redactor: Redactor) -> None:
        """Hide every value from everything that is written."""
        redactor.register_all(self.values.values())

    def __repr__(self) -> str:
        return f"Bound({', '.join(sorted(self.values))}; missing: {', '.join(m.variable for m in self.missing)})"


def compile_binds(root: Node, problems: Problems, *, base_directory: Path) -> tuple[Binding, ...]:
    """The bindings of a document: those at its root, then those under ``capability``; ``externalRefs`` is their older name."""
    homes = [root, *([capability] if (capability := root.get("capability")) else [])]
    entries = [entry for home in homes for _, entry in home.named("binds", "externalRefs")]
    return tuple(b for entry in entries if (b := _compile_binding(entry, problems, base_directory)) is not None)


def _compile_binding(entry: Node, problems: Problems, base_directory: Path) -> Binding | None:
    keys = dict(_keys(entry))
    namespace = entry.get_text("namespace", "name") or (entry.key if isinstance(entry.key, str) else "")
    if not keys:
        if entry.get("import", "from") is None:  # an import that could not be resolved has been reported already
            problems.warn("W-BIND-EMPTY", f"the binding {namespace!r} declares no keys", entry, "write keys: {NAME: NAME}")
        return None
    location = entry.get_text("location", "uri").strip()
    binding = Binding(
        namespace=namespace,
        location=location,
        keys={name: key for name, (key, _) in keys.items()},
        description=entry.get_text("description"),
        base_directory=base_directory,
        places={name: at for name, (_, at) in keys.items()},
        at=entry.location,
    )
    return binding if _known_scheme(binding, entry, problems) else None


def _keys(entry: Node) -> Iterator[tuple[str, tuple[str, Location]]]:
    """``{NAME: source}``, or a list of names that are their own source."""
    declared = entry.get("keys")
    if declared is None:
        return
    for name, child in declared.items():
        yield name, (child.text or name, child.location)
    for child in declared.elements():
        if child.text:
            yield child.text, (child.text, child.location)


def _known_scheme(binding: Binding, entry: Node, problems: Problems) -> bool:
    at = entry.get("location", "uri") or entry
    if binding.location and "://" not in binding.location:
        hint = "write file://./NAME for a file beside this one, or leave location out to read the environment"
        problems.error("E-BIND-LOCATION", f"the location {binding.location!r} has no scheme", at, hint)
        return False
    if binding.scheme not in BIND_PROVIDERS:
        message = f"values cannot be read from {binding.scheme + '://'!r}"
        problems.error("E-BIND-LOCATION", message, at, suggest(binding.scheme, BIND_PROVIDERS))
        return False
    if binding.scheme == "github-secrets":
        problems.note("N-BIND-GITHUB", "github-secrets are read from the environment variables of the same names", at)
    return True


def warn_not_bound(bindings: Iterable[Binding], used: Mapping[str, Place], problems: Problems) -> None:
    """Say once per variable that templates use it and no binding declares it."""
    declared = _declared(bindings)
    for name, at in used.items():
        if name not in declared:
            variable = name.rpartition(".")[2]
            hint = f"the environment variable {variable!r} is used instead; declare it under binds"
            problems.warn("W-NOT-BOUND", f"{name!r} is used and not bound", at, hint)


def resolve_binds(
    bindings: Iterable[Binding], used: set[str], environment: Mapping[str, str], *, lenient: bool = False
) -> Bound:
    """Read every used variable. ``BindingError`` names all that have no value at once, unless ``lenient``."""
    bindings = tuple(bindings)
    bound = Bound()
    absent: dict[str, MissingVariable] = {}
    for binding in bindings:
        wanted = {name: key for name, key in binding.keys.items() if _uses(binding, name, used)}
        found = _read(binding, tuple(wanted.values()), environment, bound) if wanted else {}
        for name, key in wanted.items():
            if key in found:
                bound.values[name] = bound.values[f"{binding.namespace}.{name}"] = found[key]
            else:
                absent[f"{binding.namespace}.{name}"] = MissingVariable(name, key, binding.places.get(name), binding.location)
    unbound = _fall_back(bindings, used, environment, bound)
    bound.missing = [m for name, m in absent.items() if name in used or m.variable not in bound.values] + unbound
    if (bound.missing or bound.failures) and not lenient:
        raise _all_missing(bound)
    return bound


def _declared(bindings: Iterable[Binding]) -> set[str]:
    return {spelling for b in bindings for name in b.keys for spelling in (name, f"{b.namespace}.{name}")}


def _uses(binding: Binding, name: str, used: set[str]) -> bool:
    return name in used or f"{binding.namespace}.{name}" in used or f"env.{name}" in used


def _read(binding: Binding, keys: tuple[str, ...], environment: Mapping[str, str], bound: Bound) -> Mapping[str, str]:
    source = BindSource(
        location=binding.location, keys=keys, base_directory=binding.base_directory, environment=environment, at=binding.at
    )
    try:
        return BIND_PROVIDERS.lookup(binding.scheme, at=binding.at)(source)
    except BindingError as error:
        bound.failures[binding.location] = error
        return {}


def _fall_back(
    bindings: Iterable[Binding], used: set[str], environment: Mapping[str, str], bound: Bound
) -> list[MissingVariable]:
    """What no binding declares: ``env.X`` is any bound X, then both ``env.X`` and ``X`` are the environment variable X."""
    declared = _declared(bindings)
    unbound = {}
    for name in sorted(used - declared):
        variable = name.rpartition(".")[2]
        value = bound.values.get(variable, environment.get(variable))
        if value is not None:
            bound.values[name] = value
            bound.values.setdefault(variable, value)
        elif variable not in declared:
            unbound[variable] = MissingVariable(variable, variable, None)
    return list(unbound.values())


def _all_missing(bound: Bound) -> BindingError:
    failures = list(bound.failures.values())
    unbound = [m for m in bound.missing if m.source not in bound.failures]
    places = [m.at for m in unbound if m.at] + [error.at for error in failures if error.at]
    hints = list(dict.fromkeys(error.hint for error in failures if error.hint))
    if any(not m.source for m in unbound):
        which = "it" if len(unbound) == 1 else "them"
        hints.append(f"set {which} in the environment, or in a file given with --env-file; --mock needs none")
    message = "; ".join([error.message for error in failures] + [_describe(m) for m in unbound])
    return BindingError(message, at=places[0] if places else None, hint="; ".join(hints), code="E-SECRET-MISSING")


def _describe(missing: MissingVariable) -> str:
    where = f"key {missing.key!r} of {missing.source!r}" if missing.source else f"environment variable {missing.key!r}"
    return f"no value for {missing.variable!r} ({where})"
