"""``apikey``: one secret under one name, in all the spellings that published documents use for it."""

from __future__ import annotations

from collections.abc import Mapping

from naftiko_run.consumes.auth_schemes.placed import InBody, InCookie, InPath
from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES, TOKEN, AuthBlock, Authentication, Authenticator
from naftiko_run.consumes.auth_schemes.simple import in_headers, in_query
from naftiko_run.document.nodes import Node


@AUTH_SCHEMES.register("apikey", "api-key", "api_key")
def apikey(block: AuthBlock) -> Authentication:
    """``key``, ``value`` and ``placement``, or ``name``, ``value`` and ``in``; several in ``headers`` or ``parameters``."""
    placement = block.node.get_text("placement", "in", default="header").lower()
    if block.node.get("headers") is not None:
        return in_headers(block, dict(block.pairs("headers")), kind="apikey")
    if block.node.get("parameters") is not None:
        several = in_headers if placement == "header" else in_query
        return several(block, dict(block.pairs("parameters")), kind="apikey")
    name, value = _name_and_value(block.node)
    if not name or value is None:
        absent = "the name of its header or parameter" if not name else "its value"
        hint = "write key: NAME, value: '{{VARIABLE}}' and placement: header or query"
        return block.refuse(f"the API key lacks {absent}", hint, code="E-AUTH-INCOMPLETE")
    if placement in ("header", "headers"):
        return in_headers(block, {name: value}, kind="apikey")
    if placement in ("query", "querystring"):
        return in_query(block, {name: value}, kind="apikey")
    return _elsewhere(block, placement, name, value)


def _name_and_value(node: Node) -> tuple[str, Node | None]:
    """Where another key names the header and there is no value, ``key`` is the secret itself."""
    value = node.get("value", "token", "secret")
    named = node.get_text("header", "name")
    if value is None and named:
        return named, node.get("key", "apiKey")
    return node.get_text("header") or node.get_text("key", "name"), value


def _elsewhere(block: AuthBlock, placement: str, name: str, value: Node) -> Authentication:
    fields = {"value": block.template(value)}
    if placement == "path":
        return Authentication(
            kind="apikey", namespace=block.namespace, fields=fields, build=lambda v: InPath(name, v["value"]),
            path_names=frozenset({name}), at=block.node.location,
        )  # fmt: skip
    builders = {"cookie": InCookie, "body": InBody, "form": InBody, "formdata": InBody}
    if placement not in builders:
        hint = "write one of header, query, cookie, body and path"
        return block.refuse(f"an API key cannot be placed in {placement!r}", hint, at=block.node.get("placement", "in"))
    if placement == "cookie" and not TOKEN.fullmatch(name):
        return block.refuse(f"{name!r} is no cookie name", "name another cookie", code="E-AUTH-HEADER")

    def build(values: Mapping[str, str]) -> Authenticator:
        return builders[placement](name, values["value"])

    owned, nothing = frozenset({name}), frozenset[str]()
    cookies, members = (owned, nothing) if placement == "cookie" else (nothing, owned)
    return Authentication(
        kind="apikey", namespace=block.namespace, fields=fields, build=build, cookie_names=cookies, body_names=members,
        at=block.node.location,
    )  # fmt: skip
