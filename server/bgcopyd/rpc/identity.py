"""Who calls: a presented credential decides, and only without one the socket does."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol

from bgcopyd.jobs.principal import ALL_SCOPES, Principal
from bgcopyd.jobs.reasons import Reason
from bgcopyd.jobs.refusal import Refusal
from bgcopyd.queue.callers import CertificateCallers, SignedCallers
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Token

Metadata = Sequence[tuple[str, str | bytes]]

LOCAL = "local:"
_SCHEME = "bearer "


def own_principal() -> Principal:
    """The daemon's own user."""
    return Principal(f"{LOCAL}{os.getuid()}", ALL_SCOPES)


class Connection(Protocol):
    """What a call's context tells of its connection."""

    def peer(self) -> str:
        """The other end, as "unix:" or "ipv4:127.0.0.1:5"."""

    def auth_context(self) -> Mapping[str, Iterable[bytes]]:
        """What the handshake of TLS has found out."""


class Identities:
    """Finds the principal of a call.

    Args:
        token: looks up a token by its digest, at every call, so that a revocation acts at once.
        used: is told the id of each token that identified a caller.
        certificates: finds who shows a certificate; None where nobody can.
        signed: finds who shows a signed token; None where nobody can.
        shared: whether several users can reach the Unix sockets, so that they make nobody known.
    """

    def __init__(
        self,
        token: Callable[[bytes], Awaitable[Token | None]],
        used: Callable[[str], None],
        clock: Clock,
        *,
        certificates: CertificateCallers | None = None,
        signed: SignedCallers | None = None,
        shared: bool = False,
    ) -> None:
        self._token = token
        self._used = used
        self._clock = clock
        self._certificates = certificates
        self._signed = signed
        # A socket that is not shared lies in a directory that only the daemon's user can enter.
        self._local = None if shared else own_principal()

    async def of_call(self, metadata: Metadata, connection: Connection) -> Principal:
        """The principal of a call with this metadata on this connection.

        Raises:
            Refusal: CREDENTIAL_MISSING, CREDENTIAL_INVALID, CREDENTIAL_EXPIRED.
        """
        presented = [value for key, value in metadata if key == "authorization"]
        if presented:
            return await self._of_credential(presented, connection)
        unix = _by_socket(connection)
        if unix and self._local is not None:
            return self._local
        certified = self._of_certificate(connection)
        if certified is not None:
            return certified
        source = "; the socket of this one's name with '.id' hands one out" if unix else ""
        raise Refusal(
            Reason.CREDENTIAL_MISSING,
            f"a credential is needed here: send 'authorization: Bearer TOKEN'{source}",
        )

    async def confirm(self, caller: Principal, metadata: Metadata, connection: Connection) -> None:
        """Judges the credential of an open stream once more.

        A user of this machine stays who he is for as long as his connection.

        Raises:
            Refusal: as `of_call`.
        """
        if not caller.id.startswith(LOCAL):
            await self.of_call(metadata, connection)

    def _of_certificate(self, connection: Connection) -> Principal | None:
        if self._certificates is None:
            return None
        told = connection.auth_context()
        leaf = b"".join(told.get("x509_pem_cert", ()))
        if not leaf:
            return None
        return self._certificates.principal(leaf, b"".join(told.get("x509_pem_cert_chain", ())))

    async def _of_credential(
        self, presented: list[str | bytes], connection: Connection
    ) -> Principal:
        value = presented[0]
        if len(presented) > 1 or not isinstance(value, str) or value[:7].lower() != _SCHEME:
            raise Refusal(
                Reason.CREDENTIAL_INVALID,
                "the authorization metadata is malformed: send one value, 'Bearer TOKEN'",
            )
        text = value[7:].strip()
        digest = hashlib.sha256(text.encode()).digest()
        # Only signed tokens have dots.
        if self._signed is not None and "." in text:
            return await self._signed.principal(text, digest)
        token = await self._token(digest)
        local = token is not None and not token.token_id
        # What a socket handed out stays on this machine.
        if token is None or token.revoked or (local and not _by_socket(connection)):
            raise Refusal(Reason.CREDENTIAL_INVALID, "the token is unknown or revoked")
        if token.expire_time is not None and token.expire_time <= self._clock.now():
            raise Refusal(Reason.CREDENTIAL_EXPIRED, "the token has expired")
        if not local:
            self._used(token.token_id)
        return token.principal


def _by_socket(connection: Connection) -> bool:
    return connection.peer().startswith("unix:")
