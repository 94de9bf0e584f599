"""What a connection promises for a request: awaited like a future, and resumed in the very turn in which the reply arrives.

A future of asyncio's resumes its task in the next turn of the loop, which every call would pay for. ``answer`` is called where
the loop itself called, never inside a task, so resuming at once is what the loop would do next. All other ends (an error, a
cancellation) may come from inside a task, and take the usual way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context

from naftiko_run.consumes.messages import UpstreamReply
from naftiko_run.consumes.response import KnownHead

Resume = Callable[["Waiter"], object]


class Waiter:
    """The part of a future that a task uses. One task awaits it, once."""

    __slots__ = ("_asyncio_future_blocking", "_context", "_error", "_loop", "_reply", "_resume")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._asyncio_future_blocking = False
        self._reply: UpstreamReply | None = None
        self._error: BaseException | None = None
        self._resume: Resume | None = None

    def __await__(self) -> Generator[Waiter, None, UpstreamReply]:
        if self._reply is None and self._error is None:
            self._asyncio_future_blocking = True
            yield self
        return self.result()

    # ---- the connection's side

    def answer(self, reply: UpstreamReply) -> None:
        """Resume whoever waits, now. Only for callbacks of the event loop."""
        self._reply = reply
        resume, self._resume = self._resume, None
        if resume is not None:
            self._context.run(resume, self)

    def take(self, head: KnownHead, body: bytes) -> None:
        """The same, where the head of the answer was read before."""
        if not self.done():
            self.answer(head.reply(body))

    def fail(self, error: BaseException) -> None:
        if self.done():
            return
        self._error = error
        if self._resume is not None:
            self._loop.call_soon(self._resume, self, context=self._context)

    # ---- the task's side

    def done(self) -> bool:
        return self._reply is not None or self._error is not None

    def result(self) -> UpstreamReply:
        if self._error is not None:
            raise self._error
        if self._reply is None:
            raise asyncio.InvalidStateError("no reply has arrived")
        return self._reply

    def cancel(self, msg: object = None) -> bool:
        if self.done():
            return False
        self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
        return True

    def get_loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    def add_done_callback(self, resume: Resume, *, context: Context) -> None:
        self._resume, self._context = resume, context
