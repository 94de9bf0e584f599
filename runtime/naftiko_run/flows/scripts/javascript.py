"""JavaScript steps inside a worker: a ``Program`` runs in QuickJS, with the language's own objects and nothing else.

The interpreter runs in this process, which may compute and answer and do nothing else. Every run has a context of its own.
Values cross as JSON text in both directions, so no host object is ever in a script's reach.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import quickjs

from naftiko_run.flows.scripts.program import NOTHING, RESERVED, Program, answer, raised
from naftiko_run.isolation.jobs import Refused

STACK_BYTES = 512 * 1024
_SHARE = 0.9
_RESULT = "typeof result === 'undefined' ? undefined : JSON.stringify(result)"
_LIMITS = ("InternalError: out of memory", "InternalError: interrupted", "RangeError: Maximum call stack", "null")


def open_job(name: str) -> Callable[[bytes], bytes]:
    return run


def run(payload: bytes) -> bytes:
    program = Program.from_bytes(payload)
    ends = time.monotonic() + program.seconds * _SHARE
    context = quickjs.Context()
    context.set_memory_limit(program.memory)
    context.set_max_stack_size(STACK_BYTES)
    context.set_time_limit(program.seconds * _SHARE)
    for name, value in {**program.variables, "context": program.context}.items():
        # A language's own object of that name stays what it is.
        if name.isidentifier() and name.isascii() and name != RESERVED[1] and not context.eval(f"{name!r} in globalThis"):
            context.set(name, context.parse_json(json.dumps(value)))
    for name, source in program.parts():
        _evaluate(context, name, source)
        _settle(context, name, ends)
    text = _evaluate(context, "", _RESULT)
    return NOTHING if text is None else answer(text, program.result_bytes)


def _evaluate(context: quickjs.Context, name: str, source: str) -> object:
    try:
        return context.eval(source)
    except quickjs.StackOverflow:
        raise raised("InternalError: stack overflow", name, limit=True) from None
    except quickjs.JSException as exc:
        raise _refusal(exc, name) from None
    except TypeError:  # the value of the last expression has no counterpart, and nobody asked for it
        return None


def _settle(context: quickjs.Context, name: str, ends: float) -> None:
    """Run what promises put off, as long as there is time."""
    try:
        while context.execute_pending_job():
            if time.monotonic() > ends:
                raise raised("InternalError: interrupted", name, limit=True)
    except quickjs.JSException as exc:
        raise _refusal(exc, name) from None


def _refusal(error: Exception, name: str) -> Refused:
    said = str(error).strip()
    if said.startswith("(Failed"):  # the engine's word for a thrown value that has no text
        said = "a value that is no error"
    return raised(said, name, limit=said.startswith(_LIMITS))
