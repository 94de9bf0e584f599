"""A listener as wanted: an address, a port, and what answers there; and the rule which address an exposure may have.

Adapters that name the same address and port share one listener: ``merge`` turns them into one, routed by path prefix.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from naftiko_run.errors import BindingError
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.server.asgi import AsgiMount
from naftiko_run.server.hosts import is_loopback

LOOPBACK = "127.0.0.1"
DecliningHandler = Callable[[HttpRequest], Awaitable[HttpAnswer | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One socket and what is served on it.

    ``mounts`` are looked at first: a path equal to a prefix or below it goes to that ASGI app. ``fallbacks`` are apps a handler
    itself calls (see ``with_fallback``): they are only started and stopped here. ``hosts`` and ``origins`` are the operator's
    additions to the allow-lists; ``cors`` are the origins browsers may call from. ``is_exempt`` marks the listener of health
    probes: no admission, no cap on connections.
    """

    port: int
    handler: Handler
    address: str = LOOPBACK
    mounts: Sequence[tuple[str, AsgiMount]] = ()
    fallbacks: Sequence[AsgiMount] = ()
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    is_exempt: bool = False

    @property
    def apps(self) -> list[AsgiMount]:
        """All ASGI apps that live and end with this listener."""
        return [*(app for _, app in self.mounts), *self.fallbacks]

    @property
    def key(self) -> tuple[str, int]:
        return (self.address, self.port)


def effective_address(
    declared: str, *, is_authenticated: bool, allow_public: bool = False, is_strict: bool = False, is_control: bool = False
) -> tuple[str, str]:
    """The address an exposure is bound to, and a warning or nothing (requirement S10).

    Beyond loopback only with authentication, or where the operator allows it; the control adapter only with authentication.
    """
    if not declared or is_loopback(declared):
        return (declared or LOOPBACK, "")
    if is_authenticated or (allow_public and not is_control):
        return (declared, "")
    what = "the control adapter" if is_control else "an adapter"
    reason = f"{what} without authentication is declared on '{declared}'"
    way = "declare its authentication" if is_control else "declare its authentication, or allow it with --allow-public"
    if is_strict:
        raise BindingError(reason, code="E-PUBLIC-ADDRESS", hint=way)
    return (LOOPBACK, f"{reason} and listens on {LOOPBACK} instead; {way}")


def routed(handler: Handler, mounts: Sequence[tuple[str, Handler]]) -> Handler:
    """One handler that sends a path to the mount of the longest fitting prefix, and everything else to ``handler``."""
    if not mounts:
        return handler
    prefixes = sorted(((prefix.rstrip("/"), mount) for prefix, mount in mounts), key=lambda entry: -len(entry[0]))

    async def answer(request: HttpRequest) -> HttpAnswer:
        for prefix, mount in prefixes:
            if request.path.startswith(prefix) and request.path[len(prefix) : len(prefix) + 1] in ("", "/"):
                return await mount(request)
        return await handler(request)

    return answer


def with_fallback(first: DecliningHandler, fallback: Handler) -> Handler:
    """A handler that asks ``first``, and ``fallback`` where that declines with ``None``."""

    async def answer(request: HttpRequest) -> HttpAnswer:
        return await first(request) or await fallback(request)

    return answer


def merge(listeners: Iterable[Listener]) -> list[Listener]:
    """One listener per address and port: the same handler, with the mounts and allow-lists of all."""
    merged: dict[tuple[str, int], Listener] = {}
    for listener in listeners:
        known = merged.get(listener.key) if listener.port else None
        if known is None:
            merged[listener.key if listener.port else ("", -len(merged) - 1)] = listener
        elif known.handler is not listener.handler:
            raise BindingError(
                f"port {listener.port} on {listener.address} is wanted for two different handlers",
                code="E-PORT-SHARED",
                hint="give one of them another port with --port",
            )
        else:
            merged[listener.key] = replace(
                known,
                mounts=(*known.mounts, *listener.mounts),
                fallbacks=(*known.fallbacks, *listener.fallbacks),
                hosts=(*known.hosts, *listener.hosts),
                origins=(*known.origins, *listener.origins),
                cors=(*known.cors, *listener.cors),
            )
    return list(merged.values())
