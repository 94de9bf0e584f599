"""Text in, placed nodes out: YAML read under limits, with refusals that name a line.

The parser's events become nodes as they arrive (see ``construction``), so a limit stops a hostile file before anything is
built from it. What the words of a document mean is elsewhere: see ``dialect``.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable
from pathlib import Path

import yaml

from naftiko_run.document.construction import Builder, Event
from naftiko_run.document.nodes import Document
from naftiko_run.document.truncation import drop_damaged_tail, find_marker, refuse_truncated
from naftiko_run.errors import DocumentError, Location
from naftiko_run.limits import DEFAULT_LIMITS, Limits

# What YAML calls printable, turned round. Checked first, because the parser's own words for it name no line.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
_PRINTABLE = b"\t\n\r" + bytes(range(0x20, 0x7F))


def read_document(path: Path, *, limits: Limits = DEFAULT_LIMITS, display: str | None = None) -> Document:
    """Read a capability file; ``display`` is how messages name it (default: the path as given)."""
    file = display or str(path)
    data = _read_bytes(path, file, limits)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise _error("E-ENCODING", "the file is not UTF-8 text", _place_of_byte(data, exc.start, file),
                     "save the file as UTF-8") from exc  # fmt: skip
    root = read_text(text, file=file, limits=limits)
    root.path_on_disk = path.absolute()
    return root


def read_text(text: str, *, file: str, limits: Limits = DEFAULT_LIMITS) -> Document:
    """Read the text of a capability document; ``file`` is how messages name it."""
    _check_text(text, file, limits)
    marker = find_marker(text)
    try:
        root = _parse(text, file, limits)
    except yaml.YAMLError as exc:
        if marker:
            raise refuse_truncated(marker, file) from exc
        raise _yaml_error(exc, file, text) from exc
    except (ValueError, OverflowError) as exc:  # an escape the parser cannot decode
        raise _error("E-YAML", "this is not valid YAML: a character escape cannot be decoded", _at(file)) from exc
    if marker:
        drop_damaged_tail(root, marker)
    return root


def _parse(text: str, file: str, limits: Limits) -> Document:
    root = Builder(_event_source(text), file, limits).build()
    if root is None:
        raise _error("E-EMPTY", "the document is empty", _at(file), "a capability file starts with `naftiko:` or `ikanos:`")
    return root


def _event_source(text: str) -> Callable[[], Event]:
    if not yaml.__with_libyaml__:
        return pure_event_source(text)
    from yaml._yaml import CParser  # the parser alone: a loader would prepare to make plain values, too

    return CParser(text).get_event


def pure_event_source(text: str) -> Callable[[], Event]:
    """The same events from the parser written in Python, for installations without the C one."""
    return yaml.SafeLoader(text).get_event


# ---- guards


def _read_bytes(path: Path, file: str, limits: Limits) -> bytes:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise _error("E-FILE", f"'{file}' is a directory", None, "name a file in it")
        if not stat.S_ISREG(mode):  # opening a pipe could wait for ever
            raise _error("E-FILE", f"'{file}' is not a regular file", None)
        with path.open("rb") as handle:
            return handle.read(limits.file_bytes + 1)
    except FileNotFoundError as exc:
        raise _error("E-FILE", f"there is no file '{file}'", None, "check the path, it is relative to where you are") from exc
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)
        raise _error("E-FILE", f"'{file}' cannot be read: {reason.lower()}", None) from exc


def _check_text(text: str, file: str, limits: Limits) -> None:
    # A character is at most four bytes, so counting bytes is only needed near the limit.
    if len(text) * 4 > limits.file_bytes and len(text.encode("utf-8", "surrogatepass")) > limits.file_bytes:
        raise _error(
            "E-LIMIT", f"the document is larger than {limits.file_bytes} bytes", _at(file), "split it into several files"
        )
    if text.isascii() and not text.encode("ascii").translate(None, _PRINTABLE):  # the same question for most files, and quicker
        return
    found = _UNPRINTABLE.search(text)
    if found:
        name = f"U+{ord(found[0]):04X}"
        raise _error("E-CONTROL-CHARACTER", f"the control character {name} is not allowed in a document",
                     _place_of(text, found.start(), file), "remove it")  # fmt: skip


# ---- places and errors


def _error(code: str, message: str, at: Location | None, hint: str = "") -> DocumentError:
    return DocumentError(message, code=code, at=at, hint=hint)


def _yaml_error(exc: yaml.YAMLError, file: str, text: str) -> DocumentError:
    mark = getattr(exc, "problem_mark", None) or getattr(exc, "context_mark", None)
    at = _at(file, mark.line + 1, mark.column + 1) if mark else _at(file)
    problem = str(getattr(exc, "problem", None) or getattr(exc, "reason", None) or "it cannot be parsed")
    context = getattr(exc, "context", None)
    said = f"{problem} ({context})" if context else problem
    lines = text.split("\n")
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    return _error("E-YAML", f"this is not valid YAML: {said}", at, _advice(problem, line))


def _advice(problem: str, line: str) -> str:
    if line.lstrip(" ").startswith("\t"):
        return "indent with spaces, YAML does not allow tabs"
    if "mapping values are not allowed" in problem:
        return "indent this line like its neighbours, or quote the value if it contains ': '"
    if "cannot start any token" in problem:
        return "quote the value if it starts with a special character"
    return "check the indentation of this line and the one before it, and for a missing quote, bracket or colon"


def _at(file: str, line: int = 1, column: int = 1) -> Location:
    return Location(file=file, line=line, column=column)


def _place_of(text: str, index: int, file: str) -> Location:
    before = text[:index]
    return _at(file, before.count("\n") + 1, index - before.rfind("\n"))


def _place_of_byte(data: bytes, index: int, file: str) -> Location:
    before = data[:index].decode("utf-8", "replace")
    return _at(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
