"""``aws-sig-v4``: AWS Signature Version 4, computed over each request.

The algorithm is public and short, and the vendor's own library is larger than this whole runtime. Canonicalisation follows
the published description: path and query of the request are already percent-encoded, so a path is encoded once more for every
service but S3.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from naftiko_run.consumes.auth_schemes.scheme import (
    AUTH_SCHEMES,
    AuthBlock,
    Authentication,
    Authenticator,
    header_value,
    set_header,
)
from naftiko_run.consumes.messages import UpstreamRequest

ALGORITHM = "AWS4-HMAC-SHA256"
_OWNED = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})


@AUTH_SCHEMES.register("aws-sig-v4", "aws-sigv4", "sigv4", "awssigv4")
def aws(block: AuthBlock) -> Authentication:
    fields = block.pick(
        access_key=("accessKeyId", "accessKey"),
        secret_key=("secretKey", "secretAccessKey"),
        region=("region",),
        service=("service",),
        session_token=("sessionToken",),
    )
    absent = [name for name in ("access_key", "secret_key", "region", "service") if name not in fields]
    if absent:
        hint = "write accessKeyId, secretKey, region and service beside type"
        return block.refuse("an AWS signature cannot be computed from what authentication holds", hint)
    return Authentication(
        kind="aws-sig-v4", namespace=block.namespace, fields=fields, open_fields=frozenset({"region", "service"}),
        build=_build, header_names=_OWNED, at=block.node.location,
    )  # fmt: skip


def _build(values: Mapping[str, str]) -> Authenticator:
    return AwsSignature(
        access_key=values["access_key"], secret_key=values["secret_key"], region=values["region"], service=values["service"],
        session_token=values.get("session_token", ""),
    )  # fmt: skip


class AwsSignature(Authenticator):
    def __init__(
        self, *, access_key: str, secret_key: str, region: str, service: str, session_token: str = "",
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:  # fmt: skip
        self._access_key, self._secret_key = header_value("Authorization", access_key), secret_key
        self._region, self._service, self._session_token = region, service, header_value("X-Amz-Security-Token", session_token)
        self._now = now

    def apply(self, request: UpstreamRequest) -> None:
        moment = self._now().strftime("%Y%m%dT%H%M%SZ")
        payload = hashlib.sha256(request.body or b"").hexdigest()
        request.headers = [pair for pair in request.headers if pair[0].lower() not in _OWNED]
        set_header(request, "X-Amz-Date", moment)
        if self._session_token:
            set_header(request, "X-Amz-Security-Token", self._session_token)
        if self._service == "s3":
            set_header(request, "X-Amz-Content-Sha256", payload)
        signed, canonical = self._canonical(request, payload)
        scope = f"{moment[:8]}/{self._region}/{self._service}/aws4_request"
        text = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()))
        signature = hmac.new(self._key(moment[:8]), text.encode(), hashlib.sha256).hexdigest()
        credential = f"{ALGORITHM} Credential={self._access_key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        set_header(request, "Authorization", credential)

    def _canonical(self, request: UpstreamRequest, payload: str) -> tuple[str, str]:
        path, _, query = request.target.partition("?")
        headers = {"host": request.origin.authority}
        for name, value in request.headers:
            lowered = name.lower()
            if lowered == "content-type" or lowered.startswith("x-amz-"):
                headers[lowered] = " ".join(value.split())
        signed = ";".join(sorted(headers))
        lines = [f"{name}:{headers[name]}\n" for name in sorted(headers)]
        canonical = (request.method, self._path(path), _canonical_query(query), "".join(lines), signed, payload)
        return signed, "\n".join(canonical)

    def _path(self, path: str) -> str:
        if self._service == "s3":
            return path or "/"
        kept: list[str] = []
        for segment in path.split("/"):
            if segment == "..":
                kept = kept[:-1]
            elif segment not in ("", "."):
                kept.append(quote(segment, safe="~"))
        return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self._secret_key}".encode()
        for part in (day, self._region, self._service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


def _canonical_query(query: str) -> str:
    pairs = []
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        # A plus is a space on its way here, and must not be one afterwards.
        pairs.append(tuple(quote(unquote(text.replace("+", " ")), safe="~") for text in (name, value)))
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))
