"""Certificates of a daemon with TLS listeners and of its clients, and connections to it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import grpc
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bgcopy.v1.background_copy_manager_pb2_grpc import BackgroundCopyManagerStub
from tests.support.rpc_house import Caller

PEM = serialization.Encoding.PEM
Key = ec.EllipticCurvePrivateKey
ISSUED = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
DAYS = dt.timedelta(days=20_000)


class Authority:
    """An authority that issues certificates with any names."""

    def __init__(self, name: str, above: Authority | None = None) -> None:
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.above = above
        signer = above or self
        self.certificate = (
            _builder(self.name, signer.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(signer.key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        """Its certificate."""
        return self.certificate.public_bytes(PEM)

    def client(self, *names: x509.GeneralName, end: dt.timedelta = DAYS) -> tuple[bytes, bytes]:
        """Chain and key of a client; its common name is always that of somebody else."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "root.example.org")])
        builder = _builder(subject, self.name, key, end)
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        chain = builder.sign(self.key, hashes.SHA256()).public_bytes(PEM)
        return chain + (self.pem if self.above else b""), _pem_of(key)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, end: dt.timedelta = DAYS
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ISSUED)
        .not_valid_after(ISSUED + end)
    )


def _pem_of(key: Key) -> bytes:
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


class TlsFolder:
    """The daemon's files."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self.clients = folder / "clients.pem"
        self.clients_of = Authority("clients")
        self.renew()
        self.clients.write_bytes(self.clients_of.pem)

    def renew(self) -> None:
        """A new certificate of a new authority, as `roots` knows it."""
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        issued = authority.issue_cert("localhost", key_type=trustme.KeyType.ECDSA)
        self.roots = authority.cert_pem.bytes()
        self.key.touch(mode=0o600)
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.certificate.write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))

    def settings(self) -> dict[str, Any]:
        """As keyword arguments of Settings."""
        return {
            "tls_certificate_file": self.certificate,
            "tls_key_file": self.key,
            "tls_client_ca_file": self.clients,
        }


class TlsCaller(Caller):
    """A channel over TLS, with or without a certificate and a token."""

    def __init__(
        self, port: int, roots: bytes, own: tuple[bytes, bytes] | None = None, token: str = ""
    ) -> None:
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()
        chain, key = own or (None, None)
        options = [("grpc.use_local_subchannel_pool", 1)]
        secured = grpc.ssl_channel_credentials(roots, key, chain)
        self.channel = grpc.aio.secure_channel(f"localhost:{port}", secured, options=options)
        self.stub: Any = BackgroundCopyManagerStub(self.channel)
