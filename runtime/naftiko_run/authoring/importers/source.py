"""A file name or URL in, the text of the document out, within its limits (L9). Text in, plain data out.

URLs go through the one checked client: no redirects, no proxies from the environment, the egress rules of every other call.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from naftiko_run.consumes.base_uri import split_base
from naftiko_run.consumes.client import HttpClient
from naftiko_run.consumes.messages import Deadline, UpstreamRequest
from naftiko_run.consumes.settings import ClientSettings
from naftiko_run.document.reader import read_text
from naftiko_run.errors import BindingError, DocumentError
from naftiko_run.limits import Limits
from naftiko_run.records import replace
from naftiko_run.values import depth_exceeds, load_json

FETCH_SECONDS = 30.0
_FENCE = re.compile(r"^(`{3,})[^\n]*\n(.*?)^\1\s*$", re.MULTILINE | re.DOTALL)
_ROOT_KEY = re.compile(r"^\s*(?:\{\s*)?[\"']?(?:openapi|swagger)[\"']?\s*:", re.MULTILINE)


def is_url(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def read_source(source: str, limit: int) -> str:
    """The text of a file."""
    path = Path(source)
    if not path.is_file():
        raise BindingError(f"there is no file {source!r}", code="E-NO-FILE", hint="name a file, or an http(s) URL")
    with path.open("rb") as handle:
        data = handle.read(limit + 1)
    return decode(data, source, limit)


async def fetch(url: str, settings: ClientSettings, limit: int, *, accept: str = "*/*") -> bytes:
    """The body of a successful GET; anything else is one sentence."""
    parts = urlsplit(url)
    origin, _, problem = split_base(f"{parts.scheme}://{parts.netloc}")
    if origin is None:
        raise BindingError(f"the URL is unusable: {problem}", code="E-USAGE")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = UpstreamRequest(method="GET", origin=origin, target=target, headers=[("Accept", accept)], idempotent=True)
    client = HttpClient("import", replace(settings, limits=replace(settings.limits, response_body=limit)))
    try:
        reply = await client.send(request, Deadline(FETCH_SECONDS))
    finally:
        await client.close()
    if 300 <= reply.status < 400:
        hint = (
            f"redirects are not followed; name the address itself{': ' + where if (where := reply.header('location')) else ''}"
        )
        raise BindingError(f"{origin} answered with a redirect ({reply.status})", code="E-FETCH", hint=hint)
    if reply.status != 200:
        raise BindingError(f"{origin} answered {reply.status}", code="E-FETCH", hint="check the address in a browser")
    return reply.body


def decode(data: bytes, name: str, limit: int) -> str:
    if len(data) > limit:
        raise DocumentError(f"{name!r} is larger than {limit} bytes", code="E-LIMIT", hint="import a part of it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name!r} is not UTF-8 text", code="E-ENCODING") from error


def parse(text: str, name: str, limits: Limits) -> dict[str, object]:
    """JSON or YAML, or the first such block of a Markdown page, as plain data."""
    text = _block(text)
    value: object = None
    if text.lstrip()[:1] == "{":
        if depth_exceeds(text.encode(), limits.response_json_depth):
            raise DocumentError(f"{name!r} nests deeper than {limits.response_json_depth} levels", code="E-LIMIT")
        try:
            value = load_json(text)
        except ValueError:
            value = None
    if value is None:
        wide = replace(
            limits, file_bytes=limits.openapi_bytes, file_events=limits.file_events * 4, file_scalar=limits.openapi_bytes,
            file_depth=limits.response_json_depth,
        )  # fmt: skip
        value = read_text(text, file=name, limits=wide).plain()
    if not isinstance(value, dict):
        raise DocumentError(
            f"{name!r} is no mapping", code="E-IMPORT-OPENAPI", hint="an OpenAPI document starts with `openapi:`"
        )
    return value


def _block(text: str) -> str:
    """The document inside a Markdown page; any other text as it is."""
    for match in _FENCE.finditer(text):
        if _ROOT_KEY.search(match[2][:2000]):
            return match[2]
    return text
