"""A task that starts at once, in the turn of the event loop in which its request arrived.

``asyncio.Task`` begins in the next turn, and Python 3.11 knows no other way; for a request that is answered within microseconds
that turn is dear. A task of one's own is what the documentation of asyncio provides for ("Extending"): it is the current task
while it runs, so timeouts, cancellation and libraries that look for it behave as in any other.
"""

from __future__ import annotations

import asyncio
from asyncio.tasks import _enter_task, _leave_task
from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any

Done = Callable[["DirectTask"], object]


class DirectTask:
    """Runs a coroutine that handles its own exceptions. Only callbacks of the event loop may ``start`` one, not other tasks."""

    __slots__ = (
        "__weakref__", "_callbacks", "_cancel_requests", "_context", "_coroutine", "_fut_waiter", "_is_cancelled", "_is_done",
        "_loop", "_must_cancel",
    )  # fmt: skip

    def __init__(self, coroutine: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine, self._loop = coroutine, loop
        self._context = copy_context()
        self._fut_waiter: Any = None  # this name and the next are what libraries look at
        self._must_cancel = False
        self._cancel_requests = 0
        self._is_done = self._is_cancelled = False
        self._callbacks: list[tuple[Done, Context]] = []

    def start(self) -> None:
        """Run until the coroutine waits for something or ends."""
        self._context.run(self._step)

    def _step(self, waited: object = None) -> None:
        loop, coroutine = self._loop, self._coroutine
        self._fut_waiter = None
        _enter_task(loop, self)  # type: ignore[arg-type]  # a task in all but its class
        try:
            if self._must_cancel:
                self._must_cancel = False
                found = coroutine.throw(asyncio.CancelledError())
            else:
                found = coroutine.send(None)
        except StopIteration:
            self._end()
        except asyncio.CancelledError:
            self._is_cancelled = True
            self._end()
        except Exception as error:
            self._end()
            loop.call_exception_handler({"message": "a request's task failed", "exception": error, "task": self})
        else:
            self._wait_for(found)
        finally:
            _leave_task(loop, self)  # type: ignore[arg-type]  # a task in all but its class

    def _wait_for(self, found: Any) -> None:
        if found is None:  # a bare yield: only giving others a turn
            self._loop.call_soon(self._step, context=self._context)
            return
        found._asyncio_future_blocking = False
        found.add_done_callback(self._step, context=self._context)
        self._fut_waiter = found
        if self._must_cancel and found.cancel():
            self._must_cancel = False

    def _end(self) -> None:
        self._is_done = True
        for callback, context in self._callbacks:
            self._loop.call_soon(callback, self, context=context)
        self._callbacks.clear()

    # ---- what is asked of a task

    def cancel(self, msg: object = None) -> bool:
        if self._is_done:
            return False
        self._cancel_requests += 1
        if self._fut_waiter is None or not self._fut_waiter.cancel():
            self._must_cancel = True
        return True

    def cancelling(self) -> int:
        return self._cancel_requests

    def uncancel(self) -> int:
        self._cancel_requests = max(0, self._cancel_requests - 1)
        return self._cancel_requests

    def done(self) -> bool:
        return self._is_done

    def cancelled(self) -> bool:
        return self._is_cancelled

    def exception(self) -> None:
        """The coroutine keeps its exceptions to itself."""

    def get_coro(self) -> Coroutine[Any, Any, None]:
        return self._coroutine

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def get_name(self) -> str:
        return "request"

    def add_done_callback(self, callback: Done, *, context: Context | None = None) -> None:
        context = context or copy_context()
        if self._is_done:
            self._loop.call_soon(callback, self, context=context)
        else:
            self._callbacks.append((callback, context))

    def remove_done_callback(self, callback: Done) -> int:
        kept = [pair for pair in self._callbacks if pair[0] != callback]
        removed = len(self._callbacks) - len(kept)
        self._callbacks = kept
        return removed
