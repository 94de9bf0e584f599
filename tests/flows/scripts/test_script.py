"""Script steps: what a script sees, what it answers, where its source may lie, and what stops it from being run."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_monty", reason="the scripts extra is not installed")
pytest.importorskip("quickjs", reason="the scripts extra is not installed")

from naftiko_run.errors import Location, ScriptFailed, SpecError, UnresolvedReference, UnsupportedFeature
from naftiko_run.expressions.scope import MISSING
from naftiko_run.flows.scripts.governance import ScriptGovernance
from naftiko_run.flows.scripts.script import Script, compile_script, run_script, variable_name
from naftiko_run.isolation.pool import WorkerPool, WorkerUnfiltered
from naftiko_run.limits import Limits

HERE = Location(file="a.yaml", line=7, column=9)
BOTH = pytest.mark.parametrize("language", ["python", "javascript"])


@pytest.fixture
async def workers() -> AsyncIterator[WorkerPool]:
    async with WorkerPool(size=2) as pool:
        yield pool


@pytest.fixture
def governance() -> ScriptGovernance:
    return ScriptGovernance()


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "scripts"
    folder.mkdir()
    (folder / "total.py").write_text("result = add(context['a'], context['b'])\n")
    (folder / "lib.py").write_text("def add(x, y):\n    return x + y\n")
    (folder / "total.js").write_text("result = add(context.a, context.b)\n")
    (folder / "lib.js").write_text("const add = (x, y) => x + y\n")
    return folder


def inline(text: str, language: str = "python", governance: ScriptGovernance | None = None) -> Script:
    return compile_script(governance=governance or ScriptGovernance(), base_directory=Path(), text=text, language=language)


async def run(script: Script, context: dict[str, object], workers: WorkerPool, governance: ScriptGovernance) -> object:
    return await run_script(script, context, workers=workers, seconds=5, governance=governance)


# ---- what a script sees and answers


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "result = {'sum': context['get-user']['n'] + getUser['n'], 'name': name}"),
        ("javascript", "result = {sum: context['get-user'].n + getUser.n, name}"),
    ],
)
async def test_values_come_in_as_context_and_as_variables(workers, governance, language, text):
    context = {"get-user": {"n": 2}, "name": "Ada", "not a name!": 1, "1st": 1, "class": 2}

    assert await run(inline(text, language), context, workers, governance) == {"sum": 4, "name": "Ada"}


@pytest.mark.parametrize(
    ("language", "text", "value"),
    [
        ("python", "result = [1, 1.5, None, True, 'é', [], {}]", [1, 1.5, None, True, "é", [], {}]),
        ("javascript", "result = [1, 1.5, null, true, 'é', [], {}]", [1, 1.5, None, True, "é", [], {}]),
        ("python", "result = 2 ** 70", 2**70),
        ("javascript", "result = 2 ** 53", 2**53),
        ("python", "result = (1, 2)", [1, 2]),
        ("python", "result = {1: 'a'}", {"1": "a"}),
        ("javascript", "let result = 1", 1),
        ("javascript", "const result = {a: undefined, b: 1}", {"b": 1}),
        ("javascript", "var result; Promise.resolve(3).then(v => { result = v })", 3),
        ("python", "result = None", None),
        ("javascript", "result = null", None),
        ("python", "result = [x * 2 for x in context['xs'] if x > 1]", [4, 6]),
        ("javascript", "result = xs.filter(x => x > 1).map(x => x * 2)", [4, 6]),
        ("python", "import json, math\nresult = json.loads('[1]') + [math.floor(2.5)]", [1, 2]),
        ("python", "import re\nresult = bool(re.match('a', 'ab'))", True),
        ("javascript", "result = xs.reduce((a, b) => a + b, 0)", 6),
        ("python", "result = context", {"xs": [1, 2, 3]}),
        ("javascript", "result = context", {"xs": [1, 2, 3]}),
        ("python", "x = 1", MISSING),
        ("javascript", "const x = 1", MISSING),
        ("javascript", "result = undefined", MISSING),
        ("python", "", MISSING),
        ("python", "result = 'x' * 1000000", "x" * 1_000_000),
        ("javascript", "result = []; for (let i = 0; i < 63; i++) result = [result]", ...),
    ],
)  # fmt: skip
async def test_what_is_left_in_result_is_the_answer(workers, governance, language, text, value):
    script = inline(text or "pass", language)

    answer = await run(script, {"xs": [1, 2, 3]}, workers, governance)

    assert answer == value or (value is ... and answer is not MISSING)


async def test_an_input_cannot_pose_as_the_result(workers, governance):
    assert await run(inline("x = 1"), {"result": 1}, workers, governance) is MISSING
    assert await run(inline("1", "javascript"), {"result": 1, "JSON": 1, "undefined": 2}, workers, governance) is MISSING


@BOTH
async def test_dependencies_run_first_in_the_same_scope(workers, governance, scripts, language):
    ending = {"python": "py", "javascript": "js"}[language]
    files = {"file": f"total.{ending}", "dependencies": (f"lib.{ending}",)}
    script = compile_script(governance=governance, base_directory=scripts.parent, location="scripts", **files)

    assert script.language == language
    assert await run(script, {"a": 1, "b": 2}, workers, governance) == 3


@BOTH
async def test_nothing_of_one_run_is_left_for_the_next(workers, governance, language):
    await run(
        inline("seen = 1" if language == "python" else "var seen = 1; Array.prototype.x = 1", language), {}, workers, governance
    )

    text = "result = seen" if language == "python" else "result = [typeof seen, typeof [].x]"
    if language == "python":
        with pytest.raises(ScriptFailed, match="it raised NameError"):
            await run(inline(text), {}, workers, governance)
    else:
        assert await run(inline(text, language), {}, workers, governance) == ["undefined", "undefined"]


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("python", "1/0", "the script 'inline script' failed: it raised ZeroDivisionError: division by zero"),
        ("javascript", "throw new TypeError('odd')", "the script 'inline script' failed: it raised TypeError: odd"),
        ("python", "def f(:", "the script 'inline script' failed: it raised SyntaxError"),
        ("python", "result = {1}", "the script 'inline script' failed: it raised TypeError"),
    ],
)
async def test_a_failure_is_a_sentence(workers, governance, language, text, said):
    with pytest.raises(ScriptFailed) as caught:
        await run(inline(text, language), {}, workers, governance)

    assert caught.value.message.startswith(said)


async def test_a_dependency_that_fails_is_named(workers, governance, scripts):
    (scripts / "lib.py").write_text("1/0\n")
    script = compile_script(
        governance=governance, base_directory=scripts, file="total.py", location=str(scripts), dependencies=("lib.py",)
    )

    with pytest.raises(ScriptFailed) as caught:
        await run(script, {}, workers, governance)

    assert caught.value.message == "the script 'total.py' failed: 'lib.py' raised ZeroDivisionError: division by zero"


async def test_a_value_that_is_no_json_is_not_handed_to_a_script(workers, governance):
    with pytest.raises(ScriptFailed, match="a value that is no JSON"):
        await run(inline("result = 1"), {"raw": b"\x00"}, workers, governance)


async def test_many_runs_side_by_side(workers, governance):
    scripts = [inline("result = n * 2"), inline("result = n * 2", "javascript")]

    answers = await asyncio.gather(*(run(scripts[n % 2], {"n": n}, workers, governance) for n in range(100)))

    assert answers == [n * 2 for n in range(100)]


def descendants() -> dict[int, str]:
    """Every process below this one, dead ones that nobody collected included, with its ``status``."""
    status: dict[int, str] = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit():
                status[int(entry.name)] = (entry / "status").read_text()
    parents = {pid: int(re.search(r"PPid:\s*(\d+)", text)[1]) for pid, text in status.items()}
    found = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return {pid: status[pid] for pid in found - {os.getpid()}}


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
async def test_the_interpreter_is_locked_in_and_ends_with_its_worker(governance):
    before = descendants().keys()
    async with WorkerPool() as workers:
        await run(inline("result = 1"), {}, workers, governance)
        started = {pid: text for pid, text in descendants().items() if pid not in before}

        assert len(started) == 2
        assert all(re.search(r"NoNewPrivs:\s*1\n", text) and re.search(r"Seccomp:\s*2\n", text) for text in started.values())

        with pytest.raises(ScriptFailed):
            await run_script(
                inline("while True:\n  try:\n    while True: pass\n  except BaseException: pass"),
                {},
                workers=workers,
                seconds=0.3,
                governance=governance,
            )
        await run(inline("result = 1"), {}, workers, governance)

    assert descendants().keys() == before


# ---- governance


async def test_runs_are_counted(workers, governance):
    await run(inline("result = 1"), {}, workers, governance)
    with pytest.raises(ScriptFailed):
        await run(inline("1/0"), {}, workers, governance)

    stats = governance.to_json()["stats"]
    assert isinstance(stats, dict)
    assert (stats["totalExecutions"], stats["totalErrors"]) == (2, 1)
    assert stats["averageDurationMs"] > 0
    assert stats["lastExecutionAt"].endswith("Z")


async def test_scripts_can_be_switched_off_and_languages_left_out(workers, governance):
    script = inline("result = 1")

    governance.update({"allowedLanguages": ["javascript"]})
    with pytest.raises(ScriptFailed, match="scripts in python are not allowed here"):
        await run(script, {}, workers, governance)
    governance.update({"allowedLanguages": [], "enabled": False})
    with pytest.raises(ScriptFailed, match="scripts are switched off"):
        await run(script, {}, workers, governance)
    governance.update({"enabled": True})
    assert await run(script, {}, workers, governance) == 1


async def test_the_timeout_is_the_smaller_of_setting_and_deadline(workers):
    governance = ScriptGovernance(timeout=200)

    with pytest.raises(ScriptFailed, match=r"took longer|TimeoutError"):
        await run_script(inline("while True: pass"), {}, workers=workers, seconds=30, governance=governance)


class Unfiltered:
    """A pool on a system without a system-call filter."""

    async def run(self, job: str, payload: bytes, *, seconds: float) -> bytes:
        raise WorkerUnfiltered(job)


async def test_without_a_filter_scripts_are_off(governance):
    with pytest.raises(ScriptFailed) as caught:
        await run_script(inline("result = 1"), {}, workers=Unfiltered(), seconds=1, governance=governance)

    assert "--allow-unfiltered-scripts" in caught.value.hint


class Liar:
    """A pool whose workers have been taken over."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer

    async def run(self, job: str, payload: bytes, *, seconds: float) -> bytes:
        return self.answer


@pytest.mark.parametrize("answer", [b"", b"{}", b"[", b"[1]" + b" " * 3_000_000, b"[" * 100_000, b"null"])
async def test_a_workers_answer_is_not_trusted(governance, answer):
    with pytest.raises(ScriptFailed, match="answered unusably"):
        await run_script(inline("result = 1"), {}, workers=Liar(answer), seconds=1, governance=governance)


# ---- compiling


def compiled(folder: Path, governance: ScriptGovernance | None = None, **settings) -> Script:
    return compile_script(governance=governance or ScriptGovernance(), base_directory=folder, at=HERE, **settings)


def test_a_script_knows_its_source_by_hash(scripts):
    script = compiled(scripts, file="total.py", location=scripts.as_uri())

    assert script.source.path == (scripts / "total.py").resolve()
    assert script.source.sha256 == hashlib.sha256((scripts / "total.py").read_bytes()).hexdigest()
    assert script.at == HERE
    assert "add(" not in repr(script)


def test_defaults_come_from_governance(scripts):
    governance = ScriptGovernance(default_language="py", default_location=scripts.as_uri())

    assert compiled(scripts, governance, file="lib.js").language == "python"
    assert compiled(scripts, governance, file="lib.js", language="JavaScript").language == "javascript"


@pytest.mark.parametrize(
    "file",
    [
        "../total.py",
        "a/../total.py",
        "/etc/passwd",
        "./total.py",
        "a//b.py",
        "sp ace.py",
        "a\\b.py",
        "é.py",
        "%2e%2e/x.py",
        ".",
    ],
)
def test_a_path_of_odd_segments_is_refused(scripts, file):
    with pytest.raises(SpecError) as caught:
        compiled(scripts, file=file, language="python", location=str(scripts))

    assert caught.value.code == "E-SCRIPT-PATH"
    assert caught.value.at == HERE
    with pytest.raises(SpecError):
        compiled(scripts, file="total.py", dependencies=(file,), location=str(scripts))


def test_a_link_that_leaves_the_directory_is_refused(scripts, tmp_path):
    (tmp_path / "outside.py").write_text("result = 1")
    (scripts / "link.py").symlink_to(tmp_path / "outside.py")
    (scripts / "inner.py").symlink_to(scripts / "total.py")

    with pytest.raises(SpecError, match="leaves the script directory"):
        compiled(scripts, file="link.py", location=str(scripts))
    assert compiled(scripts, file="inner.py", location=str(scripts)).source.path == (scripts / "total.py").resolve()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"file": "none.py", "location": "."}, "E-SCRIPT-FILE"),
        ({"file": "total.py"}, "E-SCRIPT-LOCATION"),
        ({"file": "total.py", "location": "missing"}, "E-SCRIPT-LOCATION"),
        ({"file": "total.py", "location": "../.."}, "E-SCRIPT-PATH"),
        ({"file": "total", "location": "."}, "E-SCRIPT-LANGUAGE"),
        ({"language": "python"}, "E-SCRIPT-FILE"),
        ({"file": "binary.py", "location": "."}, "E-SCRIPT-FILE"),
        ({"file": "large.py", "location": "."}, "E-SCRIPT-FILE"),
    ],
)
def test_a_mistake_in_a_script_step_has_its_place(scripts, settings, code):
    (scripts / "binary.py").write_bytes(b"\xff\xfe\x00")
    (scripts / "large.py").write_bytes(b"#" * (1 << 20) + b"#")

    with pytest.raises(SpecError) as caught:
        compiled(scripts, **settings)

    assert (caught.value.code, caught.value.at) == (code, HERE)


def test_groovy_is_declined_with_what_to_use_instead(scripts):
    with pytest.raises(UnsupportedFeature) as caught:
        compiled(scripts, text="result = 1", language="groovy")

    assert caught.value.message == "script steps in Groovy are not run here"
    assert caught.value.hint == "write the step in python or javascript"


def test_an_unknown_language_is_reported_with_the_nearest(scripts):
    with pytest.raises(UnresolvedReference) as caught:
        compiled(scripts, text="x", language="pyton")

    assert caught.value.hint == "did you mean 'python'?"


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("get-user", "getUser"),
        ("a", "a"),
        ("a_b", "a_b"),
        ("get-the.user", "getTheUser"),
        ("X-Id", "XId"),
        ("--", ""),
        ("1-a", "1A"),
    ],
)
def test_names_become_camel_case(name, variable):
    assert variable_name(name) == variable


async def test_a_tighter_heap_holds(workers, governance):
    script = compile_script(
        governance=governance, base_directory=Path(), text="result = len('x' * 8000000)", language="python",
        limits=Limits(script_memory=4 << 20),
    )  # fmt: skip

    with pytest.raises(ScriptFailed, match="MemoryError"):
        await run(script, {}, workers, governance)
