"""``certificate``: the consumer shows a client certificate (mutual TLS), from PEM files or one PKCS #12 file.

TLS reads keys from files only, so a PKCS #12 file is unpacked into a private folder, its key encrypted under a password that
nobody but this process knows, and removed when the process ends.
"""

from __future__ import annotations

import atexit
import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from naftiko_run.binds import Secret
from naftiko_run.consumes.auth_schemes.scheme import AUTH_SCHEMES, AuthBlock, Authentication, Authenticator
from naftiko_run.consumes.settings import ClientCertificate
from naftiko_run.document.file_location import written_path
from naftiko_run.errors import BindingError


@AUTH_SCHEMES.register("certificate", "mtls", "mutual-tls", "client-certificate")
def certificate(block: AuthBlock) -> Authentication:
    """``certPath``, with ``keyPath`` where the key lies apart, and ``certPassword`` where it is encrypted."""
    fields = block.pick(
        cert_path=("certPath", "certificate", "cert", "certFile"),
        key_path=("keyPath", "key", "keyFile"),
        password=("certPassword", "keyPassword", "password", "passphrase"),
    )
    if "cert_path" not in fields:
        return block.require({}, "certPath") or Authentication(kind="certificate")
    directory = Path(block.node.file).parent
    return Authentication(
        kind="certificate", namespace=block.namespace, fields=fields, open_fields=frozenset({"cert_path", "key_path"}),
        build=lambda values: ShowsCertificate(values, directory), at=block.node.location,
    )  # fmt: skip


class ShowsCertificate(Authenticator):
    """Adds nothing to requests: the connection itself carries the credential."""

    def __init__(self, values: Mapping[str, str], directory: Path) -> None:
        path = _existing(directory, values["cert_path"])
        password = values.get("password", "")
        if path.suffix.lower() in (".p12", ".pfx"):
            self.certificate = _unpack(path, password)
        else:
            key = _existing(directory, values["key_path"]) if values.get("key_path") else ""
            self.certificate = ClientCertificate(str(path), str(key), Secret(password) if password else None)


def _existing(directory: Path, written: str) -> Path:
    """Relative to the document; requirement S34: inside its folder, or an absolute path."""
    path = Path(written_path(written))
    resolved = (directory / path).resolve()
    if not path.is_absolute() and not resolved.is_relative_to(directory.resolve()):
        raise BindingError(f"the certificate {written!r} lies outside the capability's folder", hint="write its absolute path")
    if not resolved.is_file():
        raise BindingError(f"the certificate file {str(resolved)!r} does not exist", hint="correct certPath")
    return resolved


def _unpack(path: Path, password: str) -> ClientCertificate:
    from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, own, others = load_key_and_certificates(path.read_bytes(), password.encode() or None)
    except ValueError as exc:
        hint = "check certPassword, and that the file is PKCS #12"
        raise BindingError(f"the certificate file {str(path)!r} cannot be opened", hint=hint, code="E-SECRET-INVALID") from exc
    if key is None or own is None:
        raise BindingError(f"{str(path)!r} holds no certificate with a key", code="E-SECRET-INVALID")
    folder = Path(tempfile.mkdtemp(prefix="naftiko-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own_password = secrets.token_urlsafe(32)
    sealed = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(own_password.encode()))
    chain = b"".join(c.public_bytes(Encoding.PEM) for c in (own, *others))
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").touch(mode=0o600)
    (folder / "key.pem").write_bytes(sealed)
    return ClientCertificate(str(folder / "chain.pem"), str(folder / "key.pem"), Secret(own_password))
