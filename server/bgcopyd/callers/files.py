"""Certificate, key and clients' authorities of the TLS listeners, read again when they change."""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bgcopyd.queue.callers import CertificateProblem, TlsMaterial

logger = logging.getLogger(__name__)

_PRIVATE = 0o600
_ENCODING = serialization.Encoding.DER
_FORMAT = serialization.PublicFormat.SubjectPublicKeyInfo

# When files were written and how long they are: other content has another.
_Signature = tuple[tuple[int, int, int], ...]


class TlsFileSet:
    """The files. Handshakes ask from gRPC's threads, calls from the loop.

    Args:
        clients: certificates of the authorities whose clients are believed; None for none.

    Raises:
        CertificateProblem: they cannot be used.
    """

    def __init__(self, certificate: Path, key: Path, clients: Path | None) -> None:
        self._certificate = certificate
        self._key = key
        self._clients = clients
        self._lock = threading.Lock()
        self._signature = self._sign()
        self._material = self._read()

    def latest(self) -> TlsMaterial:
        """As the files are now; as they were where they cannot be used, which is logged once."""
        with self._lock:
            signature = self._sign()
            if signature != self._signature:
                self._signature = signature
                try:
                    self._material = self._read()
                    logger.info("the certificates of the TLS listeners were read again")
                except CertificateProblem as problem:
                    logger.error("the former certificates stay in use: %s", problem)  # noqa: TRY400 - no defect
            return self._material

    def _sign(self) -> _Signature:
        return tuple(_stamp(path) for path in (self._certificate, self._key, self._clients) if path)

    def _read(self) -> TlsMaterial:
        chain, key = _content(self._certificate), _private(self._key)
        clients = b"" if self._clients is None else _content(self._clients)
        leaf = certificates(self._certificate, chain)[0]
        if self._clients is not None:
            certificates(self._clients, clients)
        if _public(self._key, key) != leaf.public_key().public_bytes(_ENCODING, _FORMAT):
            raise CertificateProblem(
                f"the key in {self._key} is not that of the certificate in {self._certificate}"
            )
        return TlsMaterial(key, chain, clients)


def certificates(path: Path | str, content: bytes) -> Sequence[x509.Certificate]:
    """The certificates in a file.

    Raises:
        CertificateProblem: there is none, or one is malformed.
    """
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise CertificateProblem(f"{path} holds no certificate in PEM") from None


def _public(path: Path, key: bytes) -> bytes:
    try:
        private = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError):
        raise CertificateProblem(f"{path} holds no private key in PEM without password") from None
    return private.public_key().public_bytes(_ENCODING, _FORMAT)


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise CertificateProblem(f"{path} cannot be read: {problem.strerror}") from None


def _private(path: Path) -> bytes:
    """The content of a file that nobody else may read."""
    content = _content(path)
    state = path.stat()
    mode = stat.S_IMODE(state.st_mode)
    if mode & ~_PRIVATE:
        raise CertificateProblem(
            f"the key file {path} has mode {mode:04o}, so that others may read it; run "
            f"'chmod 600 {path}', and change the key if they may have"
        )
    if state.st_uid not in {0, os.geteuid()}:
        raise CertificateProblem(f"the key file {path} belongs to another user; make it yours")
    return content
