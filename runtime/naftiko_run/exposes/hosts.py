"""Which ``Host`` and ``Origin`` a listener answers to: loopback names, and what the operator adds (requirement S11).

A page in a browser can send requests to loopback, and can even make its own name resolve to it; the two headers are what
gives it away. Both checks are over names only, so they cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from naftiko_run.consumes.endpoints import is_loopback
from naftiko_run.errors import Forbidden, MisdirectedRequest
from naftiko_run.exposes.guards.guard import only_header
from naftiko_run.exposes.messages import HttpRequest

ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """``hosts`` are names (``api.acme.test``), with a port where only that one counts; ``origins`` are ``https://app.test``.

    ``*`` in either allows everything.
    """

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()

    def check(self, request: HttpRequest) -> None:
        host = only_header(request, "host")
        if not host or not (ANY in self.hosts or self._knows(host)):
            hint = "the operator can add a name with --allow-host"
            raise MisdirectedRequest("this listener does not answer for the host that was asked for", hint=hint)
        origin = only_header(request, "origin")
        if origin is not None and not (ANY in self.origins or self._trusts(origin)):
            raise Forbidden("requests from this origin are not accepted")

    def _knows(self, host: str) -> bool:
        split = _split(f"//{host}")
        return split is not None and (is_loopback(split[0]) or not self.hosts.isdisjoint((split[0], split[1])))

    def _trusts(self, origin: str) -> bool:
        split = _split(origin)
        return split is not None and (is_loopback(split[0]) or origin.lower() in self.origins)


def _split(url: str) -> tuple[str, str] | None:
    """(name, name with port as written) in lower case; ``None`` for anything but an authority."""
    try:
        parts = urlsplit(url)
        name, _ = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return name.removesuffix("."), parts.netloc.lower()
