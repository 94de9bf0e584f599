"""A lookup step: a value in, the matching object's chosen fields out (language reference, lookup steps)."""

from __future__ import annotations

from naftiko_run.errors import MappingFailed
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.text import to_text
from naftiko_run.flows.steps import LookupStep


def run_lookup(step: LookupStep, scope: Scope) -> object:
    """One hit, a list of hits for a list of values (misses dropped), or ``MISSING``. Values are compared as text.

    More entries than the limit fail the step (requirement L10): half an index would give wrong answers silently.
    """
    data = scope.steps.get(step.index, MISSING)
    if step.index_path is not None and data is not MISSING:
        data = step.index_path.find(data)
    rows = [data] if isinstance(data, dict) else data if isinstance(data, list) else []
    if len(rows) > step.most:
        raise MappingFailed(f"the lookup index {step.index!r} has more than {step.most} entries")
    table: dict[str, dict[str, object]] = {}
    for row in rows:
        if isinstance(row, dict) and step.match in row:
            table.setdefault(to_text(row[step.match]), row)
    wanted = step.value.evaluate(scope)
    if wanted is MISSING:
        return MISSING
    if isinstance(wanted, list):
        hits = [table[key] for key in map(to_text, wanted) if key in table]
        return [_chosen(step, hit) for hit in hits] if hits else MISSING
    hit = table.get(to_text(wanted))
    return MISSING if hit is None else _chosen(step, hit)


def _chosen(step: LookupStep, row: dict[str, object]) -> object:
    return {name: row.get(name) for name in step.outputs} if step.outputs else dict(row)
