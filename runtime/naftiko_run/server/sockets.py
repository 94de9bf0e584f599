"""Listening sockets: an address and a port become a bound socket, or an error that says who is in the way (requirement S12).

The sockets are made here and not by the event loop: with ``IPPROTO_TCP`` set, so that the loop switches Nagle's algorithm off
on every connection, and before anything is served, so that a start either has all its ports or none.
"""

from __future__ import annotations

import errno
import socket

from naftiko_run.errors import BindingError

BACKLOG = 1024


def open_socket(address: str, port: int) -> socket.socket:
    """A bound TCP socket that does not accept yet."""
    family, host = _resolve(address, port)
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        listening.bind((host, port))
        # Only listening makes the port ours: two sockets may be bound to it until then. Nothing is accepted before serving.
        listening.listen(BACKLOG)
    except OSError as exc:
        listening.close()
        raise _refused(exc, address, port) from exc
    listening.setblocking(False)
    return listening


def _resolve(address: str, port: int) -> tuple[socket.AddressFamily, str]:
    bare = address.strip("[]")
    try:
        host = bare.encode() if bare.isascii() else bare  # as bytes it needs no codec for international names
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        raise BindingError(
            f"address '{address}' cannot be resolved",
            code="E-ADDRESS",
            hint="give an IP address of this machine, or 'localhost'",
        ) from exc
    found.sort(key=lambda entry: entry[0] != socket.AF_INET)  # "localhost" is 127.0.0.1 for most clients
    return found[0][0], str(found[0][4][0])


def _refused(exc: OSError, address: str, port: int) -> BindingError:
    if exc.errno == errno.EADDRINUSE:
        return BindingError(
            f"port {port} on {address} is in use by another process",
            code="E-PORT-IN-USE",
            hint="stop it, choose another port with --port, or shift all ports with --port-offset",
        )
    if exc.errno == errno.EACCES:
        return BindingError(
            f"port {port} on {address} needs privileges this process does not have",
            code="E-PORT-DENIED",
            hint="choose a port above 1023 with --port or --port-offset",
        )
    if exc.errno == errno.EADDRNOTAVAIL:
        return BindingError(
            f"address '{address}' is not one of this machine",
            code="E-ADDRESS",
            hint="use 127.0.0.1, or 0.0.0.0 with --allow-public",
        )
    return BindingError(f"port {port} on {address} cannot be used: {exc.strerror}", code="E-PORT")
