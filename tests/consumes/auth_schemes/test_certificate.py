"""Client certificates: what the document names becomes a TLS connection that a server with demands accepts."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from naftiko_run.consumes.authentication import compile_authentication
from naftiko_run.consumes.settings import ClientCertificate, ClientSettings
from naftiko_run.consumes.tls import build_tls_context
from naftiko_run.document.reader import read_text
from naftiko_run.errors import BindingError, Problems
from naftiko_run.expressions.reference import Names
from naftiko_run.expressions.scope import Scope


class Pair(NamedTuple):
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate


def issue(name: str, issuer: Pair | None = None) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    signer = issuer or Pair(key, None)  # type: ignore[arg-type]  # a root signs itself
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.key.public_key()), critical=False)
    )
    return Pair(key, builder.sign(signer.key, SHA256()))


@pytest.fixture(scope="module")
def authority() -> Pair:
    return issue("authority")


@pytest.fixture
def folder(tmp_path: Path, authority: Pair) -> Path:
    """A client as PKCS #12 and as PEM (both under the password ``letmein``), a server, and their authority."""
    client, server = issue("client-7", authority), issue("server", authority)
    locked, plain = BestAvailableEncryption(b"letmein"), NoEncryption()
    (tmp_path / "ca.pem").write_bytes(authority.certificate.public_bytes(Encoding.PEM))
    for name, pair, lock in (("client", client, locked), ("server", server, plain)):
        (tmp_path / f"{name}.pem").write_bytes(pair.certificate.public_bytes(Encoding.PEM))
        (tmp_path / f"{name}.key").write_bytes(pair.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    (tmp_path / "client.p12").write_bytes(serialize_key_and_certificates(b"c", client.key, client.certificate, None, locked))
    return tmp_path


def bound(block: str, folder: Path) -> ClientCertificate | None:
    node = read_text(f"authentication: {block}\n", file=str(folder / "cap.yaml")).get("authentication")
    authentication = compile_authentication(node, Names(), Problems(), namespace="acme")
    assert authentication is not None
    return authentication.bind(Scope(binds={"PASSWORD": "letmein", "FOLDER": str(folder)})).certificate


async def subject_seen(folder: Path, certificate: ClientCertificate | None) -> str:
    """The name in the certificate that a server asking for one gets to see."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    seen: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.set_result(dict(pair[0] for pair in writer.get_extra_info("peercert")["subject"])["commonName"])
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        tls = build_tls_context(ClientSettings(ca_file=str(folder / "ca.pem"), client_cert=certificate))
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls)
        try:
            return await asyncio.wait_for(seen, 5)
        finally:
            writer.close()


@pytest.mark.parametrize(
    "block",
    [
        "{type: certificate, certPath: client.p12, certPassword: '{{PASSWORD}}'}",
        "{type: certificate, certPath: '{{FOLDER}}/client.p12', certPassword: '{{PASSWORD}}'}",
        "{type: mtls, certPath: client.pem, keyPath: client.key, certPassword: '{{PASSWORD}}'}",
    ],
)
async def test_the_server_sees_the_certificate(folder: Path, block: str):
    assert await subject_seen(folder, bound(block, folder)) == "client-7"


def test_an_unpacked_key_is_private_and_encrypted(folder: Path):
    certificate = bound("{type: certificate, certPath: client.p12, certPassword: letmein}", folder)
    assert certificate is not None

    key = Path(certificate.keyfile)
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert b"ENCRYPTED PRIVATE KEY" in key.read_bytes()


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ("{type: certificate, certPath: client.p12, certPassword: wrong}", "cannot be opened"),
        ("{type: certificate, certPath: absent.p12}", "does not exist"),
        ("{type: certificate, certPath: ../other.p12}", "lies outside the capability's folder"),
    ],
)
def test_an_unusable_certificate_is_said(folder: Path, block: str, said: str):
    with pytest.raises(BindingError, match=said):
        bound(block, folder)
