"""What the parts that know callers need of those that read certificates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bgcopyd.jobs.principal import Principal


class CertificateProblem(Exception):
    """Certificates or keys that cannot be used; says which file, and what to do."""


@dataclass(frozen=True, slots=True)
class TlsMaterial:
    """What a TLS listener shows and believes (PEM); `clients` is empty where none are asked for."""

    key: bytes
    chain: bytes
    clients: bytes


class TlsFiles(Protocol):
    """The files of the listeners."""

    def latest(self) -> TlsMaterial:
        """As the files are now; as they were where they cannot be used now."""


class CertificateCallers(Protocol):
    """Finds who shows a certificate."""

    def principal(self, leaf: bytes, chain: bytes) -> Principal:
        """The principal of a certificate (PEM) that came with a chain.

        Raises:
            Refusal: CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
