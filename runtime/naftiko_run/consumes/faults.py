"""What can go wrong on the way to an upstream, in words: a closed catalogue of our errors.

Texts name the namespace and never the upstream's bytes, an exception's text or a resolved address. The codes tell the retry
and breaker rules apart what one class would blur.
"""

from __future__ import annotations

from naftiko_run.errors import EgressRefused, Overloaded, UpstreamBroken, UpstreamTimeout, UpstreamUnreachable

TLS = "E-UPSTREAM-TLS"
CUT = "E-UPSTREAM-CUT"
CONNECT_TIMEOUT = "E-UPSTREAM-CONNECT-TIMEOUT"


class Faults:
    """The errors of one namespace."""

    __slots__ = ("namespace",)

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def refused(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"upstream {self.namespace!r} refused the connection")

    def unresolved(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"the host of upstream {self.namespace!r} could not be found")

    def untrusted(self) -> UpstreamUnreachable:
        hint = "a private authority is trusted with --ca-file"
        return UpstreamUnreachable(f"the certificate of upstream {self.namespace!r} is not trusted", hint=hint, code=TLS)

    def tls(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"no secure connection to upstream {self.namespace!r} could be made", code=TLS)

    def reset(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"upstream {self.namespace!r} closed the connection without an answer")

    def proxy(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"the proxy did not let a request to upstream {self.namespace!r} through")

    def closed(self) -> UpstreamUnreachable:
        return UpstreamUnreachable(f"the client of upstream {self.namespace!r} is closed")

    def cut(self) -> UpstreamBroken:
        return UpstreamBroken(f"the answer of upstream {self.namespace!r} was cut short", code=CUT)

    def broken(self, what: str) -> UpstreamBroken:
        """``what`` is a fixed phrase of ours, such as ``"is not HTTP"``."""
        return UpstreamBroken(f"the answer of upstream {self.namespace!r} {what}")

    def egress(self) -> EgressRefused:
        return EgressRefused(
            f"upstream {self.namespace!r} leads to an address that is not public",
            hint="allow a network with --allow-net CIDR; link-local and metadata addresses are never called",
        )

    def connect_timeout(self) -> UpstreamTimeout:
        return UpstreamTimeout(f"upstream {self.namespace!r} took too long to connect", code=CONNECT_TIMEOUT)

    def timeout(self) -> UpstreamTimeout:
        return UpstreamTimeout(f"upstream {self.namespace!r} took too long to answer")

    def no_connection(self) -> Overloaded:
        return Overloaded(f"no connection to upstream {self.namespace!r} became free in time", retry_after=1.0)

    def too_many(self) -> Overloaded:
        return Overloaded(f"too many requests to upstream {self.namespace!r} are in flight", retry_after=1.0)
