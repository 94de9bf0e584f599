"""The direction of imports, and who may touch what: read from the source, so that nothing has to run."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import naftiko_run
from naftiko_run.errors import (
    InvalidInputs,
    MethodNotAllowed,
    RequestError,
    StepFailed,
    UpstreamStatus,
    UpstreamTimeout,
)
from naftiko_run.exposes.answers import HTTP_ANSWERS, problem
from naftiko_run.exposes.mcp.results import tool_error

PACKAGE = Path(__file__).parent.parent / "runtime" / "naftiko_run"

# Each group may import from itself and from the groups above it; the members of one group stand side by side.
ORDER = (
    ("records",),
    ("errors", "registry", "limits", "values"),
    ("redaction",),
    ("isolation",),
    ("document", "expressions"),
    ("binds", "bind_providers"),
    ("telemetry",),
    ("consumes",),
    ("flows",),
    ("exposes",),
    ("variables",),
    ("capability",),
    ("engine",),
    ("checks", "authoring", "mock", "deploy"),
    ("server",),
    ("cli", "__main__"),
)
RANK = {name: rank for rank, group in enumerate(ORDER) for name in group}
SERVER_LIBRARY, WEB_LIBRARY, CLIENT_LIBRARY = "uvicorn", "starlette", "httpx2"

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part(path: Path) -> str:
    """The top-level package or module a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import, wherever it stands: a lazy one and one for types only count too."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def uses(path: Path, library: str) -> list[int]:
    return [line for line, name in imports(path) if name.split(".")[0] == library]


def places(offenders: Iterator[tuple[Path, int, str]]) -> list[str]:
    return [f"{path.relative_to(PACKAGE.parent)}:{line}: {what}" for path, line, what in offenders]


def test_every_package_has_its_place_in_the_order():
    assert sorted({part(path) for path in MODULES} - set(RANK)) == []


def test_imports_only_come_from_the_left():
    def offenders() -> Iterator[tuple[Path, int, str]]:
        for path in (p for p in MODULES if part(p) in RANK):
            for line, name in imports(path):
                names = name.split(".")
                if names[0] == "naftiko_run" and RANK.get(names[1], 0) > RANK[part(path)]:
                    yield path, line, f"{part(path)} imports {names[1]}"

    assert places(offenders()) == []


def test_no_import_is_relative():
    def offenders() -> Iterator[tuple[Path, int, str]]:
        for path in PACKAGE.rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.level:
                    yield path, node.lineno, "relative import"

    assert places(offenders()) == []


def test_only_the_command_line_prints():
    def offenders() -> Iterator[tuple[Path, int, str]]:
        for path in (p for p in MODULES if part(p) != "cli"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print":
                    yield path, node.lineno, "print"

    assert places(offenders()) == []


@pytest.mark.parametrize(
    ("library", "may_use"),
    [
        pytest.param(SERVER_LIBRARY, {"server"}, id="the ASGI server: only server"),
        pytest.param(WEB_LIBRARY, set(RANK) - {"consumes"}, id="the web library: not consumes"),
        pytest.param(CLIENT_LIBRARY, set(RANK) - {"exposes"}, id="the HTTP client: not exposes"),
    ],
)
def test_a_library_stays_on_its_side(library, may_use):
    offenders = ((path, line, library) for path in MODULES if part(path) not in may_use for line in uses(path, library))

    assert places(offenders) == []


def test_the_public_surface_is_short_and_sorted():
    assert sorted(naftiko_run.__all__) == ["Capability", "Engine", "NaftikoError", "__version__", "load"]
    assert naftiko_run.__all__ == sorted(naftiko_run.__all__)
    assert all(hasattr(naftiko_run, name) for name in naftiko_run.__all__)


# ---- errors outward


def request_errors(base: type[RequestError] = RequestError) -> set[type[RequestError]]:
    return {base, *(found for child in base.__subclasses__() for found in request_errors(child))}


def sample_error(kind: type[RequestError]) -> RequestError:
    """An error of that class with the arguments it needs."""
    if kind is StepFailed:
        return StepFailed("first", UpstreamTimeout("too slow"), completed=[], side_effects=[])
    if kind is InvalidInputs:
        return InvalidInputs([{"name": "id", "place": "path", "message": "is required"}])
    needed = {MethodNotAllowed: {"allow": ("GET",)}, UpstreamStatus: {"upstream_status": 418}}
    return kind("it failed", **needed.get(kind, {}))


def test_every_error_of_a_request_stands_in_the_http_table():
    known = {kind for kind in request_errors() if kind.__module__ == "naftiko_run.errors"}

    assert {kind.__name__ for kind in known} == {kind.__name__ for kind in HTTP_ANSWERS}


@pytest.mark.parametrize("kind", sorted(request_errors(), key=lambda kind: kind.__name__), ids=lambda kind: kind.__name__)
def test_every_error_of_a_request_is_an_answer_over_http_and_mcp(kind):
    error = sample_error(kind)

    answer, result = problem(error, "r-1"), json.loads(b"{" + tool_error(error) + b"}")

    document = json.loads(answer.body)
    assert answer.status == document["status"] == error.status
    assert 400 <= error.status <= 599
    assert (document["title"], document["requestId"]) == (error.title, "r-1")
    assert result["isError"] is True
    assert error.message in result["content"][0]["text"]


def test_the_packages_inside_export_nothing():
    """Full names only: what a package offers is found in the module that bears the name."""

    def offenders() -> Iterator[tuple[Path, int, str]]:
        for path in (p for p in MODULES if p.name == "__init__.py"):
            body = ast.parse(path.read_text()).body
            if len(body) != 1 or not (isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)):
                yield path, 1, "more than a docstring"

    assert places(offenders()) == []
