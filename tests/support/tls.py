"""Certificates for tests: authorities, servers' contexts, clients' files."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme


def context(
    authority: trustme.CA, name: str = "localhost", *, clients: trustme.CA | None = None
) -> ssl.SSLContext:
    """A server's context; with `clients` only those with a certificate of theirs get in."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    if clients is not None:
        clients.configure_trust(made)
        made.verify_mode = ssl.CERT_REQUIRED
        # With TLS 1.3 the refusal comes after the handshake, and a reset may overtake it.
        made.maximum_version = ssl.TLSVersion.TLSv1_2
    return made


def write_ca(authority: trustme.CA, folder: Path, name: str = "ca.pem") -> Path:
    """The authority's certificate in a file."""
    path = folder / name
    authority.cert_pem.write_to_path(str(path))
    return path


def write_client(authority: trustme.CA, folder: Path, name: str) -> Path:
    """A client's certificate with its key in one file."""
    path = folder / f"{name}.pem"
    authority.issue_cert(f"{name}@example.com").private_key_and_cert_chain_pem.write_to_path(
        str(path)
    )
    return path
