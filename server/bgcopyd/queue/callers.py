"""What the parts that know callers need of those that judge certificates and signatures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bgcopyd.jobs.principal import Principal, Scope


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


@dataclass(frozen=True, slots=True)
class JwtIssuer:
    """Whose signed tokens are believed, and for what.

    The keys are in `jwks_file` or at `jwks_url`, whose server `ca_file` vouches for. `scopes` tells
    what words of `scope_claim` give; None leaves that to the rights of the owner.
    """

    issuer: str
    audience: str
    jwks_file: Path | None
    jwks_url: str
    ca_file: Path | None
    algorithms: tuple[str, ...]
    leeway: float
    scope_claim: str
    scopes: Mapping[str, Scope] | None


class SignedCallers(Protocol):
    """Finds who shows a signed token."""

    async def principal(self, text: str, digest: bytes) -> Principal:
        """The principal of a token, whose SHA-256 is `digest`.

        Raises:
            Refusal: CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
