"""``/openapi.json`` and ``/docs``: what a REST listener serves, for programs and for people.

The page holds no data: its script reads the document beside it, with a caller's credentials where the adapter wants some. So
the page is for everyone, and what it shows is for those the adapter would serve.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from naftiko_run.errors import MethodNotAllowed, RequestError
from naftiko_run.exposes.exposure import Exposure
from naftiko_run.exposes.guards.guard import Guard
from naftiko_run.exposes.messages import Handler, HttpAnswer, HttpRequest
from naftiko_run.values import dump_json

READING = ("GET", "HEAD")


def openapi_pages(exposures: Sequence[Exposure], guards: Mapping[int, Guard] | None = None) -> Mapping[str, Handler]:
    """Handlers by path. ``guards`` are those of exposures that have one, by id of the exposure."""
    return {"/openapi.json": openapi_page(exposures, guards or {}), "/docs": docs_page}


def openapi_page(exposures: Sequence[Exposure], guards: Mapping[int, Guard]) -> Handler:
    """The document, built on the first request for it; its server is whatever the request was sent to."""
    built: dict[bool, bytes] = {}
    anyones = [one for one in exposures if id(one) not in guards]

    async def handle(request: HttpRequest) -> HttpAnswer:
        _only_reading(request)
        from naftiko_run.exposes.openapi import build_openapi

        whole = not guards or await _is_known(request, guards, required=not anyones)
        if whole not in built:
            built[whole] = dump_json(build_openapi(exposures if whole else anyones))
        servers = dump_json([{"url": origin_of(request)}])
        body = b'{"servers":%b,%b' % (servers, built[whole][1:])
        return HttpAnswer(status=200, headers=[("Content-Type", "application/json"), ("Cache-Control", "no-cache")], body=body)

    return handle


async def _is_known(request: HttpRequest, guards: Mapping[int, Guard], *, required: bool) -> bool:
    """Whether one of the guards knows the caller. Raises what the last of them said, where somebody unknown gets nothing."""
    refusal: RequestError | None = None
    for guard in guards.values():
        try:
            await guard.check(request)
        except RequestError as error:
            refusal = error
        else:
            return True
    if required and refusal is not None:
        raise refusal
    return False


def origin_of(request: HttpRequest) -> str:
    """Scheme and host as the caller used them; the host was checked by the listener. TLS ends before us, if there is any."""
    scheme = request.header("x-forwarded-proto").partition(",")[0].strip().lower()
    return f"{'https' if scheme == 'https' else 'http'}://{request.header('host') or 'localhost'}"


async def docs_page(request: HttpRequest) -> HttpAnswer:
    _only_reading(request)
    body, policy = _docs()
    headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
    ]
    return HttpAnswer(status=200, headers=headers, body=body)


@cache
def _docs() -> tuple[bytes, str]:
    """The page with its style and script inlined, and the policy that lets exactly these two run."""
    from importlib.resources import files

    folder = files("naftiko_run.exposes").joinpath("docs")
    page, style, script = (folder.joinpath(name).read_text("utf-8") for name in ("page.html", "page.css", "page.js"))
    body = page.replace("/*style*/", style).replace("/*script*/", script)
    allowed = [
        "default-src 'none'", f"style-src '{_digest(style)}'", f"script-src '{_digest(script)}'", "connect-src 'self'",
        "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
    ]  # fmt: skip
    return body.encode(), "; ".join(allowed)


def _digest(text: str) -> str:
    import base64
    import hashlib

    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _only_reading(request: HttpRequest) -> None:
    if request.method not in READING:
        raise MethodNotAllowed(f"{request.method} is not served at {request.path!r}", allow=READING)
