"""Consumed authentication: an ``authentication`` block becomes an ``Authentication``, ready to be bound.

Each scheme is one small factory, registered under the word an author writes after ``type:``. Factories run once, when the
document is compiled; secrets come in when the result is bound. A word that no scheme knows keeps the operations listed and
refuses their calls, rather than sending them without a credential.

Checking *our* callers is a different job: see ``exposes/authentication.py``.
"""

from __future__ import annotations

from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES as AUTH_SCHEMES
from naftiko_run.consumes.auth_schemes.scheme import AuthBlock
from naftiko_run.consumes.auth_schemes.scheme import Authentication as Authentication
from naftiko_run.consumes.auth_schemes.scheme import Authenticator as Authenticator
from naftiko_run.consumes.auth_schemes.scheme import Send as Send
from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.expressions.reference import Names

NO_AUTHENTICATION = frozenset({"none", "noauth", "no-auth", "anonymous"})


def compile_authentication(node: Node | None, names: Names, problems: Problems, *, namespace: str) -> Authentication | None:
    """What a consumer sends to be let in; ``None`` where it declares nothing."""
    if node is None:
        return None
    block = AuthBlock(node=node, names=names, problems=problems, namespace=namespace)
    word = node.get_text("type", "scheme")
    if word.lower() in NO_AUTHENTICATION:
        return None
    if not node.is_map or not word:
        return block.refuse("authentication has no type", suggest("", AUTH_SCHEMES), code="E-AUTH-INCOMPLETE")
    if word not in AUTH_SCHEMES:
        return block.refuse(f"unknown authentication type {word!r}", suggest(word.lower(), AUTH_SCHEMES), at=node.get("type"))
    return AUTH_SCHEMES.lookup(word)(block)
