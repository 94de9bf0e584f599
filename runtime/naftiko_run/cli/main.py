"""The command: words in, an exit code out. Each verb is a module that is imported when it is asked for.

``naftiko-run FILE...`` is short for ``naftiko-run serve FILE...``. Exit codes: 0 done, 1 the documents have findings, 2 it
could not be done (usage, a missing variable, a port in use, an unreadable file).
"""

from __future__ import annotations

import gc
import importlib
import sys

from naftiko_run import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:  # `typing` alone takes longer than `--version` does
    from collections.abc import Sequence
    from typing import Protocol

    class Verb(Protocol):
        def run(self, arguments: list[str]) -> int: ...


VERBS = {
    "serve": "serve capability files (the default)",
    "validate": "check capability files, for CI",
    "inspect": "show what a file serves, reads, calls and needs",
    "new": "write a starter capability (also `create capability`)",
    "create": "`create capability` is `new`",
    "import": "make a capability from an OpenAPI document, a curl command or a Postman collection",
    "export": "write the OpenAPI document of a capability",
    "upgrade": "rewrite a file in the newest spelling",
    "diff": "compare what two files serve",
    "call": "run one operation or tool once",
    "explain": "show what a call would send, or what a diagnostic code means",
    "test": "run the exchange tests of a capability",
    "deploy": "write manifests for other engines",
    "lock": "pin what a file reads, runs and calls",
    "health": "ask a running process whether it is ready",
    "status": "show what a running process serves",
    "traces": "show the latest requests of a running process",
    "metrics": "show the metrics of a running process",
    "scripting": "show or change how a running process runs scripts",
    "reload": "make a running process read its files again",
}

# A word of Python cannot name a module; `create capability` is the language's own word for `new`.
_MODULES = {"import": "import_", "create": "new"}


USAGE = """usage: naftiko-run FILE... [options]
       naftiko-run VERB [options]

Serve capability files: one YAML document becomes live REST and MCP adapters.

verbs:
{verbs}

`naftiko-run VERB --help` lists a verb's options. `naftiko-run serve --help` lists those of `naftiko-run FILE`.
`naftiko-run --version` says which version this is.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; never lets an exception out."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words in (["--version"], ["-V"]):
        print(f"naftiko-run {__version__}")
        return 0
    if not words or words[0] in ("--help", "-h", "help"):
        listed = "\n".join(f"  {name:<10} {text}" for name, text in VERBS.items())
        print(USAGE.format(verbs=listed), end="")
        return 0 if words else 2
    return _run(words)


def _run(words: list[str]) -> int:
    from naftiko_run.errors import NaftikoError

    name = words[0] if words[0] in VERBS else "serve"
    try:
        return _verb(name).run(words[1:] if name == words[0] else words)
    except NaftikoError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    except Exception as error:
        return _bug(error)


def _verb(name: str) -> Verb:
    """The module of a verb. What is imported stays, so nobody looks for garbage in it meanwhile."""
    gc.disable()
    try:
        return importlib.import_module(f"naftiko_run.cli.{_MODULES.get(name, name)}")
    finally:
        gc.enable()


def _bug(error: Exception) -> int:
    """Our mistake: one sentence, and the details for a report where they were asked for."""
    import os
    import traceback

    print(f"naftiko-run: internal error ({type(error).__name__}); set NAFTIKO_DEBUG=1 for details", file=sys.stderr)
    if os.environ.get("NAFTIKO_DEBUG"):
        traceback.print_exc()
    return 2


def run_main() -> None:
    sys.exit(main())


if __name__ == "__main__":
    run_main()
