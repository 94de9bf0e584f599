"""``bearer``, ``basic``, ``header``, ``query`` and ``http``: fixed credentials in their usual places."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from naftiko_run.consumes.auth_schemes.placed import InHeaders, InQuery
from naftiko_run.consumes.auth_schemes.scheme import (
    AUTH_SCHEMES,
    FORBIDDEN,
    TOKEN,
    AuthBlock,
    Authentication,
    Authenticator,
)
from naftiko_run.document.nodes import Node
from naftiko_run.expressions.template import Template

AUTHORIZATION = frozenset({"authorization"})


@AUTH_SCHEMES.register("bearer", "token")
def bearer(block: AuthBlock) -> Authentication:
    """``token`` (or ``value``), which may bring its own ``Bearer``."""
    fields = block.pick(token=("token", "value", "accessToken", "key"))
    if refusal := block.require(fields, "token"):
        return refusal
    if fields["token"].source.strip() == "":
        block.problems.warn("W-AUTH-EMPTY", "the bearer token is empty, so none is sent", block.node, "write token: '{{NAME}}'")
    return Authentication(
        kind="bearer", namespace=block.namespace, fields=fields, build=_build_bearer, header_names=AUTHORIZATION,
        at=block.node.location,
    )  # fmt: skip


def bearer_header(token: str) -> str:
    """``Bearer <token>``, the word only once."""
    token = token.strip()
    return token if token[:7].lower() == "bearer " else f"Bearer {token}"


def _build_bearer(values: Mapping[str, str]) -> Authenticator:
    token = values["token"].strip()
    return InHeaders({"Authorization": bearer_header(token)} if token else {})


@AUTH_SCHEMES.register("basic")
def basic(block: AuthBlock) -> Authentication:
    """``username`` and ``password``; either may be empty, a missing one counts as empty."""
    empty = Template(source="", parts=())
    fields = {"username": empty, "password": empty, **block.pick(username=("username", "user"), password=("password",))}
    return Authentication(
        kind="basic", namespace=block.namespace, fields=fields, open_fields=frozenset({"username"}), build=_build_basic,
        header_names=AUTHORIZATION, at=block.node.location,
    )  # fmt: skip


def basic_header(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _build_basic(values: Mapping[str, str]) -> Authenticator:
    return InHeaders({"Authorization": basic_header(values["username"], values["password"])})


@AUTH_SCHEMES.register("http")
def http(block: AuthBlock) -> Authentication:
    """The way OpenAPI writes it: ``scheme: bearer`` or ``basic``."""
    scheme = block.node.get_text("scheme").lower()
    if scheme == "bearer":
        return bearer(block)
    if scheme == "basic":
        return basic(block)
    return block.refuse(f"authentication scheme {scheme!r} is not supported", "write type: bearer or type: basic")


@AUTH_SCHEMES.register("header", "headers")
def header(block: AuthBlock) -> Authentication:
    """``header`` (or ``name``, ``key``) and ``value`` (or ``token``); or a map or list of ``headers``."""
    pairs = dict(block.pairs("headers", "parameters"))
    value = block.node.get("value", "token")
    name = block.node.get_text("header", "name", "key")
    if not pairs and name and value is not None:
        pairs = {name: value}
    return in_headers(block, pairs, kind="header")


@AUTH_SCHEMES.register("query")
def query(block: AuthBlock) -> Authentication:
    """``parameters`` as a map or a list of ``{name, value}``; or one ``name`` (or ``key``) and ``value``."""
    pairs = dict(block.pairs("parameters", "query"))
    value = block.node.get("value", "token")
    name = block.node.get_text("name", "key")
    if not pairs and name and value is not None:
        pairs = {name: value}
    return in_query(block, pairs, kind="query")


def in_headers(block: AuthBlock, pairs: Mapping[str, Node], *, kind: str) -> Authentication:
    if not pairs:
        return block.refuse("authentication names no header", "write header: and value: beside type", code="E-AUTH-INCOMPLETE")
    for name, node in pairs.items():
        if not TOKEN.fullmatch(name) or name.lower() in FORBIDDEN:
            return block.refuse(f"{name!r} is no header that can be set", "name another header", at=node, code="E-AUTH-HEADER")
        if name.lower() == "authorization" and node.text.lstrip().startswith("AWS4-HMAC-SHA256"):
            hint = "write type: aws-sig-v4 with accessKeyId, secretKey, region and service; it is sent as written"
            block.problems.warn("W-AUTH-AWS", "an AWS signature cannot be a fixed header value", node, hint)
    return Authentication(
        kind=kind, namespace=block.namespace, fields={name: block.template(node) for name, node in pairs.items()},
        build=InHeaders, header_names=frozenset(name.lower() for name in pairs), at=block.node.location,
    )  # fmt: skip


def in_query(block: AuthBlock, pairs: Mapping[str, Node], *, kind: str) -> Authentication:
    if not pairs:
        return block.refuse(
            "authentication names no query parameter", "write parameters: {name: value}", code="E-AUTH-INCOMPLETE"
        )
    return Authentication(
        kind=kind, namespace=block.namespace, fields={name: block.template(node) for name, node in pairs.items()},
        build=InQuery, query_names=frozenset(pairs), at=block.node.location,
    )  # fmt: skip
