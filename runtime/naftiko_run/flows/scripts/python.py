"""Python steps inside a worker: a ``Program`` runs in Monty, an interpreter without files, network, imports or host objects.

Monty is a process of its own, started here once and locked in by what this process inherits to it. A run gets a fresh session
with its own limits; nothing of one run is left for the next.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable

import pydantic_monty
from pydantic_monty import Monty, MontyCrashedError, MontyError, MontyRuntimeError, MontySession, MontySyntaxError

from naftiko_run.flows.scripts.program import NOTHING, RESERVED, Program, answer, raised
from naftiko_run.isolation.jobs import Refused

RECURSION = 200
# In-engine limits end a run in good order a little before the parent ends the process.
_SHARE = 0.9
_RESULT = "import json\njson.dumps(result)"
_LIMITS = ("TimeoutError", "MemoryError", "RecursionError")


def open_job(name: str) -> Callable[[bytes], bytes]:
    """Start the interpreter, warm: the first feed of a process costs a hundred times the second."""
    pool = Monty(min_processes=1, max_processes=1, checkout_timeout=5).__enter__()
    with pool.checkout() as session:
        session.feed_run("None")

    def run(payload: bytes) -> bytes:
        program = Program.from_bytes(payload)
        limits = pydantic_monty.ResourceLimits(
            max_feed_duration_secs=program.seconds * _SHARE, max_memory=program.memory, max_recursion_depth=RECURSION
        )
        try:
            with pool.checkout(limits=limits, os_policy={"sleep": "zero"}) as session:
                return _run(session, program)
        except MontyCrashedError:
            raise Refused("the interpreter gave up on it", kind="limit") from None

    return run


def _run(session: MontySession, program: Program) -> bytes:
    inputs = {name: value for name, value in program.variables.items() if _bindable(name)}
    inputs["context"] = program.context
    for name, source in program.parts():
        try:
            session.feed_run(source, inputs=inputs, print_callback=_discard)
        except MontyCrashedError:
            raise
        except MontyError as exc:
            raise _refusal(exc, name) from None
        inputs = {}
    try:
        text = session.feed_run(_RESULT, print_callback=_discard)
    except MontyRuntimeError as exc:
        if isinstance(exc.exception(), NameError):
            return NOTHING
        raise _refusal(exc, "") from None
    return answer(text, program.result_bytes)


def _discard(stream: str, text: str) -> None:
    """What a script prints goes nowhere: it may be what the caller sent."""


def _bindable(name: str) -> bool:
    return name.isidentifier() and name not in RESERVED and not keyword.iskeyword(name)


def _refusal(error: MontyError, name: str) -> Refused:
    if not isinstance(error, (MontyRuntimeError, MontySyntaxError)):
        return raised("an internal error", name, limit=True)
    said = error.display(format="type-msg").strip()
    return raised(said, name, limit=said.startswith(_LIMITS))
