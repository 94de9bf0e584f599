"""Two capabilities in, what changed for callers and operators out: each change a sentence, breaking or not.

Breaking is what makes a call that worked fail, or mean something else. What only an operator notices (an upstream's address, a
variable) is said and does not break.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naftiko_run.authoring.contract import Contract, UnitContract, contract_of
from naftiko_run.capability import Capability
from naftiko_run.flows.inputs import InputParameter
from naftiko_run.records import record

_WIDER = frozenset({("integer", "number"), ("string", "any"), ("integer", "any"), ("number", "any"), ("boolean", "any"),
                    ("array", "any"), ("object", "any")})  # fmt: skip


@record
class Change:
    """``what`` is the unit, adapter or namespace that changed."""

    what: str
    message: str
    breaking: bool = False
    kind: str = "changed"  # added, removed, changed

    def __str__(self) -> str:
        return f"{'breaking  ' if self.breaking else 'compatible'} {self.what}: {self.message}"


def compare(old: Capability, new: Capability) -> list[Change]:
    """Everything that differs between two plans, breaking changes first."""
    found = list(_compare(contract_of(old), contract_of(new)))
    return sorted(found, key=lambda change: not change.breaking)


def _compare(old: Contract, new: Contract) -> Iterator[Change]:
    for name in (*old.units, *(one for one in new.units if one not in old.units)):
        if name not in new.units:
            yield Change(what=name, message="is gone", breaking=True, kind="removed")
        elif name not in old.units:
            yield Change(what=name, message="is new", kind="added")
        else:
            yield from _compare_units(name, old.units[name], new.units[name])
    yield from _compare_listeners(old, new)
    yield from _compare_hosts(old, new)
    for variable in sorted(new.variables - old.variables):
        yield Change(what=variable, message="is a variable that has to be set", kind="added")
    for variable in sorted(old.variables - new.variables):
        yield Change(what=variable, message="is a variable that is no longer read", kind="removed")


# ---- units


def _compare_units(name: str, old: UnitContract, new: UnitContract) -> Iterator[Change]:
    if old.unavailable != new.unavailable:
        state = f"cannot be called ({new.unavailable})" if new.unavailable else "can be called now"
        yield Change(what=name, message=state, breaking=bool(new.unavailable) and not old.unavailable)
        return  # of what cannot be called, inputs and calls are not known
    for key in (*old.inputs, *(one for one in new.inputs if one not in old.inputs)):
        if key not in new.inputs:
            yield Change(what=name, message=f"input {key!r} is gone", breaking=True, kind="removed")
        elif key not in old.inputs:
            required = new.inputs[key].required
            said = f"{'required' if required else 'optional'} input {key!r} is new"
            yield Change(what=name, message=said, breaking=required, kind="added")
        else:
            yield from _compare_inputs(name, key, old.inputs[key], new.inputs[key])
            yield from _compare_places(name, key, old.places, new.places)
    if old.calls != new.calls:
        yield Change(what=name, message=f"does {'; '.join(new.calls) or 'nothing'}, it did {'; '.join(old.calls) or 'nothing'}")
    if old.fields or new.fields:
        yield from _compare_fields(name, old.fields, new.fields)


def _compare_inputs(name: str, key: str, old: InputParameter, new: InputParameter) -> Iterator[Change]:
    if old.required != new.required:
        yield Change(
            what=name, message=f"input {key!r} is {'required' if new.required else 'optional'} now", breaking=new.required
        )
    if old.type != new.type:
        breaking = (old.type, new.type) not in _WIDER
        yield Change(what=name, message=f"input {key!r} is {new.type} now, it was {old.type}", breaking=breaking)
    if old.enum != new.enum:
        lost = [str(one) for one in old.enum if one not in new.enum] if new.enum else []
        narrowed = bool(lost) or (bool(new.enum) and not old.enum)
        said = f"input {key!r} no longer takes {', '.join(lost)}" if lost else f"input {key!r} takes other values than before"
        yield Change(what=name, message=said, breaking=narrowed)
    if old.pattern != new.pattern:
        yield Change(what=name, message=f"input {key!r} has another pattern", breaking=bool(new.pattern))
    if (old.minimum, old.maximum) != (new.minimum, new.maximum):
        yield Change(what=name, message=f"input {key!r} has other bounds", breaking=_is_narrower(old, new))
    if old.default != new.default:
        yield Change(what=name, message=f"input {key!r} defaults to {new.default!r} now, not to {old.default!r}", breaking=True)


def _is_narrower(old: InputParameter, new: InputParameter) -> bool:
    low = new.minimum is not None and (old.minimum is None or new.minimum > old.minimum)
    return low or (new.maximum is not None and (old.maximum is None or new.maximum < old.maximum))


def _compare_places(
    name: str, key: str, old: Mapping[str, tuple[str, ...]], new: Mapping[str, tuple[str, ...]]
) -> Iterator[Change]:
    before, after = old.get(key, ()), new.get(key, ())
    if before and after and before != after:
        yield Change(what=name, message=f"input {key!r} is read from {after[0]}, it was {before[0]}", breaking=True)


def _compare_fields(name: str, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Change]:
    if not old or not new:
        yield Change(what=name, message="its answer has another form", breaking=True)
        return
    for key in old:
        if key not in new:
            yield Change(what=name, message=f"field {key!r} of the answer is gone", breaking=True, kind="removed")
    for key in new:
        if key not in old:
            yield Change(what=name, message=f"field {key!r} of the answer is new", kind="added")


# ---- around them


def _compare_listeners(old: Contract, new: Contract) -> Iterator[Change]:
    for name, (address, port, auth) in new.listeners.items():
        if name not in old.listeners:
            yield Change(what=name, message="is a new adapter", kind="added")
            continue
        before = old.listeners[name]
        if (address, port) != before[:2]:
            said = f"listens on {address or 'loopback'}:{port}, it was {before[0] or 'loopback'}:{before[1]}"
            yield Change(what=name, message=said, breaking=True)
        if auth != before[2]:
            said = f"callers need {auth or 'nothing'}, they needed {before[2] or 'nothing'}"
            yield Change(what=name, message=said, breaking=bool(auth))
    for name in old.listeners:
        if name not in new.listeners:
            yield Change(what=name, message="is an adapter that is gone", breaking=True, kind="removed")


def _compare_hosts(old: Contract, new: Contract) -> Iterator[Change]:
    for name, (uri, auth) in new.hosts.items():
        if name not in old.hosts:
            yield Change(what=f"namespace {name}", message=f"is new and calls {uri}", kind="added")
            continue
        if uri != old.hosts[name][0]:
            yield Change(what=f"namespace {name}", message=f"calls {uri}, it called {old.hosts[name][0]}")
        if auth != old.hosts[name][1]:
            said = f"authenticates with {auth or 'nothing'}, it was {old.hosts[name][1] or 'nothing'}"
            yield Change(what=f"namespace {name}", message=said)
    for name in old.hosts:
        if name not in new.hosts:
            yield Change(what=f"namespace {name}", message="is no longer called", kind="removed")
