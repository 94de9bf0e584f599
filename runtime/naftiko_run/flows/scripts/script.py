"""A script step: its source is read, checked and hashed at load; a run sends it with its values to a worker process.

The script sees ``context`` and, for every name in it that can be spelt as a variable, that variable in camelCase. It answers
by setting ``result``. It sees no bound variable of the document unless ``with`` hands it one (requirement S52).
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from naftiko_run.document.file_location import written_path
from naftiko_run.errors import Location, Place, ScriptFailed, SpecError, location_of
from naftiko_run.expressions.scope import MISSING
from naftiko_run.flows.scripts.governance import ScriptGovernance
from naftiko_run.flows.scripts.languages import ENDINGS, runnable_language
from naftiko_run.flows.scripts.program import Program
from naftiko_run.isolation.pool import WorkerFailed, WorkerRefused, WorkerTimeout, WorkerUnfiltered
from naftiko_run.limits import DEFAULT_LIMITS, MIB, Limits
from naftiko_run.records import field, record

SOURCE_BYTES = MIB

_SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")
_WORD = re.compile(r"[^a-zA-Z0-9_]+")


class Workers(Protocol):
    async def run(self, job: str, payload: bytes, *, seconds: float) -> bytes: ...


@record
class ScriptSource:
    """One file of source; ``path`` is ``None`` for text written in the document itself."""

    name: str
    text: str = field(repr=False)
    sha256: str
    path: Path | None = None


@record
class Script:
    """Compiled. ``dependencies`` run first, in order, in the same scope."""

    language: str
    source: ScriptSource
    dependencies: tuple[ScriptSource, ...] = ()
    limits: Limits = field(default=DEFAULT_LIMITS, repr=False)
    at: Location | None = None


def compile_script(
    *,
    governance: ScriptGovernance,
    base_directory: Path,
    file: str = "",
    text: str = "",
    language: str = "",
    location: str = "",
    dependencies: tuple[str, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
    at: Place = None,
) -> Script:
    """``file`` below ``location``, or ``text`` written in the document. ``SpecError`` with a place for any mistake."""
    chosen = language or governance.default_language or ENDINGS.get(Path(file).suffix.lower(), "")
    if not chosen:
        raise SpecError("the script step names no language", at=at, code="E-SCRIPT-LANGUAGE", hint="add language: python")
    if not file and not text:
        raise SpecError("the script step names no file", at=at, code="E-SCRIPT-FILE", hint="add file: name.py")
    runs = runnable_language(chosen, at)
    root = _directory(location or governance.default_location, base_directory, at) if file or dependencies else base_directory
    return Script(
        language=runs,
        source=_read(root, file, at) if file else _source("inline script", text.encode()),
        dependencies=tuple(_read(root, name, at) for name in dependencies),
        limits=limits,
        at=location_of(at),
    )


def _directory(location: str, base: Path, at: Place) -> Path:
    """The script directory: an absolute one as written, a relative one below the document's (requirement S34)."""
    if not location:
        hint = "add location: file:///path/to/scripts, or management.scripting.defaultLocation"
        raise SpecError("the script step names no location", at=at, code="E-SCRIPT-LOCATION", hint=hint)
    path = Path(written_path(location))
    root = (path if path.is_absolute() else base / path).resolve()
    if not path.is_absolute() and not root.is_relative_to(base.resolve()):
        raise SpecError(f"the script location {location!r} leaves the document's directory", at=at, code="E-SCRIPT-PATH")
    if not root.is_dir():
        raise SpecError(f"the script location {location!r} is no directory", at=at, code="E-SCRIPT-LOCATION")
    return root


def _read(root: Path, file: str, at: Place) -> ScriptSource:
    segments = file.split("/")
    if any(not _SEGMENT.fullmatch(segment) or segment in (".", "..") for segment in segments):
        hint = "use a relative path of letters, digits, dots, dashes and underscores"
        raise SpecError(f"the script path {file!r} is not allowed", at=at, code="E-SCRIPT-PATH", hint=hint)
    path = root.joinpath(*segments).resolve()
    if not path.is_relative_to(root):
        raise SpecError(f"the script path {file!r} leaves the script directory", at=at, code="E-SCRIPT-PATH")
    if not path.is_file():
        raise SpecError(f"there is no script {file!r}", at=at, code="E-SCRIPT-FILE")
    with path.open("rb") as opened:
        content = opened.read(SOURCE_BYTES + 1)
    if len(content) > SOURCE_BYTES:
        raise SpecError(f"the script {file!r} is larger than 1 MiB", at=at, code="E-SCRIPT-FILE")
    try:
        return _source(file, content, path)
    except UnicodeDecodeError as exc:
        raise SpecError(f"the script {file!r} is not UTF-8 text", at=at, code="E-SCRIPT-FILE") from exc


def _source(name: str, content: bytes, path: Path | None = None) -> ScriptSource:
    return ScriptSource(name=name, text=content.decode("utf-8-sig"), sha256=hashlib.sha256(content).hexdigest(), path=path)


async def run_script(
    script: Script,
    context: Mapping[str, object],
    *,
    workers: Workers,
    seconds: float,
    governance: ScriptGovernance,
) -> object:
    """What the script left in ``result``, ``MISSING`` where it set none. ``seconds`` is what the request has left."""
    if not governance.enabled:
        raise ScriptFailed("scripts are switched off")
    if not governance.allows(script.language):
        raise ScriptFailed(f"scripts in {script.language} are not allowed here")
    started, failed = time.monotonic(), True
    try:
        result = await _run(script, context, workers, min(seconds, governance.timeout / 1000))
        failed = False
        return result
    finally:
        governance.statistics.count(time.monotonic() - started, failed=failed)


async def _run(script: Script, context: Mapping[str, object], workers: Workers, seconds: float) -> object:
    name = script.source.name
    try:
        payload = _program(script, context, seconds).to_bytes()
    except (TypeError, ValueError, RecursionError) as exc:
        raise ScriptFailed(f"the script {name!r} was to be given a value that is no JSON") from exc
    try:
        answer = await workers.run(f"script-{script.language}", payload, seconds=seconds)
    except WorkerRefused as exc:
        raise ScriptFailed(f"the script {name!r} failed: {exc.message}") from exc
    except WorkerTimeout as exc:
        raise ScriptFailed(f"the script {name!r} took longer than allowed") from exc
    except WorkerUnfiltered as exc:
        hint = "start with --allow-unfiltered-scripts to run them all the same"
        raise ScriptFailed("scripts are off: this system cannot lock them in with a system-call filter", hint=hint) from exc
    except WorkerFailed as exc:
        raise ScriptFailed(f"the script {name!r} was stopped at a limit") from exc
    return _result(answer, script)


def _program(script: Script, context: Mapping[str, object], seconds: float) -> Program:
    sources = (*script.dependencies, script.source)
    return Program(
        sources=[source.text for source in sources],
        names=[source.name for source in script.dependencies],
        context=dict(context),
        variables={variable_name(name): value for name, value in context.items()},
        seconds=seconds,
        memory=script.limits.script_memory,
        result_bytes=script.limits.script_result,
    )


def _result(answer: bytes, script: Script) -> object:
    """A worker's answer is checked again here: what runs scripts is not trusted to report on them."""
    try:
        values = json.loads(answer) if len(answer) <= script.limits.script_result + 2 else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list):
        raise ScriptFailed(f"the script {script.source.name!r} answered unusably")
    return values[0] if values else MISSING


def variable_name(name: str) -> str:
    """``get-user`` as ``getUser``; a name that is one word stays as it is."""
    first, *rest = [word for word in _WORD.split(name) if word] or [""]
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
