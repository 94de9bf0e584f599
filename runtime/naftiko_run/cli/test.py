"""``test``: exchange tests run, a report written. Exit 0 all passed, 1 some failed, 2 they could not be run."""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from pathlib import Path
from xml.etree import ElementTree  # writing only; nothing foreign is parsed

from naftiko_run.authoring.exchanges.document import Suite, is_suite, read_suite, suite_path
from naftiko_run.authoring.exchanges.run import Outcome, Target, load_suite, run_suite
from naftiko_run.cli import options as shared
from naftiko_run.cli import session
from naftiko_run.errors import BindingError


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run test", description="Run the exchange tests of capability files.")
    found.add_argument(
        "files", nargs="+", metavar="FILE", help="a capability with NAME.test.yaml beside it, a test file, or a folder"
    )
    found.add_argument("--mock", action="store_true", help="run against the built-in upstream; checks the answers only")
    found.add_argument("--format", choices=("text", "junit"), default="text", help="how results are written")
    shared.add_load_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    suites = [read_suite(file) for file in _files(given.files)]
    options = session.load_options(given)
    results = [(suite, _run(suite, Target(options=options), mock=given.mock)) for suite in suites]
    if given.format == "junit":
        print(_junit(results))
    else:
        _text(results)
    return 1 if any(not one.passed for _, outcomes in results for one in outcomes) else 0


def _files(words: list[str]) -> list[Path]:
    """Test files: those named, those beside named capabilities, and all below a folder."""
    found: list[Path] = []
    for word in words:
        path = Path(word)
        if path.is_dir():
            found += sorted(one for one in path.rglob("*.y*ml") if is_suite(one) or one.parent.name == "exchanges")
        elif is_suite(path) or path.parent.name == "exchanges":
            found.append(path)
        else:
            found.append(_beside(session.one_file(word)))
    if not found:
        raise BindingError("there are no tests", code="E-NO-FILE", hint="write NAME.test.yaml beside NAME.yaml")
    return list(dict.fromkeys(found))


def _beside(capability: Path) -> Path:
    found = suite_path(capability)
    if not found.is_file():
        hint = f"write them in {found.name!r} beside it (see docs/authoring.md)"
        raise BindingError(f"{capability.name!r} has no tests", code="E-NO-FILE", hint=hint)
    return found


def _run(suite: Suite, target: Target, *, mock: bool) -> list[Outcome]:
    if not mock:
        return asyncio.run(run_suite(suite, target))
    from naftiko_run.errors import Problems
    from naftiko_run.mock.capability import capability_table, mock_environment
    from naftiko_run.mock.upstream import MockUpstream

    capability = load_suite(suite, target.options)
    with ExitStack() as stack:
        upstream = stack.enter_context(MockUpstream(capability_table(capability, Problems())))
        pointed = Target(
            options=target.options, environment=mock_environment(capability, {}),
            base_uris=upstream.base_uris({one.namespace for one in capability.consumers}),
        )  # fmt: skip
        return asyncio.run(run_suite(suite, pointed))


def _text(results: list[tuple[Suite, list[Outcome]]]) -> None:
    for suite, outcomes in results:
        print(suite.file)
        for one in outcomes:
            print(f"  {'ok  ' if one.passed else 'FAIL'} {one.case.name}")
            for difference in one.differences:
                print(f"       {difference}")
    every = [one for _, outcomes in results for one in outcomes]
    failed = sum(not one.passed for one in every)
    print(f"{len(every) - failed} passed, {failed} failed")
    sys.stdout.flush()


def _junit(results: list[tuple[Suite, list[Outcome]]]) -> str:
    root = ElementTree.Element("testsuites", name="naftiko-run test")
    for suite, outcomes in results:
        failed = sum(not one.passed for one in outcomes)
        element = ElementTree.SubElement(
            root, "testsuite", name=str(suite.file), tests=str(len(outcomes)), failures=str(failed)
        )
        for one in outcomes:
            case = ElementTree.SubElement(
                element, "testcase", classname=str(suite.file), name=one.case.name, time=f"{one.seconds:.3f}"
            )
            if not one.passed:
                failure = ElementTree.SubElement(case, "failure", message=one.differences[0])
                failure.text = "\n".join(one.differences)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)
