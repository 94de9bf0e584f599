"""A call that reports progress: notifications while its steps finish, then its answer, as an event stream or as lines.

Only where the client asked (``_meta.progressToken``) and the flow has several steps: one step has nothing to report.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from naftiko_run.exposes.mcp.endpoint import Endpoint
from naftiko_run.exposes.mcp.message import Message
from naftiko_run.flows.progress import REPORT
from naftiko_run.values import dump_json

HEADERS = [("content-type", "text/event-stream"), ("cache-control", "no-cache, no-transform"), ("x-accel-buffering", "no")]

Work = Callable[[], Awaitable[bytes]]
Send = Callable[[bytes], object]


def progress_token(endpoint: Endpoint, message: Message) -> object:
    """The token of a call whose steps can be told apart, else ``None``."""
    if message.method != "tools/call" or "progressToken" not in message.meta:
        return None
    name = message.params.get("name")
    entry = endpoint.catalog.callable.get(name) if isinstance(name, str) else None
    if entry is None or len(entry.tool.flow.steps) < 2:
        return None
    return message.meta["progressToken"]


async def report_to(send: Send, token: object, work: Work) -> bytes:
    """``await work()``, with a notification through ``send`` for each step that finishes meanwhile."""
    shown = dump_json(token)

    def report(done: int, total: int, step: str) -> None:
        params = b'{"progressToken":%b,"progress":%d,"total":%d,"message":%b}' % (shown, done, total, dump_json(step))
        send(b'{"jsonrpc":"2.0","method":"notifications/progress","params":%b}' % params)

    # The variable belongs to this task alone, and so to the tasks that the flow starts.
    reset = REPORT.set(report)
    try:
        return await work()
    finally:
        REPORT.reset(reset)


async def events(endpoint: Endpoint, token: object, work: Work, *, cancel: bool) -> AsyncIterator[bytes]:
    """The answer of ``work`` as server-sent events. ``cancel``: closing the stream ends the work."""
    queue: asyncio.Queue[bytes | None] = asyncio.Queue()

    async def run() -> None:
        try:
            queue.put_nowait(await report_to(queue.put_nowait, token, work))
        finally:
            queue.put_nowait(None)

    task = asyncio.create_task(run())
    # A legacy call goes on when its client has left; the event loop alone would let it be collected.
    endpoint.streaming.add(task)
    task.add_done_callback(endpoint.streaming.discard)
    try:
        async for event in _until_done(queue, endpoint.settings.keep_alive):
            yield event
    finally:
        if cancel:
            task.cancel()


async def _until_done(queue: asyncio.Queue[bytes | None], keep_alive: float) -> AsyncIterator[bytes]:
    while True:
        try:
            message = await asyncio.wait_for(queue.get(), keep_alive)
        except TimeoutError:
            yield b": still working\n\n"
            continue
        if message is None:
            return
        yield b"event: message\ndata: %b\n\n" % message
