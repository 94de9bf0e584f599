"""Words that documents use for authentication and that cannot be served: each says what would be needed instead."""

from __future__ import annotations

from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES, AuthBlock, Authentication


@AUTH_SCHEMES.register("hmac")
def hmac(block: AuthBlock) -> Authentication:
    """A vendor's own signature: the word does not say which."""
    hint = "call the service through a proxy that signs, and name that proxy as baseUri"
    return block.refuse("hmac signatures differ from vendor to vendor and are not supported", hint)


@AUTH_SCHEMES.register("ntlm", "kerberos", "negotiate", "spnego")
def connection_bound(block: AuthBlock) -> Authentication:
    word = block.node.get_text("type")
    hint = "call the service through a local proxy that authenticates, and name that proxy as baseUri"
    return block.refuse(f"{word} authenticates connections instead of requests and is not supported", hint)
