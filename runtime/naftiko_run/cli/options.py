"""Options that several verbs share: words in, typed settings out; a wrong one is one sentence and exit code 2."""

from __future__ import annotations

import argparse
import logging
import math
import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from naftiko_run.errors import BindingError, suggest

if TYPE_CHECKING:
    from naftiko_run.capability import Capability
    from naftiko_run.consumes.settings import Network as Network
    from naftiko_run.exposes.control.logs import LogHub
    from naftiko_run.redaction import Redactor


@cache
def _columns() -> int:
    """The width of the terminal. ``shutil`` knows it too, and takes long to import."""
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(1).columns or 80)
    except (ValueError, OSError):
        return 80


class Help(argparse.HelpFormatter):
    """Made by argparse for every option that is added, so it must be made quickly."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


class Parser(argparse.ArgumentParser):
    """An argument parser whose error is one sentence in our form."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"formatter_class": Help, **given})

    def error(self, message: str) -> None:  # type: ignore[override]  # argparse says NoReturn; raising is
        hint = f"`{self.prog} --help` lists the options"
        if message.startswith("unrecognized arguments:"):
            # Names only: a value may be a secret, given where none belongs (requirement S62).
            given = [word.partition("=")[0] for word in message.split()[2:] if word.startswith("-")]
            message = f"unknown option {given[0]!r}" if given else "there are more arguments than expected"
            import difflib

            close = difflib.get_close_matches(given[0], self._option_string_actions, n=1) if given else []
            hint = f"did you mean {close[0]!r}? {hint}" if close else hint
            if not given and "--input" in self._option_string_actions:
                hint = f"inputs are given with -i NAME=VALUE; {hint}"
        raise BindingError(message, code="E-USAGE", hint=hint)


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """What decides how a file is compiled."""
    parser.add_argument(
        "--base-uri", action="append", default=[], metavar="NAMESPACE=URL",
        help="call this URL instead of the namespace's declared base URI (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--bearer", action="append", default=[], metavar="NAMESPACE=VARIABLE",
        help="send the variable's value as bearer token to a namespace that declares no authentication (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--api-key", action="append", default=[], metavar="NAMESPACE=HEADER:VARIABLE",
        help="send the variable's value in this header to a namespace that declares no authentication (repeatable)",
    )  # fmt: skip
    parser.add_argument(
        "--strict",
        action="store_true",
        help="refuse files with error findings; when serving, also what is neither granted nor pinned (see docs/security.md)",
    )
    parser.add_argument(
        "--expose-all", action="store_true", help="expose every consumed operation of a file that exposes nothing itself"
    )


def pairs(values: Iterable[str], option: str, shape: str) -> dict[str, str]:
    """``NAME=VALUE`` words as a dictionary. A word of another shape is not repeated: it may be a secret (requirement S62)."""
    found = {}
    for value in values:
        name, equals, rest = value.partition("=")
        if not equals or not name or not rest:
            hint = "NAMESPACE is the `namespace` of a `consumes` entry" if shape.startswith("NAMESPACE") else ""
            raise BindingError(f"{option} is not given as {shape}", code="E-USAGE", hint=hint)
        found[name.strip()] = rest.strip()
    return found


def base_uris(values: Iterable[str]) -> dict[str, str]:
    """Base URIs by namespace. What is unusable is not repeated: it may hold user info."""
    from naftiko_run.consumes.base_uri import split_base

    found = pairs(values, "--base-uri", "NAMESPACE=URL")
    for namespace, url in found.items():
        problem = ""
        if not url.startswith(("http://", "https://", "//")) or not url.isprintable() or " " in url:
            problem = "is not an http or https URL"
        elif "{" not in url and split_base(url)[0] is None:
            problem = "holds user info" if "@" in url else "is not a URL with a host and a usable port"
        if problem:
            hint = f"--base-uri {namespace}=https://..."
            raise BindingError(f"--base-uri of {namespace!r} {problem}", code="E-USAGE", hint=hint)
    return found


def check_namespaces(named: Iterable[str], capabilities: Iterable[Capability]) -> None:
    """Refuse an option for a namespace that no file consumes: it would change nothing, silently."""
    known = {consumer.namespace for capability in capabilities for consumer in capability.consumers}
    for namespace in named:
        if namespace not in known:
            raise BindingError(
                f"no file consumes a namespace {namespace!r}, which an option names",
                code="E-USAGE",
                hint=suggest(namespace, known),
            )


def amount(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 up")
    return value


def positive(text: str) -> float:
    """A number of seconds, as argparse reads it."""
    value = amount(text)
    if not value:
        raise argparse.ArgumentTypeError("0 leaves no time at all")
    return value


def process_count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 64")
    return int(text)


def origin(text: str) -> str:
    """``https://host[:port]`` or ``*``, as browsers write origins."""
    if text != "*" and not re.fullmatch(r"https?://[^/?#@\s]+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an origin such as https://app.example.org")
    return text


def credentials(bearer: Iterable[str], api_key: Iterable[str]) -> dict[str, dict[str, str]]:
    """Authentication blocks by namespace, as an author would write them."""
    found: dict[str, dict[str, str]] = {}
    for namespace, variable in pairs(bearer, "--bearer", "NAMESPACE=VARIABLE").items():
        found[namespace] = {"type": "bearer", "token": f"{{{{{variable}}}}}"}
    for namespace, rest in pairs(api_key, "--api-key", "NAMESPACE=HEADER:VARIABLE").items():
        header, _, variable = rest.partition(":")
        if not variable:
            message = f"--api-key of {namespace!r} is not given as NAMESPACE=HEADER:VARIABLE"
            raise BindingError(message, code="E-USAGE", hint="VARIABLE names the variable that holds the key")
        found[namespace] = {"type": "apikey", "key": header, "value": f"{{{{{variable}}}}}", "placement": "header"}
    return found


def networks(values: Iterable[str]) -> tuple[Network, ...]:
    """``--allow-net`` words as networks."""
    from ipaddress import ip_network

    try:
        return tuple(ip_network(text) for text in values)
    except ValueError as error:
        raise BindingError(f"--allow-net: {error}", code="E-USAGE", hint="write it like 10.0.0.0/8") from None


def environment(env_files: Iterable[str]) -> Mapping[str, str]:
    """The process environment over what ``--env-file`` files say."""
    found: dict[str, str] = {}
    for name in env_files:
        from naftiko_run.bind_providers.env_file import read_env_file

        found.update(read_env_file(Path(name)))
    return {**found, **os.environ}


DOCUMENTS = (".yaml", ".yml")


def find_files(
    words: Iterable[str], *, accept: Callable[[Path], bool] | None = None, networks: Sequence[Network] = ()
) -> tuple[list[Path], bool]:
    """The files that words name: a file, a folder (searched below), a glob. Second: whether a folder or glob was among them.

    A bare name that is not in the working directory is looked for in ``./capabilities/``. Mock documents and tests are left
    out. What stands at a URL is fetched; ``networks`` are private ones it may lead to.
    """
    found: list[Path] = []
    gathered = False
    for word in words:
        path = Path(word)
        if word.startswith(("https://", "http://")):
            from naftiko_run.cli.remote import fetched

            found.append(fetched(word, networks))
        elif path.is_dir():
            gathered = True
            found += [p for p in sorted(path.rglob("*")) if is_document(p) and p.is_file() and not _hidden(p, path)]
        elif path.exists():
            found.append(path)
        elif any(sign in word for sign in "*?["):
            import glob

            gathered = True
            found += [p for p in map(Path, sorted(glob.glob(word, recursive=True))) if is_document(p) and p.is_file()]
        elif path.name == word and (Path("capabilities") / word).exists():
            found.append(Path("capabilities") / word)
        else:
            raise BindingError(f"there is no file {word!r}", code="E-NO-FILE", hint=_nearby(path))
    chosen = [p for p in dict.fromkeys(found) if accept is None or accept(p)]
    return chosen, gathered


def is_document(path: Path) -> bool:
    return path.suffix.lower() in DOCUMENTS and not path.name.endswith((".mock.yaml", ".mock.yml", ".test.yaml", ".test.yml"))


def _hidden(path: Path, below: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(below).parts)


def _nearby(path: Path) -> str:
    """A hint for a word that names nothing: a file of nearly that name, or a verb that was meant."""
    from naftiko_run.cli.main import VERBS

    folder = path.parent if path.parent.is_dir() else Path()
    names = {p.stem: str(folder / p.name) for p in folder.iterdir() if is_document(p)}
    if path.name == str(path) and not path.suffix:
        names |= {verb: verb for verb in VERBS}
    import difflib

    close = difflib.get_close_matches(path.stem, names, n=1)
    return f"did you mean {names[close[0]]!r}?" if close else f"looked in {str(path.parent)!r} and in 'capabilities'"


def configure_logging(form: str, level: str) -> None:
    """Log to standard error, one line or one JSON object a record.

    Libraries only warn: what they say in detail holds header values and whole URLs (requirement S60).
    """
    handler = logging.StreamHandler()
    if form == "json":
        handler.setFormatter(_JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel("ERROR" if level == "error" else "WARNING")
    logging.getLogger("naftiko_run").setLevel(level.upper())


def hide_secrets(redactor: Redactor) -> None:
    """Clean every record that is logged from now on (requirement S60)."""
    from naftiko_run.redaction import RedactionFilter

    for handler in logging.getLogger().handlers:
        handler.addFilter(RedactionFilter(redactor))


def hear(hub: LogHub, redactor: Redactor) -> None:
    """Let those who listen at the control port hear what is logged, cleaned; and tell every record its trace."""
    from naftiko_run.redaction import RedactionFilter
    from naftiko_run.telemetry.log import TraceFilter

    root = logging.getLogger()
    hub.addFilter(RedactionFilter(redactor))
    root.addHandler(hub)
    for handler in root.handlers:
        handler.addFilter(TraceFilter())


class _JsonFormatter(logging.Formatter):
    """One JSON object a line: ``time``, ``level``, ``logger``, ``message``; ``traceId`` and ``exception`` if there are any."""

    def format(self, record: logging.LogRecord) -> str:
        import json
        from datetime import UTC, datetime

        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = {"time": when, "level": record.levelname.lower(), "logger": record.name, "message": record.getMessage()}
        if trace := getattr(record, "trace_id", ""):
            said["traceId"] = trace
        exception = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        return json.dumps({**said, "exception": exception} if exception else said)
