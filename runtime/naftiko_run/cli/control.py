"""What the verbs of a running process share: where its control port is, with which credential, and one request to it.

Address and port come from flags, else the environment, else the first control adapter of a file in the working directory, else
the defaults. A credential is named by the variable that holds it (requirement S62).
"""

from __future__ import annotations

import argparse
import base64
import json
import os
from pathlib import Path
from typing import cast

from naftiko_run.cli import options as shared
from naftiko_run.errors import BindingError, NaftikoError
from naftiko_run.records import record

DEFAULT_PORT = 9099
PREFIXES = ("NAFTIKO", "IKANOS")


@record(kw_only=False)
class ControlAnswer:
    status: int
    text: str

    @property
    def json(self) -> dict[str, object]:
        """The answer as an object, empty where it is none."""
        try:
            value = json.loads(self.text)
        except ValueError:
            return {}
        return cast("dict[str, object]", value) if isinstance(value, dict) else {}

    @property
    def error(self) -> str:
        said = self.json.get("error") or self.json.get("detail")
        return str(said or f"the control port answered {self.status}")


def control_parser(verb: str, text: str) -> argparse.ArgumentParser:
    found = shared.Parser(prog=f"naftiko-run {verb}", description=text)
    where = found.add_argument_group("the running process")
    where.add_argument("--port", type=int, metavar="PORT", help="its control port (default: found, see docs/control.md)")
    where.add_argument("--address", default="", metavar="HOST", help="its address (default localhost)")
    where.add_argument("--url", default="", metavar="URL", help="both at once, for https or a path in front")
    where.add_argument("--timeout", type=shared.positive, default=10.0, metavar="SECONDS", help="wait this long (default 10)")
    secret = found.add_argument_group("credentials, by the names of variables")
    secret.add_argument("--token-env", default="", metavar="NAME", help="send this variable's value as bearer token")
    secret.add_argument("--api-key-env", default="", metavar="HEADER:NAME", help="send this variable's value in a header")
    secret.add_argument("--basic-env", default="", metavar="USER:NAME", help="send this user and this variable's value")
    return found


def ask(given: argparse.Namespace, method: str, path: str, body: object = None) -> ControlAnswer:
    """One request to the control port; raises ``BindingError`` where nobody answers or the credential is missing."""
    import httpx2

    base = control_url(given)
    content = json.dumps(body).encode() if body is not None else None
    headers = {**credential(given), **({"Content-Type": "application/json"} if content else {})}
    try:
        with httpx2.Client(trust_env=False, timeout=given.timeout) as client:
            answer = client.request(method, f"{base}{path}", headers=headers, content=content)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        hint = "is it running, with a control adapter? name it with --port and --address"
        message = f"nobody answers at {base} ({type(error).__name__})"
        raise BindingError(message, code="E-CONTROL-UNREACHABLE", hint=hint) from error
    found = ControlAnswer(answer.status_code, answer.text)
    if found.status in (401, 403):
        hint = "name the variable with the credential: --token-env NAME"
        raise BindingError(f"the control port refuses us ({found.status})", code="E-CONTROL-REFUSED", hint=hint)
    if found.status == 404 and not path.startswith("/traces/"):
        hint = "its `management` or `observability` block decides what exists"
        raise BindingError(f"the control adapter does not serve {path}", code="E-CONTROL-OFF", hint=hint)
    return found


def credential(given: argparse.Namespace) -> dict[str, str]:
    if given.token_env:
        return {"Authorization": f"Bearer {_variable(given.token_env)}"}
    if given.api_key_env:
        header, _, name = given.api_key_env.partition(":")
        return {header: _variable(name)}
    if given.basic_env:
        user, _, name = given.basic_env.partition(":")
        return {"Authorization": f"Basic {base64.b64encode(f'{user}:{_variable(name)}'.encode()).decode()}"}
    return {}


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise BindingError(f"the variable {name!r} has no value", code="E-SECRET-MISSING", hint="write its name, not its value")
    return value


# ---- where


def control_url(given: argparse.Namespace) -> str:
    if given.url:
        return str(given.url).rstrip("/")
    address = given.address or _environment("CONTROL_ADDRESS") or "localhost"
    port = given.port if given.port is not None else _port()
    return f"http://{f'[{address}]' if ':' in address else address}:{port}"


def _port() -> int:
    named = _environment("CONTROL_PORT")
    if named:
        if not named.isdigit():
            raise BindingError(f"{named!r} is not a port", code="E-USAGE", hint="check NAFTIKO_CONTROL_PORT")
        return int(named)
    return _declared_port(Path()) or DEFAULT_PORT


def _environment(name: str) -> str:
    return next((value for prefix in PREFIXES if (value := os.environ.get(f"{prefix}_{name}"))), "")


def _declared_port(folder: Path) -> int | None:
    """The port of the first control adapter that a file in ``folder`` declares."""
    from naftiko_run.document.reader import read_document

    for path in sorted(p for p in folder.iterdir() if shared.is_document(p) and p.is_file()):
        try:
            root = read_document(path)
        except NaftikoError:
            continue
        exposes = (root.get("capability") or root).get("exposes")
        for entry in exposes.elements() if exposes is not None else ():
            if entry.get_text("type") == "control" and (port := entry.get_int("port")):
                return port
    return None
