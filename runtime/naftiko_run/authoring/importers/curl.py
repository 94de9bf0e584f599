"""A ``curl`` command line becomes one operation: its address, its method, and what it sends as inputs with these defaults.

Credentials of the command are never written down: their place is kept, and their value becomes the name of a variable.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

from naftiko_run.authoring.importers.bodies import FORM, is_json, tag
from naftiko_run.authoring.importers.draft import IMPORTERS, METHODS, Draft, DraftInput, DraftOperation, ImportOptions
from naftiko_run.authoring.importers.naming import input_name, kebab, prose, unique
from naftiko_run.authoring.importers.security import variable
from naftiko_run.errors import DocumentError, Problems
from naftiko_run.records import field, record

_SECRET = re.compile(r"api[-_]?key|token|secret|auth|credential|session|cookie|password", re.IGNORECASE)
_BY_ITSELF = frozenset({"accept-encoding", "user-agent", "host", "content-length", "connection", "referer", "origin"})
_VALUED = {
    "-X": "method", "--request": "method", "-H": "header", "--header": "header", "-d": "data", "--data": "data",
    "--data-raw": "data", "--data-binary": "data", "--data-ascii": "data", "--data-urlencode": "data", "--json": "json",
    "-F": "form", "--form": "form", "--form-string": "form", "-u": "user", "--user": "user", "--url": "url",
    "-b": "cookie", "--cookie": "cookie", "-A": "", "--user-agent": "", "-e": "", "--referer": "", "-o": "", "--output": "",
    "-m": "", "--max-time": "", "--connect-timeout": "", "--retry": "", "-x": "", "--proxy": "", "--cacert": "", "-w": "",
    "--write-out": "", "-E": "", "--cert": "", "--key": "", "-T": "", "--upload-file": "", "--resolve": "", "--max-redirs": "",
    "--oauth2-bearer": "bearer",
}  # fmt: skip


@record(frozen=False, kw_only=False)
class _Command:
    url: str = ""
    method: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    data: list[str] = field(default_factory=list)
    form: list[str] = field(default_factory=list)
    json: bool = False
    get: bool = False
    head: bool = False
    user: bool = False
    bearer: bool = False


@IMPORTERS.register("curl")
def import_curl(text: str, options: ImportOptions, problems: Problems) -> Draft:
    """Read one command."""
    command = _read(text)
    parts = urlsplit(command.url if "://" in command.url else f"https://{command.url}")
    if not parts.hostname:
        raise DocumentError("the command names no URL", code="E-IMPORT-CURL", hint="curl https://api.example.com/things")
    method = _method(command)
    host = parts.netloc.rpartition("@")[2]
    namespace = kebab(options.namespace or parts.hostname.removeprefix("www.").removeprefix("api."), "api")
    draft = Draft(namespace=namespace, title=parts.hostname, description=f"One call of {parts.hostname}.",
                  base_uri=options.server or f"{parts.scheme}://{host}")  # fmt: skip
    path = parts.path or "/"
    operation = DraftOperation(
        name=kebab(f"{method} {path}")[:60].rstrip("-"), method=method, path=path, description=f"{method} {path}"
    )
    _add_headers(command, draft, operation)
    for wire, value in parse_qsl(parts.query, keep_blank_values=True):
        _add_value(draft, operation, wire, value, "query")
    _add_data(command, operation, draft)
    draft.operations.append(operation)
    return draft


def _read(text: str) -> _Command:
    try:
        words = shlex.split(text.replace("\\\n", " "))
    except ValueError as error:
        raise DocumentError(f"the command cannot be read: {str(error).lower()}", code="E-IMPORT-CURL") from error
    if not words or words[0] not in ("curl", "$"):
        raise DocumentError("this is no curl command", code="E-IMPORT-CURL", hint="it starts with `curl`")
    command = _Command()
    rest = iter(words[1:] if words[0] == "curl" else words[2:])
    for word in rest:
        _take(word, rest, command)
    return command


def _take(word: str, rest: Iterator[str], command: _Command) -> None:
    name, equals, value = word.partition("=")
    if not word.startswith("-") or word == "-":
        command.url = command.url or word
    elif word in ("-G", "--get"):
        command.get = True
    elif word in ("-I", "--head"):
        command.head = True
    elif word in _VALUED:
        _use(_VALUED[word], next(rest, ""), command)
    elif word.startswith("--") and equals and name in _VALUED:
        _use(_VALUED[name], value, command)
    elif not word.startswith("--") and word[:2] in _VALUED and len(word) > 2:
        _use(_VALUED[word[:2]], word[2:], command)


def _use(what: str, value: str, command: _Command) -> None:
    if what == "method":
        command.method = value.upper()
    elif what == "url":
        command.url = value
    elif what == "header":
        name, _, text = value.partition(":")
        command.headers.append((name.strip(), text.strip()))
    elif what == "cookie":
        command.headers.append(("Cookie", value))
    elif what == "user":
        command.user = True
    elif what == "bearer":
        command.bearer = True
    elif what == "form":
        command.form.append(value)
    elif what in ("data", "json"):
        command.data.append(value)
        command.json = command.json or what == "json"


def _method(command: _Command) -> str:
    method = command.method or ("POST" if (command.data or command.form) and not command.get else "GET")
    if method not in METHODS or command.head:
        raise DocumentError(
            f"{'HEAD' if command.head else method} requests are not imported",
            code="E-IMPORT-CURL",
            hint="GET, POST, PUT, PATCH or DELETE",
        )
    return method


def _add_headers(command: _Command, draft: Draft, operation: DraftOperation) -> None:
    if command.user:
        draft.authentication = {
            "type": "basic",
            "username": variable(draft, "USERNAME"),
            "password": variable(draft, "PASSWORD"),
        }
    if command.bearer:
        draft.authentication = {"type": "bearer", "token": variable(draft, "TOKEN")}
    for name, value in command.headers:
        lowered = name.lower()
        if lowered in _BY_ITSELF or lowered in ("content-type", "accept") or not name:
            continue
        if lowered == "authorization":
            scheme = value.partition(" ")[0].lower()
            basic = (
                {"type": "basic", "username": variable(draft, "USERNAME"), "password": variable(draft, "PASSWORD")}
                if scheme == "basic"
                else None
            )
            draft.authentication = basic or (
                {"type": "bearer", "token": variable(draft, "TOKEN")} if scheme == "bearer"
                else {"type": "apikey", "key": name, "value": variable(draft, "API_KEY"), "placement": "header"}
            )  # fmt: skip
        elif _SECRET.search(name) and draft.authentication is None:
            draft.authentication = {"type": "apikey", "key": name, "value": variable(draft, "API_KEY"), "placement": "header"}
        elif _SECRET.search(name):
            draft.fixed.append(
                DraftInput(name=name, wire=name, place="header", value=variable(draft, kebab(name).replace("-", "_").upper()))
            )
        else:
            _add_value(draft, operation, name, value, "header")


def _add_value(draft: Draft, operation: DraftOperation, wire: str, value: str, place: str) -> None:
    """A query value or header of the command: an input that keeps it as default, or a credential."""
    if _SECRET.search(wire) and place == "query" and draft.authentication is None:
        draft.authentication = {"type": "apikey", "key": wire, "value": variable(draft, "API_KEY"), "placement": "query"}
        return
    name = unique(wire, {one.name for one in operation.inputs}, "_")
    operation.inputs.append(DraftInput(name=name, wire=wire, place=place, description=prose(wire), default=value))


def _add_data(command: _Command, operation: DraftOperation, draft: Draft) -> None:
    if command.get:
        for piece in command.data:
            for wire, value in parse_qsl(piece, keep_blank_values=True):
                _add_value(draft, operation, wire, value, "query")
        return
    if command.form:
        fields = [piece.partition("=")[::2] for piece in command.form]
        inputs = [_body_input(operation, wire, "" if value.startswith("@") else value) for wire, value in fields]
        parts: list[dict[str, object]] = []
        for one, (wire, value) in zip(inputs, fields, strict=True):
            extra = (
                {"filename": value[1:].partition(";")[0], "contentType": "application/octet-stream"}
                if value.startswith("@")
                else {}
            )
            parts.append({"name": wire, "value": tag(one), **extra})
        operation.body = {"type": "multipartForm", "data": parts}
        return
    if command.data:
        _add_body("&".join(command.data), command, operation)


def _add_body(text: str, command: _Command, operation: DraftOperation) -> None:
    declared = next((value for name, value in command.headers if name.lower() == "content-type"), "")
    media = "application/json" if command.json else declared.partition(";")[0].strip().lower()
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if (is_json(media) or not media) and isinstance(value, dict) and value:
        operation.body = {
            "type": "json",
            "data": {wire: tag(_body_input(operation, wire, item)) for wire, item in value.items()},
        }
    elif is_json(media) or value is not None:
        operation.body = {"type": "json", "data": tag(_body_input(operation, "body", value))}
    elif media in ("", FORM):
        pairs = parse_qsl(text, keep_blank_values=True)
        operation.body = {
            "type": "formUrlEncoded",
            "data": {wire: tag(_body_input(operation, wire, item)) for wire, item in pairs},
        }
    else:
        word = "xml" if media.endswith(("/xml", "+xml")) else "text" if media == "text/plain" else media
        operation.body = {"type": word, "data": tag(_body_input(operation, "body", text))}


def _body_input(operation: DraftOperation, wire: str, value: object) -> DraftInput:
    """An input for a field of the body; a secret-looking one has no default."""
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (dict, "object"), (list, "array"))
    kind = next((word for known, word in kinds if isinstance(value, known)), "string")
    default = None if _SECRET.search(wire) or value in ("", None) else value
    name = unique(input_name(wire), {one.name for one in operation.inputs}, "_")
    one = DraftInput(
        name=name, wire=wire, place="body", type=kind, description=prose(wire), default=default, required=default is None
    )
    operation.inputs.append(one)
    return one
