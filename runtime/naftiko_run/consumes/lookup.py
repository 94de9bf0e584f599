"""``call: namespace.operation`` becomes an ``Operation``: exactly where possible, by the evident meaning where not.

Published files use one operation name twice in a namespace (one per merged path), write ``namespace.resource.operation``, or
name the wrong namespace. What is guessed is said (``W-CALL-GUESSED``, ``W-OP-DUPLICATE``); what cannot be is one finding on
that unit.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from naftiko_run.consumes.operation import Operation
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, UnresolvedReference, suggest
from naftiko_run.expressions.names import fold


class OperationIndex:
    """All operations of one capability, found by what an author writes after ``call:``."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._exact: dict[str, list[Operation]] = defaultdict(list)
        self._by_name: dict[str, list[Operation]] = defaultdict(list)
        self._folded: dict[str, list[Operation]] = defaultdict(list)
        self.namespaces = list(dict.fromkeys(op.consumer.namespace for op in operations))
        for operation in operations:
            self._exact[operation.ref].append(operation)
            self._by_name[fold(operation.name)].append(operation)
            self._folded[fold(operation.ref)].append(operation)
        self.references = tuple(self._exact)

    def uses(self, calls: Iterable[str]) -> CallCounter:
        """A counter for one adapter, whose k-th use of a duplicated name means the k-th operation of that name."""
        return CallCounter(Counter(calls))

    def resolve(self, call: Node, counter: CallCounter, problems: Problems, *, method: str = "", path: str = "") -> Operation:
        """The operation that ``call`` means; raises ``UnresolvedReference`` (``E-CALL-UNRESOLVED``) naming the nearest."""
        text = call.text.strip()
        found = self._exact.get(text)
        if found:
            return found[0] if len(found) == 1 else self._of_many(found, call, counter, problems, method, path)
        guessed = self._guess(text)
        if guessed is not None:
            hint = f"write {guessed.ref!r}"
            problems.warn("W-CALL-GUESSED", f"call {text!r} is read as {guessed.ref!r}", call, hint)
            return guessed
        raise UnresolvedCall(text, self, call)

    def _of_many(
        self, found: list[Operation], call: Node, counter: CallCounter, problems: Problems, method: str, path: str
    ) -> Operation:
        turn = counter.next(call.text.strip())
        if counter.total[call.text.strip()] == len(found):
            return found[turn]
        same_path = [op for op in found if path and fold(path).endswith(fold(op.path.source))]
        candidates = same_path or found
        same_method = [op for op in candidates if op.method == method]
        chosen = (same_method or candidates)[0]
        if len(same_method or candidates) > 1 or not same_path:
            others = ", ".join(f"{op.method} {op.path.source}" for op in found)
            message = (
                f"{len(found)} operations are named {call.text!r} ({others}); {chosen.method} {chosen.path.source} is called"
            )
            problems.warn("W-OP-DUPLICATE", message, call, "give each operation its own name")
        return chosen

    def _guess(self, text: str) -> Operation | None:
        """Equal but for case and punctuation; a resource name in between; an operation name that is unique in the file."""
        folded = self._folded.get(fold(text))
        if folded and len(folded) == 1:
            return folded[0]
        namespace, _, rest = text.partition(".")
        resource, _, last = rest.partition(".")
        if last:
            inside = [op for op in self._exact.get(f"{namespace}.{last}", ()) if fold(op.resource) == fold(resource)]
            if len(inside) == 1:
                return inside[0]
        named = self._by_name.get(fold(rest or text), [])
        if len(named) == 1 and (namespace not in self.namespaces or not rest):
            return named[0]
        return None

    def nearest(self, text: str) -> str:
        hint = suggest(text, self.references)
        if hint.startswith("did you mean"):
            return hint
        return f"{hint}; known namespaces: {', '.join(self.namespaces) or 'none'}"


class CallCounter:
    """How often one adapter uses each call, and the turn of the next use."""

    def __init__(self, total: Counter[str]) -> None:
        self.total = total
        self._seen: Counter[str] = Counter()

    def next(self, call: str) -> int:
        turn = self._seen[call]
        self._seen[call] += 1
        return turn


class UnresolvedCall(UnresolvedReference):
    """A ``call`` whose operation nothing declares."""

    code = "E-CALL-UNRESOLVED"

    def __init__(self, text: str, index: OperationIndex, call: Node) -> None:
        super().__init__("operation", text, known=(), at=call)
        self.hint = index.nearest(text)
