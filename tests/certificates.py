"""A throwaway authority for tests: makes server and client certificates as files in a directory."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NOW = datetime.datetime.now(datetime.UTC)


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its key, both as PEM files."""

    certfile: str
    keyfile: str


class Authority:
    """Trusted by whoever is given ``ca_file``, and by nobody else."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test Authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = _builder(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        certificate = builder.add_extension(usage, critical=True).add_extension(identifier, critical=False)
        signed = certificate.sign(self._key, hashes.SHA256())
        self.ca_file = str(directory / "authority.pem")
        Path(self.ca_file).write_bytes(signed.public_bytes(serialization.Encoding.PEM))

    def issue(self, *hosts: str, password: bytes | None = None, expired: bool = False) -> Issued:
        """A certificate for these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hosts[0])])
        end = NOW - datetime.timedelta(hours=1) if expired else NOW + datetime.timedelta(days=1)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        builder = _builder(subject, self._name, key, end).add_extension(
            x509.SubjectAlternativeName(list(map(_name, hosts))), False
        )
        signed = builder.add_extension(issuer, critical=False).sign(self._key, hashes.SHA256())
        stem = hosts[0].replace("*", "any") + ("-expired" if expired else "") + ("-locked" if password else "")
        issued = Issued(str(self._directory / f"{stem}.pem"), str(self._directory / f"{stem}.key"))
        lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        Path(issued.certfile).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
        Path(issued.keyfile).write_bytes(key.private_bytes(*form, lock))
        return issued

    def server_context(self, *hosts: str, expired: bool = False, ask_client: bool = False) -> ssl.SSLContext:
        """What a server on these hosts uses; with ``ask_client`` it insists on a certificate of this authority."""
        issued = self.issue(*hosts, expired=expired)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(issued.certfile, issued.keyfile)
        if ask_client:
            context.load_verify_locations(self.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, end: datetime.datetime | None = None
) -> x509.CertificateBuilder:
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(NOW - datetime.timedelta(days=1))
    return builder.not_valid_after(end or NOW + datetime.timedelta(days=1))


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
