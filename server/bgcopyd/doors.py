"""Puts together what tells who calls: tokens, local users, certificates, and what each may."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bgcopyd.callers.peers import LocalTokens, PeerSockets
from bgcopyd.config import Settings, TcpListener
from bgcopyd.config.jwt import jwt_issuers
from bgcopyd.jobs.principal import Principal
from bgcopyd.queue.clock import Clock
from bgcopyd.queue.storage import Store, Token
from bgcopyd.queue.tokens import TokenUses, bounded
from bgcopyd.rpc.identity import Identities, own_principal

if TYPE_CHECKING:
    from bgcopyd.callers.certificates import ShownCertificates
    from bgcopyd.callers.files import TlsFileSet
    from bgcopyd.callers.signed import SignedTokens

logger = logging.getLogger(__name__)


class Doors:
    """What stands at the daemon's listeners.

    Raises:
        CertificateProblem: the files of the TLS listeners cannot be used.
    """

    def __init__(self, settings: Settings, store: Store, uses: TokenUses, clock: Clock) -> None:
        self._settings = settings
        self._store = store
        self._uses = uses
        self._clock = clock
        self._entitled = settings.entitled
        self._own = own_principal()
        self._local = LocalTokens(self._principal, clock)
        self.tls = _tls_files(settings)
        self.peers = PeerSockets(self._local) if settings.shared_sockets else None

    def identities(self) -> Identities:
        """Finds the principal of each call."""
        plain = not self._entitled and self.peers is None
        return Identities(
            self._store.token if plain else self._token,
            self._uses.note,
            self._clock,
            certificates=self._certificates(),
            signed=self._signed(),
            shared=self.peers is not None,
        )

    def reload(self) -> None:
        """Reads again what may change without a restart; it is also seen where nobody says so."""
        logger.info("asked to read the certificates again")
        if self.tls is not None:
            self.tls.latest()

    async def _token(self, digest: bytes) -> Token | None:
        """A token, with no more rights than its principal has."""
        token = self._local.find(digest) or await self._store.token(digest)
        bound = None if token is None else self._entitled.get(token.principal.id)
        return token if token is None or bound is None else bounded(token, bound)

    def _principal(self, owner: str) -> Principal:
        known = self._own if owner == self._own.id else self._entitled.get(owner)
        return known or Principal(owner)

    def _certificates(self) -> ShownCertificates | None:
        if self.tls is None:
            return None
        from bgcopyd.callers.certificates import ShownCertificates  # noqa: PLC0415 - as below

        return ShownCertificates(
            self.tls, self._settings.tls_identity, self._principal, self._clock
        )

    def _signed(self) -> SignedTokens | None:
        issuers = jwt_issuers(self._settings.jwt_issuers)
        if not issuers:
            return None
        from bgcopyd.callers.signed import SignedTokens  # noqa: PLC0415 - as below

        return SignedTokens(issuers, self._entitled, self._clock)


def _tls_files(settings: Settings) -> TlsFileSet | None:
    certificate, key = settings.tls_certificate_file, settings.tls_key_file
    kinds = {listener.kind for listener in settings.listen if isinstance(listener, TcpListener)}
    if certificate is None or key is None or kinds <= {"tcp"}:
        return None
    # Most daemons have no use for the library that reads certificates, which takes 9 MiB.
    from bgcopyd.callers.files import TlsFileSet  # noqa: PLC0415

    return TlsFileSet(certificate, key, settings.tls_client_ca_file)
