"""``bearer``, ``apikey`` and ``basic``: callers show a secret that the document expects."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from naftiko_run.exposes.guards.expected import Expected
from naftiko_run.exposes.guards.guard import (
    CALLER_AUTH,
    REALM,
    CallerAuth,
    CallerBlock,
    Guard,
    GuardContext,
    Principal,
    only_header,
)
from naftiko_run.exposes.messages import HttpRequest

_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
MAX_CREDENTIAL = 8 * 1024


@CALLER_AUTH.register("bearer", "token")
def bearer(block: CallerBlock) -> CallerAuth:
    fields = block.pick(token=("token", "value"))
    if refusal := block.require(fields, "token"):
        return refusal
    return CallerAuth(kind="bearer", fields=fields, build=lambda v, c: BearerGuard(v["token"], c), at=block.node.location)


def credential(request: HttpRequest, scheme: str) -> str | None:
    """What follows ``scheme`` in the ``Authorization`` header; ``None`` where there is none of that scheme."""
    value = only_header(request, "authorization")
    if value is None:
        return None
    word, _, rest = value.partition(" ")
    if not value or word.lower() != scheme:
        return "" if not value else None
    return rest.strip(" ")


class BearerGuard(Guard):
    challenge = f'Bearer realm="{REALM}"'

    def __init__(self, token: str, context: GuardContext) -> None:
        super().__init__(context)
        token = token.strip()
        self._expected = Expected(token[7:].strip() if token[:7].lower() == "bearer " else token)

    def decide(self, request: HttpRequest) -> Principal:
        given = credential(request, "bearer")
        if given is None:
            raise self.missing()
        if len(given) > MAX_CREDENTIAL or not self._expected.matches(given):
            raise self.wrong(request, challenge=f'{self.challenge}, error="invalid_token"')
        return Principal(kind="bearer")


@CALLER_AUTH.register("apikey", "api-key", "api_key")
def apikey(block: CallerBlock) -> CallerAuth:
    """``key`` (or ``name``), ``value`` and ``placement`` (or ``in``): header, query or cookie."""
    node = block.node
    written = node.get("value", "token") is not None
    name = node.get_text("header", *(("key", "name") if written else ("name",)))
    if not written and not name:
        return block.refuse("the API key lacks its value", "write key: NAME and value: '{{VARIABLE}}' beside type")
    placement = node.get_text("placement", "in", default="header").lower()
    if placement not in READERS:
        hint = "write header, query or cookie"
        return block.refuse(f"an API key cannot be placed in {placement!r}", hint, at=node.get("placement", "in"))
    if not name or (placement != "query" and not _HEADER_NAME.fullmatch(name)):
        return block.refuse(f"{name!r} cannot name an API key", "write key: X-API-Key")
    fields = block.pick(value=("value", "token") if written else ("key",))
    if refusal := block.require(fields, "value"):
        return refusal
    return CallerAuth(
        kind="apikey", fields=fields, build=lambda v, c: KeyGuard(v["value"], READERS[placement], name, c), at=node.location,
        told={"name": name, "in": placement},
    )  # fmt: skip


def _in_header(request: HttpRequest, name: str) -> list[str]:
    lowered = name.lower()
    return [value for key, value in request.headers if key == lowered]


def _in_query(request: HttpRequest, name: str) -> list[str]:
    return [value for key, value in parse_qsl(request.query, keep_blank_values=True) if key == name] if request.query else []


def _in_cookie(request: HttpRequest, name: str) -> list[str]:
    pairs = [pair.strip().partition("=") for key, value in request.headers if key == "cookie" for pair in value.split(";")]
    return [value.strip('"') for key, _, value in pairs if key == name]


Reader = Callable[[HttpRequest, str], list[str]]
READERS: Mapping[str, Reader] = {"header": _in_header, "query": _in_query, "cookie": _in_cookie}


class KeyGuard(Guard):
    challenge = f'ApiKey realm="{REALM}"'

    def __init__(self, value: str, read: Reader, name: str, context: GuardContext) -> None:
        super().__init__(context)
        self._expected, self._read, self._name = Expected(value), read, name

    def decide(self, request: HttpRequest) -> Principal:
        given = self._read(request, self._name)
        if not given:
            raise self.missing()
        if len(given) > 1 or len(given[0]) > MAX_CREDENTIAL or not self._expected.matches(given[0]):
            raise self.wrong(request)
        return Principal(kind="apikey")


@CALLER_AUTH.register("basic")
def basic(block: CallerBlock) -> CallerAuth:
    fields = block.pick(username=("username", "user"), password=("password",))
    if refusal := block.require(fields, "username", "password"):
        return refusal
    return CallerAuth(
        kind="basic", fields=fields, open_fields=frozenset({"username"}), at=block.node.location,
        build=lambda v, c: BasicGuard(v["username"], v["password"], c),
    )  # fmt: skip


class BasicGuard(Guard):
    challenge = f'Basic realm="{REALM}", charset="UTF-8"'

    def __init__(self, username: str, password: str, context: GuardContext) -> None:
        super().__init__(context)
        self._name = username
        self._username, self._password = Expected(username), Expected(password)

    def decide(self, request: HttpRequest) -> Principal:
        given = credential(request, "basic")
        if given is None:
            raise self.missing()
        try:
            text = base64.b64decode(given[:MAX_CREDENTIAL], validate=True).decode()
        except (binascii.Error, ValueError):
            text = ""
        username, colon, password = text.partition(":")
        # Both are always compared: which of them is wrong must not show in the time.
        known, right = self._username.matches(username), self._password.matches(password)
        if not (colon and known and right):
            raise self.wrong(request)
        return Principal(kind="basic", name=self._name)
