"""Authentication of callers: the ``authentication`` block of an exposure becomes a ``CallerAuth``, ready to be bound.

Each kind is one small factory, registered under the word an author writes after ``type:``. A block that is there and cannot
be used never leaves its adapter open: it compiles to something that refuses to be bound.

What *we* send to upstreams is a different job: see ``consumes/authentication.py``. A caller's credential is never sent on.
"""

from __future__ import annotations

from naftiko_run.document.nodes import Node
from naftiko_run.errors import Problems, suggest
from naftiko_run.exposes.guards.guard import CALLER_AUTH as CALLER_AUTH
from naftiko_run.exposes.guards.guard import CallerAuth, CallerBlock
from naftiko_run.exposes.guards.guard import Guard as Guard
from naftiko_run.exposes.guards.guard import GuardContext as GuardContext
from naftiko_run.exposes.guards.guard import Principal as Principal
from naftiko_run.expressions.reference import Names


def compile_caller_auth(node: Node | None, names: Names, problems: Problems) -> CallerAuth | None:
    """How callers of an exposure are told apart; ``None`` where it declares nothing and is open."""
    if node is None:
        return None
    block = CallerBlock(node=node, names=names, problems=problems)
    word = node.get_text("type")
    if not node.is_map or not word:
        return block.refuse("authentication has no type", suggest("", CALLER_AUTH))
    if word not in CALLER_AUTH:
        hint, at = suggest(word.lower(), CALLER_AUTH), node.get("type")
        return block.refuse(f"unknown caller authentication type {word!r}", hint, at=at, code="E-AUTH-UNSUPPORTED")
    return CALLER_AUTH.lookup(word)(block)
