"""Forwarding: a request that no operation handles becomes the upstream's, and its answer ours.

Only what is safe travels: the query and the body as they came, each path segment under the same rule as any path value
(requirement S32), and of the headers those that describe the body plus the ones named in ``trustedHeaders``. The caller's
credentials are not among them unless named; the consumer's own are added by the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlencode

from naftiko_run.consumes.messages import UpstreamReply, UpstreamRequest
from naftiko_run.consumes.operation import IDEMPOTENT, Target, header_text
from naftiko_run.consumes.parameter import Parameter
from naftiko_run.consumes.paths import PathVariable, encode_segment
from naftiko_run.exposes.exposure import ForwardRoute
from naftiko_run.exposes.messages import HttpAnswer, HttpRequest
from naftiko_run.expressions.scope import MISSING, Scope
from naftiko_run.expressions.text import to_text

_ALWAYS = ("accept", "accept-language", "content-type", "if-match", "if-none-match", "range")
HOP_BY_HOP = frozenset(
    (
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_OURS = frozenset(("content-length", "content-encoding", "date", "server"))


def forward_request(
    route: ForwardRoute,
    request: HttpRequest,
    values: Mapping[str, str],
    target: Target,
    parameters: Sequence[Parameter],
    scope: Scope,
) -> UpstreamRequest:
    """The upstream request. ``values`` are the path variables as they came, still percent-encoded; the one called ``path``,
    else the last, is the path to forward to.
    """
    path = target.prefix + _forwarded_path(values)
    trusted = {name.lower() for name in route.trusted_headers} - HOP_BY_HOP - {"host", "content-length"}
    headers = [(n, v) for n, v in request.headers if n in trusted or n in _ALWAYS]
    headers += target.headers
    query = [urlencode([pair]) for pair in target.query]
    query += [request.query] if request.query else []
    for parameter in parameters:
        value = parameter.value.render(scope) if parameter.value is not None else MISSING
        if value is MISSING:
            continue
        if parameter.place == "header":
            headers = [pair for pair in headers if pair[0].lower() != parameter.name.lower()]
            headers.append((parameter.name, header_text(parameter.name, value)))
        elif parameter.place == "query":
            query.append(urlencode({parameter.name: to_text(value)}))
    return UpstreamRequest(
        method=request.method,
        origin=target.origin,
        target=(path or "/") + (f"?{'&'.join(query)}" if query else ""),
        headers=headers,
        body=request.body or None,
        idempotent=request.method in IDEMPOTENT,
        operation=f"{route.namespace}.*",
    )


def _forwarded_path(values: Mapping[str, str]) -> str:
    """Each segment under the rule of path values: decoded, checked, encoded; what was one segment stays one."""
    name = "path" if "path" in values else next(reversed(tuple(values)), "")
    raw = values.get(name, "")
    if not raw:
        return ""
    *segments, last = [unquote(segment) for segment in raw.split("/")]
    variable = PathVariable(name=name)
    encoded = [encode_segment(variable, segment) for segment in segments]
    return "/" + "/".join([*encoded, encode_segment(variable, last) if last else ""])


def forward_answer(reply: UpstreamReply) -> HttpAnswer:
    """The answer as received, without what belongs to one connection."""
    named = {name.strip().lower() for key, value in reply.headers if key == "connection" for name in value.split(",")}
    kept = [(n, v) for n, v in reply.headers if n not in HOP_BY_HOP and n not in _OURS and n not in named]
    return HttpAnswer(status=reply.status, headers=kept, body=reply.body)
