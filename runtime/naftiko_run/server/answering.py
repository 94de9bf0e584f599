"""The write side of a connection: one exchange at a time runs its handler, and its answer is written whole or streamed.

An exchange waits in the queue until the one before it is answered and the caller has taken what was written: a caller that
sends and never reads stops being served, not the process. A handler's exceptions end here; the caller learns the id only.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from math import inf

from naftiko_run.exposes.answers import settled
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.flows.result import Result
from naftiko_run.server import refusals
from naftiko_run.server.connection import LOGGER, Connection, Exchange
from naftiko_run.server.direct_task import DirectTask
from naftiko_run.server.refusals import Refusal
from naftiko_run.server.wire import CONTINUE, LAST_CHUNK, NO_BODY, content_lines, encode_chunk, encode_head

LINGER = 2.0  # after a refusal the rest of the request is read and dropped, so that the answer is not lost in a reset
_JOIN = 64 * 1024  # up to here head and body are joined into one write


class Answering(Connection):
    """One connection, write side. ``HttpConnection`` adds the read side."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self.state.connections > self.state.limits.connections and not self.site.is_exempt:
            self.refuse(refusals.TOO_MANY_CONNECTIONS)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.active is None and not self.is_gone:
            self._next()

    # ---- exchanges in order

    def accept(self, exchange: Exchange) -> None:
        """Take a complete request, to be answered by ``begin``, or when its turn comes."""
        if self.active is None and not self.write_paused:
            self.active = exchange
        else:
            self.queue.append(exchange)

    def refuse(self, refusal: Refusal) -> None:
        """Answer in turn without a handler, and end the connection."""
        self.is_ended = True
        self.limit_at = inf
        if self.active is None and not self.queue:
            self._send_refusal(refusal)
        else:
            self.queue.append(refusal)

    def send_continue(self) -> None:
        if self.active is None and not self.queue:
            self.transport.write(CONTINUE)
        else:
            self.owes_continue = True  # in the middle of another answer it would be taken for part of it

    def begin(self, *, hurried: bool = False) -> None:
        """Work on the exchange whose turn it is, unless that has begun: now, or soon where another task is at work."""
        exchange = self.active
        if exchange is None or self.task is not None:
            return
        if asyncio.current_task(self.loop) is not None:
            self.loop.call_soon(self.begin)
            return
        if self.is_gone:
            self.active = None
            return
        if hurried or not self.hurry(exchange):
            task = self.task = DirectTask(self._run(exchange), self.loop)
            task.start()

    def hurry(self, exchange: Exchange) -> bool:
        """Begin the exchange whose turn it is, where it takes no task."""
        express, admission = self.site.express, self.state.admission
        if express is None or not admission.enter():
            return False
        try:
            self.task = express(exchange, self)
        except Exception:  # the general way meets it as well, and answers it
            LOGGER.debug("request %s: its short way failed", exchange.request_id, exc_info=True)
        if self.task is not None:
            return True
        admission.leave()
        return False

    def answered(self, status: int, media_type: str, body: bytes) -> None:
        """An express call has succeeded."""
        self.state.admission.leave()
        exchange = self.active
        assert exchange is not None
        try:
            if not (status == 200 and self._write_plain(exchange, media_type, body)):
                headers = [("Content-Type", media_type)] if body else []
                self._write(exchange, HttpAnswer(status=status, headers=headers, body=body))
        except Exception:
            LOGGER.exception("request %s: its answer could not be written", exchange.request_id)
            self.abort()
        self._finish(exchange)

    def continued(self, work: Awaitable[Result]) -> None:
        """An express call takes more than that."""
        exchange = self.active
        assert exchange is not None
        task = self.task = DirectTask(self._run(exchange, work), self.loop)
        task.start()

    def _next(self) -> None:
        if self.is_lingering:
            return
        if self.queue and not self.write_paused:
            item = self.queue.popleft()
            if isinstance(item, Refusal):
                self._send_refusal(item)
                return
            self.active = item
            self.loop.call_soon(self.begin)
        elif self.owes_continue and not self.queue:
            self.owes_continue = False
            self.transport.write(CONTINUE)
        if self.read_paused and not self.queue:
            self.read_on()

    def read_on(self) -> None:
        raise NotImplementedError

    def _send_refusal(self, refusal: Refusal) -> None:
        request_id = self.state.request_id()
        answer = refusal.answer(request_id)
        framing = self._framing(request_id, len(answer.body), closes=True)
        self.transport.write(encode_head(answer.status, answer.headers, framing) + answer.body)
        self.is_ended = self.is_lingering = True
        self.limit_at = self.state.now + min(LINGER, self.state.limits.body_time)
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    # ---- one exchange

    async def _run(self, exchange: Exchange, work: Awaitable[Result] | None = None) -> None:
        """``work`` was begun, and its place taken, by an express call."""
        site, admission = self.site, self.state.admission
        try:
            if work is not None:
                try:
                    answer = await settled(work, exchange.request_id)
                finally:
                    admission.leave()
            elif site.is_plain and admission.enter():
                try:
                    answer = await site.handler(exchange)
                finally:
                    admission.leave()
            else:
                answer = await self._answer(exchange)
            stream = answer.stream
        except asyncio.CancelledError:
            answer, stream, exchange.keeps_alive = refusals.STOPPING.answer(exchange.request_id), None, False
        except Exception:
            level = logging.DEBUG if self.is_gone else logging.ERROR  # work that failed because its caller left is no news
            LOGGER.log(level, "request %s failed", exchange.request_id, exc_info=True)
            answer, stream = refusals.HANDLER_FAILED.answer(exchange.request_id), None
        try:
            if stream is None:
                self._write(exchange, answer)
            else:
                await self._write_stream(exchange, answer, stream)
        except Exception:  # a body that is not bytes: nothing after it could be told apart
            LOGGER.exception("request %s: its answer could not be written", exchange.request_id)
            self.abort()
        self._finish(exchange)

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        """The less usual ways to an answer: a preflight, an exempt listener, no free place."""
        site, admission = self.site, self.state.admission
        if site.cors is not None and (preflight := site.cors.preflight(request)) is not None:
            return preflight
        if site.is_exempt:
            return await site.handler(request)
        if not admission.enter() and not await admission.wait():
            return refusals.OVERLOADED.answer(request.request_id)
        try:
            if self.is_gone:  # while it waited: nobody would see the answer
                return refusals.STOPPING.answer(request.request_id)
            return await site.handler(request)
        finally:
            admission.leave()

    def _finish(self, exchange: Exchange) -> None:
        self.active = self.task = None
        if self.settled is not None:
            self.settled.set_result(None)
            self.settled = None
        if self.is_gone:
            return
        if not exchange.keeps_alive or self.site.closes:
            self.close()
            return
        if self.limit_at == inf:
            self.limit_at = self.state.now + self.state.limits.keep_alive
        if self.queue or self.read_paused or self.owes_continue:
            self._next()

    def _framing(self, request_id: str, length: int | None, closes: bool, extra: str = "") -> str:
        if length is not None:
            extra = f"content-length: {length}\r\n{extra}"
        if closes:
            extra = f"connection: close\r\n{extra}"
        return f"{extra}x-request-id: {request_id}{self.state.date_field}"

    def _closes(self, exchange: Exchange) -> bool:
        return not exchange.keeps_alive or self.site.closes

    def _cors_fields(self, exchange: Exchange) -> str:
        cors = self.site.cors
        return "" if cors is None else "".join(f"{name}: {value}\r\n" for name, value in cors.fields(exchange))

    def _write(self, exchange: Exchange, answer: HttpAnswer) -> None:
        if self.is_gone:
            return
        body = b"" if answer.status in NO_BODY else answer.body
        length = None if answer.status in NO_BODY else len(body)
        closes = self._closes(exchange)
        extra = "" if self.site.cors is None else self._cors_fields(exchange)
        if exchange.is_http_1_0 and not closes:
            extra += "connection: keep-alive\r\n"
        framing = self._framing(exchange.request_id, length, closes, extra)
        head = self._head(exchange, answer, framing)
        if head is None:
            return
        if exchange.method == "HEAD":
            self.transport.write(head)
        elif len(body) <= _JOIN:
            self.transport.write(head + body)
        else:
            self.transport.writelines((head, body))

    def _write_plain(self, exchange: Exchange, media_type: str, body: bytes) -> bool:
        """What ``_write`` does, where nothing about the answer is special and its head was written before."""
        site, state, size = self.site, self.state, len(body)
        if not 0 < size <= _JOIN or exchange.method == "HEAD" or exchange.is_http_1_0 or site.cors is not None:
            return False
        if self.is_gone or not exchange.keeps_alive or site.is_leaving or state.draining:
            return False
        lines = content_lines(media_type)
        if not lines:
            return False
        head = f"{lines}content-length: {size}\r\nx-request-id: {exchange.request_id}{state.date_field}"
        self.transport.write(head.encode("latin-1") + body)
        return True

    def _head(self, exchange: Exchange, answer: HttpAnswer, framing: str) -> bytes | None:
        """The head as bytes; when it cannot be one, an internal error has been answered instead."""
        try:
            return encode_head(answer.status, answer.headers, framing)
        except (ValueError, KeyError):
            LOGGER.exception("request %s: its answer cannot be written", exchange.request_id)
            self._write(exchange, refusals.HANDLER_FAILED.answer(exchange.request_id))
            return None

    async def _write_stream(self, exchange: Exchange, answer: HttpAnswer, stream: AsyncIterator[bytes]) -> None:
        state, request_id = self.state, exchange.request_id
        if state.streams >= state.limits.streams:
            self._write(exchange, refusals.TOO_MANY_STREAMS.answer(request_id))
            await _close_stream(stream, request_id)
            return
        state.streams += 1
        self.is_streaming = True
        try:
            await self._send_stream(exchange, answer, stream)
        except asyncio.CancelledError:
            self.abort()
        except Exception:
            LOGGER.exception("request %s: its stream failed", request_id)
            self.abort()  # the only way left to say that the answer is not complete
        finally:
            state.streams -= 1
            self.is_streaming = False
            await _close_stream(stream, request_id)

    async def _send_stream(self, exchange: Exchange, answer: HttpAnswer, stream: AsyncIterator[bytes]) -> None:
        is_chunked = not exchange.is_http_1_0
        has_body = exchange.method != "HEAD" and answer.status not in NO_BODY
        exchange.keeps_alive = exchange.keeps_alive and is_chunked
        extra = self._cors_fields(exchange)
        if is_chunked and answer.status not in NO_BODY:
            extra += "transfer-encoding: chunked\r\n"
        framing = self._framing(exchange.request_id, None, self._closes(exchange), extra)
        head = self._head(exchange, answer, framing)
        if head is None or self.is_gone:
            return
        self.transport.write(head)
        if not has_body:
            return
        async for data in stream:
            if not await self._can_write():
                return
            if data:
                self.transport.write(encode_chunk(data) if is_chunked else data)
        if is_chunked:
            self.transport.write(LAST_CHUNK)

    async def _can_write(self) -> bool:
        """Wait until the caller has taken what was written; ``False`` when it is gone."""
        if self.write_paused and not self.is_gone:
            self.writable = self.loop.create_future()
            await self.writable
        return not self.is_gone


async def _close_stream(stream: AsyncIterator[bytes], request_id: str) -> None:
    close = getattr(stream, "aclose", None)
    if close is None:
        return
    try:
        await close()
    except Exception:
        LOGGER.exception("request %s: its stream could not be closed", request_id)
