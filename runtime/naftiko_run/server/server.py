"""The running listeners of one process: bound together, replaced together, drained together (requirements R7, R8, R10).

``bind`` takes every port or none. ``replace`` moves to another set of listeners while serving: sockets that stay are kept and
only their handler is swapped; new ones are bound before anything else changes. Signals are not known here, see ``serve``.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence

from naftiko_run.limits import DEFAULT_LIMITS, Limits
from naftiko_run.records import record
from naftiko_run.server.cors import CorsRules
from naftiko_run.server.direct_task import DirectTask
from naftiko_run.server.hosts import HostRules
from naftiko_run.server.listener import Listener
from naftiko_run.server.protocol import HttpConnection
from naftiko_run.server.site import Site
from naftiko_run.server.sockets import open_socket
from naftiko_run.server.state import ServerState
from naftiko_run.server.sweeper import sweep_for_ever

_POLL = 0.02
_LAST_WORDS = 0.5  # for cancelled handlers to have their refusal written


@record(frozen=False)
class _Place:
    """One bound socket and what serves on it now."""

    listener: Listener
    bound: socket.socket
    site: Site
    acceptor: asyncio.Server | None = None


class Server:
    """Listeners, live."""

    def __init__(self, listeners: Iterable[Listener], *, limits: Limits = DEFAULT_LIMITS) -> None:
        self.listeners = list(listeners)
        self.state = ServerState(limits)
        self._places: list[_Place] = []
        self._leaving: set[HttpConnection] = set()
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def ports(self) -> list[int]:
        """The ports really bound, in the order of the listeners."""
        return [place.bound.getsockname()[1] for place in self._places]

    def bind(self, inherited: Sequence[socket.socket] = ()) -> None:
        """Own every port, or raise ``BindingError`` and own none. ``inherited`` sockets are taken in the order of listeners."""
        given = list(inherited)
        self._places = self._bound(self.listeners, given)

    def _bound(self, listeners: Sequence[Listener], given: Sequence[socket.socket] = ()) -> list[_Place]:
        places: list[_Place] = []
        try:
            for index, listener in enumerate(listeners):
                bound = given[index] if index < len(given) else open_socket(listener.address, listener.port)
                places.append(_Place(listener=listener, bound=bound, site=_site(self.state, listener)))
        except BaseException:
            for place in places:
                place.bound.close()
            raise
        return places

    async def accept(self) -> None:
        """Take connections from now on."""
        self._sweeper = asyncio.create_task(sweep_for_ever(self.state, self.sites))
        for place in self._places:
            await self._accept(place)

    async def _accept(self, place: _Place) -> None:
        site = place.site
        place.acceptor = await asyncio.get_running_loop().create_server(_factory(site), sock=place.bound)

    async def replace(self, listeners: Iterable[Listener]) -> None:
        """Serve these listeners instead. Raises before anything has changed where a port cannot be had.

        Requests in flight end on the handlers they began with.
        """
        wanted = list(listeners)
        names = _names(wanted)
        present = dict(zip(_names([place.listener for place in self._places]), self._places, strict=True))
        added = self._bound([listener for name, listener in zip(names, wanted, strict=True) if name not in present])
        for name in names:
            if name not in present:
                present[name] = added.pop(0)
                await self._accept(present[name])
        for name, listener in zip(names, wanted, strict=True):
            present[name].listener = listener
            _dress(present[name].site, listener)
        kept = [present.pop(name) for name in names]
        self.listeners, self._places = wanted, kept
        for place in present.values():
            self._leave(place)

    def _leave(self, place: _Place) -> None:
        if place.acceptor is not None:
            place.acceptor.close()
        place.bound.close()
        place.site.is_leaving = True
        for connection in list(place.site.connections):
            if connection.is_idle:
                connection.close()
        self._leaving |= place.site.connections

    async def drain(self, *, grace: float = 0.0, linger: float = 0.0, patience: float | None = None) -> None:
        """Stop accepting after ``grace``, answer what is in flight, then cancel what is left after ``patience``.

        Every answer from now on closes its connection. ``linger`` is how long an idle connection may still bring a request:
        closing it at once could cross with one that is under way.
        """
        self.state.draining = True
        await asyncio.sleep(grace)
        for place in self._places:
            if place.acceptor is not None:
                place.acceptor.close()
        await self._wait_until_none(linger, only_idle=True)
        for connection in self._connections():
            if connection.is_idle:
                connection.close()
        await self._wait_until_none(self.state.limits.drain_time if patience is None else patience)
        for connection in self._connections():
            connection.cancel()
        await self._wait_until_none(_LAST_WORDS)

    async def close(self) -> None:
        """End what is left, give the ports back."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for place in self._places:
            if place.acceptor is not None:
                place.acceptor.close()
            place.bound.close()
        for connection in self._connections():
            connection.cancel()
            connection.abort()

    def tasks(self) -> set[DirectTask | asyncio.Future[None]]:
        """What is being answered right now."""
        return {connection.pending() for connection in self._connections() if connection.task is not None}

    def sites(self) -> list[Site]:
        return [place.site for place in self._places]

    def _connections(self) -> list[HttpConnection]:
        self._leaving = {connection for connection in self._leaving if not connection.is_gone}
        return [connection for place in self._places for connection in place.site.connections] + list(self._leaving)

    async def _wait_until_none(self, seconds: float, *, only_idle: bool = False) -> None:
        # Polled, and only while draining: connections need not know that somebody waits for them.
        for _ in range(round(seconds / _POLL)):
            if not any(connection.is_idle or not only_idle for connection in self._connections()):
                return
            await asyncio.sleep(_POLL)


def _names(listeners: Sequence[Listener]) -> list[tuple[str, int, int]]:
    """Address, port, and a count where a port is left to the system, which gives every such listener another one."""
    return [(*one.key, sum(one.key == before.key for before in listeners[:i])) for i, one in enumerate(listeners)]


def _factory(site: Site) -> Callable[[], asyncio.BaseProtocol]:
    return lambda: HttpConnection(site)


def _site(state: ServerState, listener: Listener) -> Site:
    site = Site(state)
    _dress(site, listener)
    return site


def _dress(site: Site, listener: Listener) -> None:
    site.handler = listener.handler
    site.hosts = HostRules(address=listener.address, names=listener.hosts, origins=(*listener.origins, *listener.cors))
    site.cors = CorsRules(listener.cors) if listener.cors else None
    site.is_exempt = listener.is_exempt
    site.express = listener.express if site.is_plain else None
