"""What guards are tested with: blocks compiled from text, requests, a clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from naftiko_run.document.reader import read_text
from naftiko_run.errors import Problems
from naftiko_run.exposes.authentication import CallerAuth, Guard, GuardContext, compile_caller_auth
from naftiko_run.exposes.messages import HttpRequest
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope


class Clock:
    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def declare() -> Callable[[str], tuple[CallerAuth | None, Problems]]:
    def declare(block: str) -> tuple[CallerAuth | None, Problems]:
        problems = Problems()
        node = read_text(f"authentication: {block}\n", file="cap.yaml").get("authentication")
        return compile_caller_auth(node, Names(), problems), problems

    return declare


@pytest.fixture
def guard(declare) -> Callable[..., Guard]:
    """``guard(block, X="s3cr3t")``: the live guard of a block, with variables."""

    def guard(block: str, *, context: GuardContext | None = None, **binds: str) -> Guard:
        declared, problems = declare(block)
        assert declared is not None
        assert problems.errors == []
        return declared.bind(Scope(binds=binds), context=context)

    return guard


@pytest.fixture
def ask() -> Callable[..., HttpRequest]:
    """``ask(authorization="Bearer x")``: a request with those headers."""

    def ask(*pairs: tuple[str, str], path: str = "/", query: str = "", peer: str = "127.0.0.1", **headers: str) -> HttpRequest:
        named = [(name.replace("_", "-"), value) for name, value in headers.items()]
        return HttpRequest(method="GET", path=path, query=query, headers=[*pairs, *named], peer=peer)

    return ask
