"""``deploy``: manifests and proxy configuration for a capability, written to a folder. Nothing is applied."""

from __future__ import annotations

import sys
from pathlib import Path

from naftiko_run import __version__
from naftiko_run.capability import load
from naftiko_run.cli import options as shared
from naftiko_run.cli import session
from naftiko_run.deploy.run import deploy_files
from naftiko_run.deploy.target import DEPLOY_TARGETS, plan_of


def parser() -> shared.Parser:
    found = shared.Parser(prog="naftiko-run deploy", description="Write manifests for engines that run containers, or proxies.")
    found.add_argument("target", choices=sorted(DEPLOY_TARGETS), metavar="TARGET", help=", ".join(sorted(DEPLOY_TARGETS)))
    found.add_argument("file", metavar="FILE", help="a capability file")
    found.add_argument(
        "-o", "--output", default="", metavar="DIR", help="folder to write to (default: deploy/TARGET; - prints)"
    )
    found.add_argument("--name", default="", help="name of the objects (default: the file's)")
    found.add_argument(
        "--image", default=f"naftiko-run:{__version__}", help="container image that holds the naftiko-run command"
    )
    found.add_argument("--replicas", type=int, default=2, metavar="N", help="instances, at least 2")
    shared.add_load_options(found)
    return found


def run(arguments: list[str]) -> int:
    given = parser().parse_args(arguments)
    capability = load(session.one_file(given.file), session.load_options(given))
    plan = plan_of(capability, image=given.image, name=given.name, replicas=given.replicas)
    files = deploy_files(given.target, plan)
    if given.output == "-":
        for name, text in files.items():
            sys.stdout.write(f"---\n# {name}\n{text}")
        return 0
    folder = Path(given.output or f"deploy/{given.target}")
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    print(f"wrote {len(files)} files to {folder}", file=sys.stderr)
    return 0
