"""Loggers and their levels, and the records of a process as a stream of events. One hub per process, fed by the log handler."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
ROOT = "root"
_WAITING = 1000  # records a slow subscriber may be behind before it loses some
_PAUSE = 1.0
_COMMENT_EVERY = 15


class LogHub(logging.Handler):
    """Hands each record to those who listen. Without listeners a record costs one look at an empty set."""

    def __init__(self) -> None:
        super().__init__()
        self._queues: dict[asyncio.Queue[bytes], asyncio.AbstractEventLoop] = {}

    @property
    def subscribers(self) -> int:
        return len(self._queues)

    def emit(self, record: logging.LogRecord) -> None:
        if not self._queues:
            return
        event = b"data: %b\n\n" % json.dumps(record_json(record), ensure_ascii=False).encode("utf-8", "replace")
        for queue, loop in list(self._queues.items()):  # a record may come from any thread
            if not loop.is_closed():
                loop.call_soon_threadsafe(_put, queue, event)

    async def stream(self, is_over: Callable[[], bool]) -> AsyncIterator[bytes]:
        """Records as server-sent events until ``is_over``; a comment now and then keeps proxies from closing it."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(_WAITING)
        self._queues[queue] = asyncio.get_running_loop()
        try:
            yield b": connected\n\n"
            silent = 0
            while not is_over():
                try:
                    async with asyncio.timeout(_PAUSE):
                        event = await queue.get()
                except TimeoutError:
                    silent += 1
                    if silent % _COMMENT_EVERY == 0:
                        yield b": still here\n\n"
                    continue
                yield event
        finally:
            self._queues.pop(queue, None)


def _put(queue: asyncio.Queue[bytes], event: bytes) -> None:
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(event)


def record_json(record: logging.LogRecord) -> dict[str, object]:
    """``timestamp``, ``level``, ``logger``, ``message``, and the trace it belongs to."""
    when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    shown: dict[str, object] = {
        "timestamp": when, "level": record.levelname, "logger": record.name, "message": record.getMessage(),
    }  # fmt: skip
    trace = getattr(record, "trace_id", "")
    return {**shown, "traceId": trace} if trace else shown


# ---- levels


def find_logger(name: str) -> logging.Logger | None:
    """A logger that exists; asking for others must not create them without end."""
    if name.lower() == ROOT:
        return logging.getLogger()
    known = logging.Logger.manager.loggerDict.get(name)
    return logging.getLogger(name) if known is not None else None


def logger_json(logger: logging.Logger) -> dict[str, object]:
    """``level`` is the logger's own, ``null`` where it follows its parent."""
    own = logging.getLevelName(logger.level) if logger.level else None
    return {"name": logger.name, "level": own, "effectiveLevel": logging.getLevelName(logger.getEffectiveLevel())}


def list_loggers() -> list[dict[str, object]]:
    names = sorted(name for name, one in logging.Logger.manager.loggerDict.items() if isinstance(one, logging.Logger))
    return [logger_json(logging.getLogger()), *(logger_json(logging.getLogger(name)) for name in names)]
